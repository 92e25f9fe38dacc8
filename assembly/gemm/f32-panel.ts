/** float32 panels: the layout of a weight matrix in memory that a tile reads as one stream. */
import { LANES, PANEL_ROW_BYTES } from "../simd";
import { transpose4 } from "../transpose";

/** Byte offset of element (row, column) in the panels of a matrix with `k` rows. */
// @ts-ignore: decorator
@inline
function offsetOf(row: i32, column: i32, k: i32): usize {
  return <usize>(column / LANES) * <usize>k * PANEL_ROW_BYTES + <usize>row * PANEL_ROW_BYTES + (<usize>(column % LANES) << 2);
}

/**
 * Copies a (k, n) matrix into panels of 8 columns, row after row, starting at column `first` of the packed matrix: several
 * matrices can be packed side by side into one (query, key, value). Element (i, j) is read at source + i·strideK + j·strideN,
 * so (in, out) and (out, in) layouts both work. The caller zeroes the padding of the last panel beforehand.
 */
export function packF32(source: usize, strideK: usize, strideN: usize, panels: usize, k: i32, n: i32, first: i32): void {
  assert(k > 0 && n > 0 && first >= 0);
  let column = 0;
  while (column < n) {
    const from = source + <usize>column * strideN;
    const to = panels + offsetOf(0, first + column, k);
    if (strideK == 4 && (first + column) % LANES == 0 && n - column >= LANES) {
      copyPanel(from, strideN, to, k);
      column += LANES;
    } else {
      copyColumn(from, strideK, to, 0, k);
      column++;
    }
  }
}

/** Rows `row` to `k` of one column, into its lane of a panel. */
// @ts-ignore: decorator
@inline
function copyColumn(from: usize, strideK: usize, to: usize, row: i32, k: i32): void {
  from += <usize>row * strideK;
  to += <usize>row * PANEL_ROW_BYTES;
  for (; row < k; row++) {
    store<f32>(to, load<f32>(from));
    from += strideK;
    to += PANEL_ROW_BYTES;
  }
}

/** Copies a whole panel from contiguous columns, four rows at a time: column by column, every cache line is written 8 times. */
function copyPanel(from: usize, strideN: usize, to: usize, k: i32): void {
  const whole = k & ~3;
  for (let row = 0; row < whole; row += 4) {
    const block = from + (<usize>row << 2);
    const target = to + <usize>row * PANEL_ROW_BYTES;
    transpose4(block, strideN, target, PANEL_ROW_BYTES);
    transpose4(block + 4 * strideN, strideN, target + 16, PANEL_ROW_BYTES);
  }
  for (let lane = 0; lane < LANES; lane++) copyColumn(from + <usize>lane * strideN, 4, to + (<usize>lane << 2), whole, k);
}

/**
 * Packs some columns of a row-major matrix, (rows, cols), into panels; the padding of the last panel is zero. It reads nothing beyond
 * these columns, which may end anywhere in a wider row.
 */
export function packColumns(x: usize, ldx: usize, panels: usize, rows: i32, cols: i32): void {
  for (let column = 0; column < cols; column += LANES) {
    const bytes = <usize>min(LANES, cols - column) * 4;
    let from = x + (<usize>column << 2);
    for (let n = rows; n > 0; n--) {
      if (bytes == PANEL_ROW_BYTES) {
        const v0 = v128.load(from), v1 = v128.load(from, 16);
        v128.store(panels, v1, 16); v128.store(panels, v0);
      } else {
        v128.store(panels, f32x4.splat(0));
        v128.store(panels, f32x4.splat(0), 16);
        memory.copy(panels, from, bytes);
      }
      from += ldx;
      panels += PANEL_ROW_BYTES;
    }
  }
}

/** Unpacks columns `first` to `first + n` into contiguous columns of k floats. */
export function unpackF32(panels: usize, k: i32, n: i32, first: i32, target: usize): void {
  assert(k > 0 && n > 0 && first >= 0);
  for (let column = first; column < first + n; column++) {
    let from = panels + offsetOf(0, column, k);
    for (let row = 0; row < k; row++) {
      store<f32>(target, load<f32>(from));
      from += PANEL_ROW_BYTES;
      target += 4;
    }
  }
}
