/** float32 products and panels. Sums are float64: products are exact, and a sum is rounded once, at the end. */
import { activate } from "./activation";
import { LANES, PANEL_ROW_BYTES, at, padded } from "./layout";

/** The address of column `column` in the panels of a matrix with `k` rows; its rows are PANEL_ROW_BYTES apart. */
// @ts-ignore: decorator
@inline
function columnOf(panels: usize, column: i32, k: i32): usize {
  return at(panels + <usize>(column / LANES) * <usize>k * PANEL_ROW_BYTES, column % LANES);
}

/** Packs a (k, n) matrix into panels, from column `first` on; element (i, j) is at source + i·strideK + j·strideN. */
export function packF32(source: usize, strideK: usize, strideN: usize, panels: usize, k: i32, n: i32, first: i32): void {
  for (let j = 0; j < n; j++, source += strideN) {
    let from = source, to = columnOf(panels, first + j, k);
    // As integers, so that no engine changes the bits of a NaN.
    for (let i = 0; i < k; i++, from += strideK, to += PANEL_ROW_BYTES) store<i32>(to, load<i32>(from));
  }
}

/** Unpacks columns `first` to `first + n` into contiguous columns. */
export function unpackF32(panels: usize, k: i32, n: i32, first: i32, target: usize): void {
  for (let j = 0; j < n; j++) {
    let from = columnOf(panels, first + j, k);
    for (let i = 0; i < k; i++, from += PANEL_ROW_BYTES, target += 4) store<i32>(target, load<i32>(from));
  }
}

/** C = activation(A · B + bias) + residual. */
export function gemmF32(
  a: usize, lda: usize, panels: usize, bias: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize,
): void {
  for (; m > 0; m--, a += lda, c += ldc) {
    for (let j = 0; j < n; j += LANES) rowTimesPanel(a, panels + <usize>j * <usize>k * 4, at(bias, j), at(c, j), k);
    finishRow(c, n, activation, residual);
    if (residual != 0) residual += ldResidual;
  }
}

export function gemmScratchBytes(): usize {
  return 0;
}

/** c[0..8) = start[0..8) + a[0..k) · panel, eight sums at a time so that `a` is read once. */
function rowTimesPanel(a: usize, panel: usize, start: usize, c: usize, k: i32): void {
  let s0: f64 = load<f32>(start), s1: f64 = load<f32>(start, 4), s2: f64 = load<f32>(start, 8), s3: f64 = load<f32>(start, 12);
  let s4: f64 = load<f32>(start, 16), s5: f64 = load<f32>(start, 20), s6: f64 = load<f32>(start, 24), s7: f64 = load<f32>(start, 28);
  for (; k > 0; k--, a += 4, panel += PANEL_ROW_BYTES) {
    const x: f64 = load<f32>(a);
    s0 += x * load<f32>(panel); s1 += x * load<f32>(panel, 4); s2 += x * load<f32>(panel, 8); s3 += x * load<f32>(panel, 12);
    s4 += x * load<f32>(panel, 16); s5 += x * load<f32>(panel, 20); s6 += x * load<f32>(panel, 24); s7 += x * load<f32>(panel, 28);
  }
  store<f32>(c, <f32>s0); store<f32>(c, <f32>s1, 4); store<f32>(c, <f32>s2, 8); store<f32>(c, <f32>s3, 12);
  store<f32>(c, <f32>s4, 16); store<f32>(c, <f32>s5, 20); store<f32>(c, <f32>s6, 24); store<f32>(c, <f32>s7, 28);
}

/** c = activation(c) + residual for one row; residual 0 means none. */
export function finishRow(c: usize, n: i32, activation: i32, residual: usize): void {
  activate(c, 0, 1, n, activation);
  if (residual == 0) return;
  for (let j = 0; j < n; j++) store<f32>(at(c, j), load<f32>(at(c, j)) + load<f32>(at(residual, j)));
}
