/** The layout of matrices in memory, with SIMD and without. */

/** Columns of a panel; every matrix row is padded to a multiple of it. */
export const LANES: i32 = 8;

/** Bytes of one row of a float32 panel, which are also the bytes of 8 columns of a padded row. */
export const PANEL_ROW_BYTES: usize = 32;

/** The next multiple of 8: the padded width of a row of `n` columns. */
// @ts-ignore: decorator
@inline
export function padded(n: i32): i32 {
  return (n + 7) & ~7;
}
