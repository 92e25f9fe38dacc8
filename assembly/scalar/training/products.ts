/** What the gradient of a dense layer is made of. Sums are float64: products are exact, and a sum is rounded once, at the end. */
import { LANES, PANEL_ROW_BYTES, at, padded } from "../layout";

/**
 * Panels `first` to `first + count` of a (k, n) matrix become rows of the panels of its transpose, (n, k); with the last of them the
 * padding columns become nothing, and the padding of the transpose's last panel becomes zero.
 */
export function transposePanels(panels: usize, k: i32, n: i32, target: usize, first: i32, count: i32): void {
  const rows = min(n, (first + count) * LANES);
  for (let j = first * LANES; j < rows; j++) {
    const column = at(panels + <usize>(j / LANES) * <usize>k * PANEL_ROW_BYTES, j % LANES);
    const row = target + <usize>j * PANEL_ROW_BYTES;
    for (let i = 0; i < padded(k); i++) {
      const to = at(row + <usize>(i / LANES) * <usize>n * PANEL_ROW_BYTES, i % LANES);
      store<f32>(to, i < k ? load<f32>(column + <usize>i * PANEL_ROW_BYTES) : 0);
    }
  }
}

/** Packs a row-major (rows, cols) matrix into panels; the padding of the last panel becomes zero. */
export function packRows(x: usize, ldx: usize, rows: i32, cols: i32, panels: usize): void {
  for (let j = 0; j < padded(cols); j++) {
    let from = at(x, j), to = at(panels + <usize>(j / LANES) * <usize>rows * PANEL_ROW_BYTES, j % LANES);
    for (let i = 0; i < rows; i++, from += ldx, to += PANEL_ROW_BYTES) store<f32>(to, j < cols ? load<f32>(from) : 0);
  }
}

/** target = xᵀ. */
export function transposeRows(x: usize, ldx: usize, rows: i32, cols: i32, target: usize, ldTarget: usize): void {
  for (let i = 0; i < rows; i++, x += ldx) {
    for (let j = 0; j < cols; j++) store<f32>(at(target + <usize>j * ldTarget, i), load<f32>(at(x, j)));
  }
}

/** gradient += xᵀ · dy, for neighbouring panels of dy. */
export function gemmGradient(
  xt: usize, ldXt: usize, dyPanels: usize, gradient: usize, gradientPanelBytes: usize, inputs: i32, tokens: i32, panels: i32,
  scratch: usize,
): void {
  for (; panels > 0; panels--, dyPanels += <usize>tokens * PANEL_ROW_BYTES, gradient += gradientPanelBytes) {
    let row = xt, to = gradient;
    for (let i = 0; i < inputs; i++, row += ldXt, to += PANEL_ROW_BYTES) addRowTimesPanel(row, dyPanels, to, tokens);
  }
}

export function gemmGradientScratchBytes(): usize {
  return 0;
}

/** c[0..8) += a[0..k) · panel, four sums at a time. */
function addRowTimesPanel(a: usize, panel: usize, c: usize, k: i32): void {
  for (let half = 0; half < 2; half++, panel += 16, c += 16) {
    let s0: f64 = 0, s1: f64 = 0, s2: f64 = 0, s3: f64 = 0;
    let x = a, p = panel;
    for (let n = k; n > 0; n--, x += 4, p += PANEL_ROW_BYTES) {
      const v: f64 = load<f32>(x);
      s0 += v * load<f32>(p); s1 += v * load<f32>(p, 4); s2 += v * load<f32>(p, 8); s3 += v * load<f32>(p, 12);
    }
    store<f32>(c, <f32>(s0 + load<f32>(c))); store<f32>(c, <f32>(s1 + load<f32>(c, 4)), 4);
    store<f32>(c, <f32>(s2 + load<f32>(c, 8)), 8); store<f32>(c, <f32>(s3 + load<f32>(c, 12)), 12);
  }
}

/** sums[j] += the sum of column j. */
export function columnSums(x: usize, ldx: usize, rows: i32, cols: i32, sums: usize): void {
  for (let j = 0; j < cols; j++) {
    let sum: f64 = 0;
    let from = at(x, j);
    for (let i = 0; i < rows; i++, from += ldx) sum += load<f32>(from);
    store<f32>(at(sums, j), <f32>(sum + load<f32>(at(sums, j))));
  }
}
