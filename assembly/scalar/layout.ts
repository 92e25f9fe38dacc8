/** How matrices lie in memory, without SIMD as with it. */

/** Columns of a panel; also what every row is padded to. */
export const LANES: i32 = 8;

/** Bytes of one row of a float32 panel. */
export const PANEL_ROW_BYTES: usize = 32;

/** The next multiple of 8. */
// @ts-ignore: decorator
@inline
export function padded(n: i32): i32 {
  return (n + 7) & ~7;
}

/** The address of element `i` of an array of 4-byte numbers. */
// @ts-ignore: decorator
@inline
export function at(array: usize, i: i32): usize {
  return array + (<usize>i << 2);
}
