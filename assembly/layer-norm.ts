/** Layer normalisation, with the residual connection before it. */
import { madd, padded, sumLanes, tailMask } from "./simd";

/**
 * out = (t - mean(t)) / sqrt(var(t) + eps) · gamma + beta, where t = x + residual; residual 0 means none.
 *
 * The variance is computed in a second pass over the row, around its mean: E[t²] - E[t]² would lose all digits when the
 * mean is large (Chan, Golub, LeVeque 1983). All rows are padded, and so are gamma and beta; out may be x or the residual.
 */
export function layerNorm(
  x: usize, ldx: usize, residual: usize, ldResidual: usize, gamma: usize, beta: usize, out: usize, ldOut: usize,
  rows: i32, cols: i32, eps: f32,
): void {
  assert(cols > 0 && ldx >= <usize>padded(cols) * 4 && ldOut >= <usize>padded(cols) * 4);
  while (rows > 0) {
    const sum = residual == 0 ? copySum(x, out, cols) : addSum(x, residual, out, cols);
    const mean = sum / <f32>cols;
    const variance = squaredDeviations(out, cols, mean) / <f32>cols;
    normalize(out, gamma, beta, cols, mean, <f32>1 / sqrt<f32>(variance + eps));
    x += ldx;
    if (residual != 0) residual += ldResidual;
    out += ldOut;
    rows--;
  }
}

/** out = x; returns the sum of the row. */
export function copySum(x: usize, out: usize, n: i32): f32 {
  let sum = f32x4.splat(0), other = sum;
  let pairs = n >> 3;
  while (pairs > 0) {
    // In the shape that V8 pairs (gemm/f32-wide.ts), as below.
    const t = v128.load(x), u = v128.load(x, 16);
    v128.store(out, u, 16); v128.store(out, t);
    sum = f32x4.add(sum, t);
    other = f32x4.add(other, u);
    x += 32; out += 32;
    pairs--;
  }
  sum = f32x4.add(sum, other);
  if (n & 4) {
    const t = v128.load(x);
    v128.store(out, t);
    sum = f32x4.add(sum, t);
    x += 16; out += 16;
  }
  if (n & 3) {
    const t = v128.load(x);
    v128.store(out, t);
    sum = f32x4.add(sum, v128.and(t, tailMask(n)));
  }
  return sumLanes(sum);
}

/** out = x + residual; returns the sum of the row. */
export function addSum(x: usize, residual: usize, out: usize, n: i32): f32 {
  let sum = f32x4.splat(0), other = sum;
  let pairs = n >> 3;
  while (pairs > 0) {
    const t = f32x4.add(v128.load(x), v128.load(residual)), u = f32x4.add(v128.load(x, 16), v128.load(residual, 16));
    v128.store(out, u, 16); v128.store(out, t);
    sum = f32x4.add(sum, t);
    other = f32x4.add(other, u);
    x += 32; residual += 32; out += 32;
    pairs--;
  }
  sum = f32x4.add(sum, other);
  if (n & 4) {
    const t = f32x4.add(v128.load(x), v128.load(residual));
    v128.store(out, t);
    sum = f32x4.add(sum, t);
    x += 16; residual += 16; out += 16;
  }
  if (n & 3) {
    const t = f32x4.add(v128.load(x), v128.load(residual));
    v128.store(out, t);
    sum = f32x4.add(sum, v128.and(t, tailMask(n)));
  }
  return sumLanes(sum);
}

/** The sum of the squares of x - mean. */
export function squaredDeviations(x: usize, n: i32, mean: f32): f32 {
  const m = f32x4.splat(mean);
  let sum = f32x4.splat(0), other = sum;
  let pairs = n >> 3;
  while (pairs > 0) {
    const t = f32x4.sub(v128.load(x), m), u = f32x4.sub(v128.load(x, 16), m);
    sum = madd(t, t, sum);
    other = madd(u, u, other);
    x += 32;
    pairs--;
  }
  if (n & 4) {
    const t = f32x4.sub(v128.load(x), m);
    sum = madd(t, t, sum);
    x += 16;
  }
  if (n & 3) {
    const t = v128.and(f32x4.sub(v128.load(x), m), tailMask(n));
    other = madd(t, t, other);
  }
  return sumLanes(f32x4.add(sum, other));
}

function normalize(x: usize, gamma: usize, beta: usize, n: i32, mean: f32, inverse: f32): void {
  const m = f32x4.splat(mean), s = f32x4.splat(inverse);
  let pairs = (n + 7) >> 3;
  while (pairs > 0) {
    const t = madd(f32x4.mul(f32x4.sub(v128.load(x), m), s), v128.load(gamma), v128.load(beta));
    const u = madd(f32x4.mul(f32x4.sub(v128.load(x, 16), m), s), v128.load(gamma, 16), v128.load(beta, 16));
    v128.store(x, u, 16); v128.store(x, t);
    x += 32; gamma += 32; beta += 32;
    pairs--;
  }
}
