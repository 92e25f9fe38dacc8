/** Panels: how a weight matrix lies in memory so that a tile reads it as one stream. */
import { LANES, PANEL_ROW_BYTES } from "../simd";

/** Where element (row, column) of a packed matrix of `k` rows lies, from the start of its panels. */
// @ts-ignore: decorator
@inline
function offsetOf(row: i32, column: i32, k: i32): usize {
  return <usize>(column / LANES) * <usize>k * PANEL_ROW_BYTES + <usize>row * PANEL_ROW_BYTES + (<usize>(column % LANES) << 2);
}

/**
 * Copies a (k, n) matrix into panels of 8 columns, each k-major, from column `first` of the packed matrix on; several
 * matrices side by side become one (query, key, value). Element (i, j) is read at source + i·strideK + j·strideN, so
 * both (in, out) and (out, in) layouts serve. The padding of the last panel is the caller's to zero beforehand.
 */
export function packF32(source: usize, strideK: usize, strideN: usize, panels: usize, k: i32, n: i32, first: i32): void {
  assert(k > 0 && n > 0 && first >= 0);
  for (let column = 0; column < n; column++) {
    let from = source + <usize>column * strideN;
    let to = panels + offsetOf(0, first + column, k);
    for (let row = 0; row < k; row++) {
      store<f32>(to, load<f32>(from));
      from += strideK;
      to += PANEL_ROW_BYTES;
    }
  }
}

/** Columns `first` to `first + n` of packed panels, one after the other, k floats each. */
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
