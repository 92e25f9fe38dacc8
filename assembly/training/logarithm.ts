/** The natural logarithm of one number: that of the standard library has a table of 2 KB, and constants end below byte 1024. */

/** log(x), relative error at most 4e-16; x is normal and positive. NaN gives NaN, infinity infinity. */
export function logarithm(x: f64): f64 {
  if (!(x < Infinity)) return x;
  // x = m · 2ⁿ, m between √½ and √2; the bits of √½ end in no carry.
  const bits = reinterpret<i64>(x) - 0x3fe6a09e667f3bcd;
  const n = bits >> 52;
  const m = reinterpret<f64>((bits & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd);
  // log m = 2 artanh s, s at most 0.172: its series ends where terms are below 1e-17.
  const s = (m - 1) / (m + 1), square = s * s;
  let sum: f64 = 0;
  for (let i = 21; i > 0; i -= 2) sum = sum * square + 1 / <f64>i;
  return <f64>n * 0.6931471805599453 + 2 * s * sum;
}
