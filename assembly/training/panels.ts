/** Operands of the products of a backward pass: panels and their transposes. */
import { LANES, PANEL_ROW_BYTES, padded, tailMask } from "../simd";
import { transpose4 } from "../transpose";

/** Bytes of an 8 × 8 block in a panel. */
const BLOCK_BYTES: usize = 8 * PANEL_ROW_BYTES;

/**
 * Panels `first` to `first + count` of a (k, n) matrix become rows of the panels of its transpose, (n, k). Every 8 × 8 block is 256
 * neighbouring bytes on both sides. The padding of the transpose's last panel becomes zero.
 */
export function transposePanels(panels: usize, k: i32, n: i32, target: usize, first: i32, count: i32): void {
  assert(k > 0 && n > 0 && first >= 0 && (first + count) * LANES <= padded(n));
  let from = panels + <usize>first * <usize>k * PANEL_ROW_BYTES, to = target + <usize>first * BLOCK_BYTES;
  const targetPanelBytes = <usize>n * PANEL_ROW_BYTES;
  for (let column = first * LANES; count > 0; count--, column += LANES) {
    const columns = min(LANES, n - column);
    transposePanel(from, k, columns, to, targetPanelBytes);
    from += <usize>k * PANEL_ROW_BYTES;
    to += BLOCK_BYTES;
  }
}

function transposePanel(from: usize, k: i32, columns: i32, to: usize, targetPanelBytes: usize): void {
  while (columns == LANES && k >= LANES) {
    transpose4(from, PANEL_ROW_BYTES, to, PANEL_ROW_BYTES);
    transpose4(from + 16, PANEL_ROW_BYTES, to + 4 * PANEL_ROW_BYTES, PANEL_ROW_BYTES);
    transpose4(from + 4 * PANEL_ROW_BYTES, PANEL_ROW_BYTES, to + 16, PANEL_ROW_BYTES);
    transpose4(from + 4 * PANEL_ROW_BYTES + 16, PANEL_ROW_BYTES, to + 4 * PANEL_ROW_BYTES + 16, PANEL_ROW_BYTES);
    from += BLOCK_BYTES;
    to += targetPanelBytes;
    k -= LANES;
  }
  for (; k > 0; k -= LANES, from += BLOCK_BYTES, to += targetPanelBytes) transposePart(from, min(k, LANES), columns, to);
}

/** A block of fewer rows or columns: `rows` lanes of `columns` rows of the target. */
function transposePart(from: usize, rows: i32, columns: i32, to: usize): void {
  for (let j = 0; j < columns; j++, from += 4) {
    for (let i = 0; i < LANES; i++, to += 4) store<f32>(to, i < rows ? load<f32>(from + <usize>i * PANEL_ROW_BYTES) : 0);
  }
}

/** Packs a row-major (rows, cols) matrix into panels; the padding of the last panel becomes zero. */
export function packRows(x: usize, ldx: usize, rows: i32, cols: i32, panels: usize): void {
  assert(rows > 0 && cols > 0 && ldx >= <usize>padded(cols) * 4);
  const panelBytes = <usize>rows * PANEL_ROW_BYTES;
  for (; cols >= 2 * LANES; cols -= 2 * LANES) {
    copyTwoPanels(x, ldx, rows, panels, panelBytes);
    x += 2 * PANEL_ROW_BYTES;
    panels += 2 * panelBytes;
  }
  for (; cols > 0; cols -= LANES) {
    copyPanel(x, ldx, rows, cols, panels);
    x += PANEL_ROW_BYTES;
    panels += panelBytes;
  }
}

/** Two at a time, so that a cache line of x is read once. */
function copyTwoPanels(x: usize, ldx: usize, rows: i32, panel: usize, panelBytes: usize): void {
  let other = panel + panelBytes;
  while (rows > 0) {
    const a = v128.load(x), b = v128.load(x, 16), c = v128.load(x, 32), d = v128.load(x, 48);
    v128.store(panel, a); v128.store(panel, b, 16);
    v128.store(other, c); v128.store(other, d, 16);
    x += ldx;
    panel += PANEL_ROW_BYTES;
    other += PANEL_ROW_BYTES;
    rows--;
  }
}

function copyPanel(x: usize, ldx: usize, rows: i32, cols: i32, panel: usize): void {
  const all = i32x4.splat(-1), none = i32x4.splat(0);
  const low = cols >= 4 ? all : tailMask(cols), high = cols >= LANES ? all : cols > 4 ? tailMask(cols) : none;
  while (rows > 0) {
    v128.store(panel, v128.and(v128.load(x), low));
    v128.store(panel, v128.and(v128.load(x, 16), high), 16);
    x += ldx;
    panel += PANEL_ROW_BYTES;
    rows--;
  }
}

/** target = xᵀ; the padding of its rows is left as it is. */
export function transposeRows(x: usize, ldx: usize, rows: i32, cols: i32, target: usize, ldTarget: usize): void {
  assert(rows > 0 && cols > 0 && ldx >= <usize>cols * 4 && ldTarget >= <usize>rows * 4);
  for (; cols >= 16; cols -= 16) {
    transposeColumns16(x, ldx, rows, target, ldTarget);
    x += 64;
    target += 16 * ldTarget;
  }
  for (; cols > 0; cols--) {
    copyColumn(x, ldx, rows, target);
    x += 4;
    target += ldTarget;
  }
}

/** Sixteen columns: one cache line of each row of x, and sixteen lines of the target at a time. */
function transposeColumns16(x: usize, ldx: usize, rows: i32, target: usize, ldTarget: usize): void {
  while (rows >= 4) {
    transpose4(x, ldx, target, ldTarget);
    transpose4(x + 16, ldx, target + 4 * ldTarget, ldTarget);
    transpose4(x + 32, ldx, target + 8 * ldTarget, ldTarget);
    transpose4(x + 48, ldx, target + 12 * ldTarget, ldTarget);
    x += 4 * ldx;
    target += 16;
    rows -= 4;
  }
  for (let column = 0; column < 16; column++) {
    copyColumn(x, ldx, rows, target);
    x += 4;
    target += ldTarget;
  }
}

function copyColumn(x: usize, ldx: usize, rows: i32, target: usize): void {
  while (rows > 0) {
    store<f32>(target, load<f32>(x));
    x += ldx;
    target += 4;
    rows--;
  }
}
