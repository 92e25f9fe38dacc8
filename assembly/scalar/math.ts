/** exp, erf and tanh of one number, by the polynomials of `assembly/math.ts` and with the same errors. */

/** exp(x), relative error at most 1.8e-7; 0 below -87.7, infinity above 88.4. NaN passes both comparisons. */
export function exp(x: f32): f32 {
  if (x < -88) x = -88;
  if (x > 89) x = 89;
  // x = n ln2 + r. Adding 1.5 * 2^23 rounds to the integer n and leaves it in the low bits.
  const shifted: f32 = <f32>12582912 + x * <f32>1.44269504088896341;
  const n: f32 = shifted - <f32>12582912;
  const r: f32 = x - n * <f32>0.693359375 - n * <f32>-2.12194440e-4;
  let p: f32 = <f32>0.04189033433794975 + r * <f32>0.008312501944601536;
  p = <f32>0.16667115688323975 + r * p;
  p = <f32>0.499992311000824 + r * p;
  p = <f32>1 + r + r * r * p;
  return p * reinterpret<f32>((reinterpret<i32>(shifted) << 23) + 0x3f800000);
}

/** erf(x), absolute error at most 1.2e-7: x · P(x²) below 0.9, the logarithm of erfc above, 1 from 4 on. */
export function erf(x: f32): f32 {
  const a = abs<f32>(x);
  if (a < <f32>0.9) {
    const square: f32 = x * x;
    let p: f32 = <f32>0.005011961795389652 + square * <f32>-0.0006090354872867465;
    p = <f32>-0.02677890844643116 + square * p;
    p = <f32>0.11282140761613846 + square * p;
    p = <f32>-0.3761252462863922 + square * p;
    return (<f32>1.1283791065216064 + square * p) * x;
  }
  const b: f32 = a > 4 ? 4 : a;
  let p: f32 = <f32>0.015579049475491047 + b * <f32>-0.001251562382094562;
  p = <f32>-0.09110917150974274 + b * p;
  p = <f32>-0.6507552862167358 + b * p;
  p = <f32>-1.1201908588409424 + b * p;
  p = <f32>-0.001877640257589519 + b * p;
  const large: f32 = <f32>1 - exp(p);
  return x < 0 ? -large : large;
}

/** tanh(x), relative error at most 2.4e-7: x + x³ · P(x²) below 0.5. */
export function tanh(x: f32): f32 {
  const a = abs<f32>(x);
  if (a < <f32>0.5) {
    const square: f32 = x * x;
    let p: f32 = <f32>-0.05304549261927605 + square * <f32>0.01724148355424404;
    p = <f32>0.13325878977775574 + square * p;
    p = <f32>-0.333331435918808 + square * p;
    return x + x * (square * p);
  }
  const large: f32 = <f32>1 - <f32>2 / (exp(a + a) + <f32>1);
  return x < 0 ? -large : large;
}
