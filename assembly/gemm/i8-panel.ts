/**
 * int8 panels: 8 columns of a weight matrix, each with a scale of its own.
 *
 * A panel holds 8 float32 scales, 8 int32 column sums, then the weights. Along k, weights are grouped as one instruction
 * multiplies them: in pairs where it multiplies int16 (plain SIMD), in fours where it multiplies int8 (relaxed SIMD). Within
 * a group, columns follow one another. k is padded to a multiple of 4 either way, so a matrix has the same size.
 *
 * Columns of more than `stretch` weights are cut into stretches. Each stretch of 8 columns is a panel, with scales and sums of its
 * own; the panels of the same columns follow one another. `stretch` is a multiple of 4, or at least k.
 */
import { LANES } from "../simd";

/** Consecutive k of one column that one instruction multiplies and adds. */
export const GROUP: i32 = ASC_FEATURE_RELAXED_SIMD ? 4 : 2;

/**
 * Whether each row of quantised activations is shifted by a zero point: relaxed SIMD guarantees exact products only for
 * activations from 0 to 127. Each result is then too large by the zero point times the column's sum.
 */
export const SHIFTED: bool = ASC_FEATURE_RELAXED_SIMD;

/** Offsets of the column sums and the weights in a panel; the sums are zeros where nothing is shifted. */
export const SUMS: usize = 32;
export const HEADER_BYTES: usize = 64;

/** Bytes from one group to the next. */
export const GROUP_BYTES: usize = GROUP * LANES;

/** The largest level of a quantised weight: -128 is unused, so that the range is symmetric. */
const MAX_LEVEL: f32 = 127;

/** If the largest magnitude is below this, the numbers count as zeros; 1 / 2^-100 is still far from overflow. */
export const MIN_MAGNITUDE: f32 = 7.888609052210118e-31;

/** Added to a number below 2^22, this leaves the nearest integer, ties to even, in the low bits. */
export const ROUND: f32 = 12582912;
export const ROUND_BITS: i32 = 0x4b400000;

/** k, padded as in the panels. */
// @ts-ignore: decorator
@inline
export function depthOf(k: i32): i32 {
  return (k + 3) & ~3;
}

/** Bytes of one panel. */
// @ts-ignore: decorator
@inline
export function panelBytesI8(k: i32): usize {
  return HEADER_BYTES + <usize>depthOf(k) * LANES;
}

/** Bytes of 8 columns in stretches. */
export function stretchesBytes(k: i32, stretch: i32): usize {
  return <usize>((k + stretch - 1) / stretch) * HEADER_BYTES + <usize>depthOf(k) * LANES;
}

/** Byte offset of the weight (row, lane) in a panel. */
// @ts-ignore: decorator
@inline
function offsetOf(row: i32, lane: i32): usize {
  return HEADER_BYTES + <usize>(row / GROUP) * GROUP_BYTES + <usize>(lane * GROUP + row % GROUP);
}

/** The weight (row, lane) of a panel, times its column's scale. */
// @ts-ignore: decorator
@inline
export function weightOf(panel: usize, row: i32, lane: i32): f32 {
  return <f32>(<i32>load<i8>(panel + offsetOf(row, lane))) * load<f32>(panel + (<usize>lane << 2));
}

/** Bytes of a packed (k, n) matrix. */
export function panelsBytesI8(k: i32, n: i32, stretch: i32): usize {
  return <usize>((n + LANES - 1) / LANES) * stretchesBytes(k, stretch);
}

/**
 * Quantises a float32 (k, n) matrix into panels, from column `first` on, each stretch of a column by its largest magnitude; ties go
 * to the even neighbour. Arguments as for `packF32`; the caller has zeroed the panels.
 */
export function packI8(
  source: usize, strideK: usize, strideN: usize, panels: usize, k: i32, n: i32, first: i32, stretch: i32,
): void {
  assert(k > 0 && n > 0 && first >= 0 && stretch > 0);
  for (let column = first; column < first + n; column++) {
    let panel = panels + <usize>(column / LANES) * stretchesBytes(k, stretch);
    for (let row = 0; row < k; row += stretch) {
      packColumn(source + <usize>row * strideK, strideK, panel, column % LANES, min(stretch, k - row));
      panel += panelBytesI8(stretch);
    }
    source += strideN;
  }
}

/** One stretch of a column. */
function packColumn(source: usize, strideK: usize, panel: usize, lane: i32, k: i32): void {
  // A column that is contiguous in the source is read four numbers at a time.
  const whole = strideK == 4 ? k & ~3 : 0;
  const largest = largestOf(source, strideK, k, whole);
  const inverse: f32 = largest < MIN_MAGNITUDE ? 0 : MAX_LEVEL / largest;
  const sum = quantizeFours(source, inverse, panel, lane, whole) + quantizeRest(source, strideK, inverse, panel, lane, whole, k);
  finishColumn(panel, lane, largest < MIN_MAGNITUDE ? 0 : largest / MAX_LEVEL, sum);
}

/** The largest magnitude of a column; NaN if the column holds one. */
function largestOf(source: usize, strideK: usize, k: i32, whole: i32): f32 {
  // Compared as integers, magnitudes keep their order, and a NaN is above infinity: it reaches the scale, and so the result.
  let fours = i32x4.splat(0);
  const magnitude = i32x4.splat(i32.MAX_VALUE);
  for (let row = 0; row < whole; row += 4) {
    fours = i32x4.max_s(fours, v128.and(v128.load(source + (<usize>row << 2)), magnitude));
  }
  let bits = max(
    max(i32x4.extract_lane(fours, 0), i32x4.extract_lane(fours, 1)),
    max(i32x4.extract_lane(fours, 2), i32x4.extract_lane(fours, 3)),
  );
  for (let row = whole, from = source + <usize>whole * strideK; row < k; row++, from += strideK) {
    bits = max(bits, load<i32>(from) & i32.MAX_VALUE);
  }
  return reinterpret<f32>(bits);
}

/** Quantises the first `whole` numbers of a contiguous column and returns their sum. */
function quantizeFours(source: usize, inverse: f32, panel: usize, lane: i32, whole: i32): i32 {
  const factor = f32x4.splat(inverse), round = f32x4.splat(ROUND), roundBits = i32x4.splat(ROUND_BITS);
  let sums = i32x4.splat(0);
  let to = panel + offsetOf(0, lane);
  for (let row = 0; row < whole; row += 4) {
    const numbers = v128.load(source + (<usize>row << 2));
    const values = i32x4.sub(f32x4.add(f32x4.mul(numbers, factor), round), roundBits);
    sums = i32x4.add(sums, values);
    storeFour(to, i32x4.extract_lane(v128.shuffle<i8>(values, values, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), 0));
    to += 4 * LANES;
  }
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
}

/** Stores four bytes of one column in the one or two groups that hold them. */
// @ts-ignore: decorator
@inline
function storeFour(to: usize, bytes: i32): void {
  if (GROUP == 4) {
    store<i32>(to, bytes);
  } else {
    store<i16>(to, <i16>bytes);
    store<i16>(to + GROUP_BYTES, <i16>(bytes >> 16));
  }
}

/** Quantises rows `row` to `k` of a column and returns their sum. */
function quantizeRest(source: usize, strideK: usize, inverse: f32, panel: usize, lane: i32, row: i32, k: i32): i32 {
  let sum: i32 = 0;
  for (let from = source + <usize>row * strideK; row < k; row++, from += strideK) {
    const value = reinterpret<i32>(load<f32>(from) * inverse + ROUND) - ROUND_BITS;
    sum += value;
    store<i8>(panel + offsetOf(row, lane), <i8>value);
  }
  return sum;
}

/** Stores the scale and the sum of a column. */
// @ts-ignore: decorator
@inline
function finishColumn(panel: usize, lane: i32, scale: f32, sum: i32): void {
  store<f32>(panel + (<usize>lane << 2), scale);
  store<i32>(panel + SUMS + (<usize>lane << 2), SHIFTED ? sum : 0);
}

/** Unpacks columns `first` to `first + n` into contiguous columns of k float32. */
export function unpackI8(panels: usize, k: i32, n: i32, first: i32, target: usize, stretch: i32): void {
  assert(k > 0 && n > 0 && first >= 0 && stretch > 0);
  for (let column = first; column < first + n; column++) {
    let panel = panels + <usize>(column / LANES) * stretchesBytes(k, stretch);
    for (let from = 0; from < k; from += stretch) {
      for (let row = 0; row < min(stretch, k - from); row++) {
        store<f32>(target, weightOf(panel, row, column % LANES));
        target += 4;
      }
      panel += panelBytesI8(stretch);
    }
  }
}

/**
 * Packs columns that are already quantised, from column `first` on: k levels from -127 to 127 per column, contiguous, and
 * one scale per column.
 */
export function packLevels(levels: usize, scales: usize, panels: usize, k: i32, n: i32, first: i32): void {
  assert(k > 0 && n > 0 && first >= 0);
  const whole = k & ~3;
  for (let column = first; column < first + n; column++) {
    const lane = column % LANES;
    const panel = panels + <usize>(column / LANES) * panelBytesI8(k);
    let sums = i32x4.splat(0);
    let to = panel + offsetOf(0, lane);
    for (let row = 0; row < whole; row += 4) {
      const from = levels + <usize>row;
      if (SHIFTED) {
        sums = i32x4.add(sums, i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(from))));
      }
      storeFour(to, load<i32>(from));
      to += 4 * LANES;
    }
    let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
    for (let row = whole; row < k; row++) {
      const level = load<i8>(levels + <usize>row);
      sum += <i32>level;
      store<i8>(panel + offsetOf(row, lane), level);
    }
    finishColumn(panel, lane, load<f32>(scales), sum);
    levels += <usize>k;
    scales += 4;
  }
}

/** Unpacks columns `first` to `first + n` in the form that `packLevels` takes. */
export function unpackLevels(panels: usize, k: i32, n: i32, first: i32, levels: usize, scales: usize): void {
  assert(k > 0 && n > 0 && first >= 0);
  for (let column = first; column < first + n; column++) {
    const lane = column % LANES;
    const panel = panels + <usize>(column / LANES) * panelBytesI8(k);
    for (let row = 0; row < k; row++) {
      store<i8>(levels, load<i8>(panel + offsetOf(row, lane)));
      levels++;
    }
    store<f32>(scales, load<f32>(panel + (<usize>lane << 2)));
    scales += 4;
  }
}
