/**
 * int8 products. A panel is 8 scales, 8 words that only relaxed SIMD needs, then the weights in pairs of k, the columns of
 * a pair side by side. Rows of A are quantised to int16 on their way in; sums are integers and exact. Each `stretch` of k is a
 * panel of its own, with its scales.
 */
import { LANES, at } from "./layout";
import { finishRow } from "./gemm";

const HEADER_BYTES: usize = 64;

/** If the largest magnitude is below this, 2^-100, the numbers count as zeros. */
const MIN_MAGNITUDE: f32 = 7.888609052210118e-31;

/** k, padded as in panels and quantised rows. */
// @ts-ignore: decorator
@inline
function depthOf(k: i32): i32 {
  return (k + 3) & ~3;
}

// @ts-ignore: decorator
@inline
export function panelBytesI8(k: i32): usize {
  return HEADER_BYTES + <usize>(depthOf(k) * LANES);
}

/** Bytes of 8 columns in stretches. */
// @ts-ignore: decorator
@inline
function stretchesBytes(k: i32, stretch: i32): usize {
  return <usize>((k + stretch - 1) / stretch) * HEADER_BYTES + <usize>(depthOf(k) * LANES);
}

/** Bytes of the panels of a (k, n) matrix. */
export function panelsBytesI8(k: i32, n: i32, stretch: i32): usize {
  return <usize>((n + LANES - 1) / LANES) * stretchesBytes(k, stretch);
}

// @ts-ignore: decorator
@inline
function panelOf(panels: usize, column: i32, k: i32, stretch: i32): usize {
  return panels + <usize>(column / LANES) * stretchesBytes(k, stretch);
}

/** The address of the weight (row, lane) of a panel. */
// @ts-ignore: decorator
@inline
function levelAt(panel: usize, row: i32, lane: i32): usize {
  return panel + HEADER_BYTES + <usize>((row >> 1) * 2 * LANES + lane * 2 + (row & 1));
}

/** The weight itself. */
export function weightOf(panel: usize, row: i32, lane: i32): f32 {
  return <f32>(<i32>load<i8>(levelAt(panel, row, lane))) * load<f32>(at(panel, lane));
}

/** The nearest integer, ties to even, of a number below 2^22: adding 1.5 * 2^23 leaves it in the low bits. */
// @ts-ignore: decorator
@inline
function nearest(x: f32): i32 {
  return reinterpret<i32>(x + <f32>12582912) - 0x4b400000;
}

/** The largest magnitude of n numbers, compared as integers: a NaN, which is above infinity there, is not lost. */
function largestOf(x: usize, stride: usize, n: i32): f32 {
  let bits: i32 = 0;
  for (; n > 0; n--, x += stride) bits = max(bits, load<i32>(x) & i32.MAX_VALUE);
  return reinterpret<f32>(bits);
}

/** Quantises a float32 (k, n) matrix into panels from column `first` on, each stretch of a column by its largest magnitude. */
export function packI8(
  source: usize, strideK: usize, strideN: usize, panels: usize, k: i32, n: i32, first: i32, stretch: i32,
): void {
  for (let column = first; column < first + n; column++, source += strideN) {
    let panel = panelOf(panels, column, k, stretch), from = source;
    for (let row = 0; row < k; row += stretch, panel += panelBytesI8(stretch), from += <usize>stretch * strideK) {
      packColumn(from, strideK, panel, column % LANES, min(stretch, k - row));
    }
  }
}

function packColumn(source: usize, strideK: usize, panel: usize, lane: i32, k: i32): void {
  const largest = largestOf(source, strideK, k);
  const inverse: f32 = largest < MIN_MAGNITUDE ? 0 : <f32>127 / largest;
  for (let i = 0; i < k; i++, source += strideK) store<i8>(levelAt(panel, i, lane), <i8>nearest(load<f32>(source) * inverse));
  store<f32>(at(panel, lane), largest < MIN_MAGNITUDE ? 0 : largest / <f32>127);
  store<i32>(at(panel, LANES + lane), 0);
}

/** Unpacks columns `first` to `first + n` into contiguous float32 columns. */
export function unpackI8(panels: usize, k: i32, n: i32, first: i32, target: usize, stretch: i32): void {
  for (let column = first; column < first + n; column++) {
    let panel = panelOf(panels, column, k, stretch);
    for (let from = 0; from < k; from += stretch, panel += panelBytesI8(stretch)) {
      for (let i = 0; i < min(stretch, k - from); i++, target += 4) store<f32>(target, weightOf(panel, i, column % LANES));
    }
  }
}

/** Packs columns that are already quantised: k contiguous levels and one scale per column. */
export function packLevels(levels: usize, scales: usize, panels: usize, k: i32, n: i32, first: i32): void {
  for (let column = first; column < first + n; column++, scales += 4) {
    const panel = panelOf(panels, column, k, k), lane = column % LANES;
    for (let i = 0; i < k; i++, levels++) store<i8>(levelAt(panel, i, lane), load<i8>(levels));
    store<f32>(at(panel, lane), load<f32>(scales));
    store<i32>(at(panel, LANES + lane), 0);
  }
}

/** Unpacks such columns. */
export function unpackLevels(panels: usize, k: i32, n: i32, first: i32, levels: usize, scales: usize): void {
  for (let column = first; column < first + n; column++, scales += 4) {
    const panel = panelOf(panels, column, k, k), lane = column % LANES;
    for (let i = 0; i < k; i++, levels++) store<i8>(levels, load<i8>(levelAt(panel, i, lane)));
    store<f32>(scales, load<f32>(at(panel, lane)));
  }
}

/** Quantises m rows of A to int16 by their largest magnitudes, padded with zeros; the zero points are 0. Only relaxed SIMD has `lowest` and `highest`. */
export function quantizeRows(
  a: usize, lda: usize, out: usize, scales: usize, zeros: usize, m: i32, k: i32, _lowest: i32, _highest: i32,
): void {
  // As many levels as let a sum with weights of 127 fit an int32; more than 4,095 gain nothing.
  const levels = <f32>min(4095, i32.MAX_VALUE / (127 * k));
  for (; m > 0; m--, a += lda, scales += 4, zeros += 4) {
    const largest = largestOf(a, 4, k);
    const inverse: f32 = largest < MIN_MAGNITUDE ? 0 : levels / largest;
    for (let i = 0; i < depthOf(k); i++, out += 2) store<i16>(out, i < k ? <i16>nearest(load<f32>(at(a, i)) * inverse) : 0);
    store<f32>(scales, largest < MIN_MAGNITUDE ? 0 : largest / levels);
    store<i32>(zeros, 0);
  }
}

/** C = activation(A · B + bias) + residual, one row of A at a time; scratch holds its scale, zero point, sums and levels. */
export function gemmI8(
  a: usize, lda: usize, panels: usize, bias: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize, _lowest: i32, _highest: i32, stretch: i32,
): void {
  const sums = scratch + 8, row = sums + LANES * 4;
  for (; m > 0; m--, a += lda, c += ldc) {
    let offset: usize = 0;
    for (let first = 0; first < k; first += stretch, offset += panelBytesI8(stretch)) {
      const depth = min(stretch, k - first);
      quantizeRows(at(a, first), lda, row, scratch, scratch + 4, 1, depth, 0, 0);
      const scale = load<f32>(scratch);
      for (let j = 0; j < n; j += LANES) {
        const panel = panelOf(panels, j, k, stretch) + offset, start = first == 0 ? bias : c;
        rowTimesPanel(row, panel + HEADER_BYTES, sums, depth);
        for (let lane = 0; lane < LANES; lane++) {
          const sum = <f32>load<i32>(at(sums, lane));
          store<f32>(at(c, j + lane), sum * (scale * load<f32>(at(panel, lane))) + load<f32>(at(start, j + lane)));
        }
      }
    }
    finishRow(c, n, activation, residual);
    if (residual != 0) residual += ldResidual;
  }
}

export function gemmI8ScratchBytes(k: i32, stretch: i32): usize {
  return 8 + LANES * 4 + <usize>depthOf(min(k, stretch)) * 2;
}

/** c[0..8) = a · panel as int32, two rows of the panel at a time. */
function rowTimesPanel(a: usize, weights: usize, c: usize, k: i32): void {
  let s0: i32 = 0, s1: i32 = 0, s2: i32 = 0, s3: i32 = 0, s4: i32 = 0, s5: i32 = 0, s6: i32 = 0, s7: i32 = 0;
  for (; k > 0; k -= 2, a += 4, weights += 2 * LANES) {
    const x = <i32>load<i16>(a), y = <i32>load<i16>(a, 2);
    s0 += x * <i32>load<i8>(weights) + y * <i32>load<i8>(weights, 1);
    s1 += x * <i32>load<i8>(weights, 2) + y * <i32>load<i8>(weights, 3);
    s2 += x * <i32>load<i8>(weights, 4) + y * <i32>load<i8>(weights, 5);
    s3 += x * <i32>load<i8>(weights, 6) + y * <i32>load<i8>(weights, 7);
    s4 += x * <i32>load<i8>(weights, 8) + y * <i32>load<i8>(weights, 9);
    s5 += x * <i32>load<i8>(weights, 10) + y * <i32>load<i8>(weights, 11);
    s6 += x * <i32>load<i8>(weights, 12) + y * <i32>load<i8>(weights, 13);
    s7 += x * <i32>load<i8>(weights, 14) + y * <i32>load<i8>(weights, 15);
  }
  store<i32>(c, s0); store<i32>(c, s1, 4); store<i32>(c, s2, 8); store<i32>(c, s3, 12);
  store<i32>(c, s4, 16); store<i32>(c, s5, 20); store<i32>(c, s6, 24); store<i32>(c, s7, 28);
}
