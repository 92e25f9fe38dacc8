/** Whether numbers are finite: one pass over the numbers of a checkpoint before they are packed. */

/** Whether none of `n` floats is NaN or infinite. */
export function allFinite(x: usize, n: i32): bool {
  assert(n > 0);
  // Both have an exponent of all ones, and nothing else has.
  const exponent = i32x4.splat(0x7f800000);
  let found = i32x4.splat(0);
  const end = x + (<usize>(n & ~3) << 2);
  for (; x < end; x += 16) found = v128.or(found, i32x4.eq(v128.and(v128.load(x), exponent), exponent));
  for (let i = 0; i < (n & 3); i++) {
    if ((load<i32>(x + (<usize>i << 2)) & 0x7f800000) == 0x7f800000) return false;
  }
  return !v128.any_true(found);
}
