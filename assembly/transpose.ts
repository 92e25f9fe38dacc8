/** Transposition in registers. */

/** The four rows of four numbers at `from` become columns at `to`. */
// @ts-ignore: decorator
@inline
export function transpose4(from: usize, ldFrom: usize, to: usize, ldTo: usize): void {
  storeColumns(v128.load(from), v128.load(from + ldFrom), v128.load(from + 2 * ldFrom), v128.load(from + 3 * ldFrom), to, ldTo);
}

/** Four vectors become columns at `to`. */
// @ts-ignore: decorator
@inline
export function storeColumns(a: v128, b: v128, c: v128, d: v128, to: usize, ldTo: usize): void {
  const low0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), high0 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const low1 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), high1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(low0, low1, 0, 2));
  v128.store(to + ldTo, v128.shuffle<i64>(low0, low1, 1, 3));
  v128.store(to + 2 * ldTo, v128.shuffle<i64>(high0, high1, 0, 2));
  v128.store(to + 3 * ldTo, v128.shuffle<i64>(high0, high1, 1, 3));
}
