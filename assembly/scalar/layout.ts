/** The layout of matrices in memory, and the addresses of their elements. */

export { LANES, PANEL_ROW_BYTES, padded } from "../layout";

/** The address of element `i` of an array of 4-byte numbers. */
// @ts-ignore: decorator
@inline
export function at(array: usize, i: i32): usize {
  return array + (<usize>i << 2);
}
