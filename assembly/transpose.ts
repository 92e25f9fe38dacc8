/** Transposition in registers. */

/** The four rows of four numbers at `from` become columns at `to`. */
// @ts-ignore: decorator
@inline
export function transpose4(from: usize, ldFrom: usize, to: usize, ldTo: usize): void {
  const a = v128.load(from), b = v128.load(from + ldFrom);
  const c = v128.load(from + 2 * ldFrom), d = v128.load(from + 3 * ldFrom);
  const low0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), high0 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const low1 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), high1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(low0, low1, 0, 2));
  v128.store(to + ldTo, v128.shuffle<i64>(low0, low1, 1, 3));
  v128.store(to + 2 * ldTo, v128.shuffle<i64>(high0, high1, 0, 2));
  v128.store(to + 3 * ldTo, v128.shuffle<i64>(high0, high1, 1, 3));
}
