/** The gradient of a layer norm's input, from its normalised rows. */
import { addSum, copySum, squaredDeviations } from "../layer-norm";
import { madd, padded, sumLanes, tailMask } from "../simd";

/** x += y */
export function addRows(x: usize, ldx: usize, y: usize, ldy: usize, rows: i32, cols: i32): void {
  assert(cols > 0 && ldx >= <usize>padded(cols) * 4 && ldy >= <usize>padded(cols) * 4);
  for (; rows > 0; rows--, x += ldx, y += ldy) addRow(x, y, (cols + 3) >> 2);
}

function addRow(x: usize, y: usize, vectors: i32): void {
  while (vectors > 0) {
    v128.store(x, f32x4.add(v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
    vectors--;
  }
}

/**
 * x = (t - mean(t)) / sqrt(var(t) + eps) per row, where t = x + residual; residual 0 means none. inverses[row] = 1 / sqrt(var(t) + eps).
 * The sums are those of `layerNorm`.
 */
export function normalizeRows(
  x: usize, ldx: usize, residual: usize, ldResidual: usize, inverses: usize, rows: i32, cols: i32, eps: f32,
): void {
  assert(cols > 0 && ldx >= <usize>padded(cols) * 4);
  for (; rows > 0; rows--, x += ldx, inverses += 4) {
    const sum = residual == 0 ? copySum(x, x, cols) : addSum(x, residual, x, cols);
    const mean = sum / <f32>cols;
    const inverse = <f32>1 / sqrt<f32>(squaredDeviations(x, cols, mean) / <f32>cols + eps);
    normalizeRow(x, (cols + 3) >> 2, mean, inverse);
    store<f32>(inverses, inverse);
    if (residual != 0) residual += ldResidual;
  }
}

function normalizeRow(x: usize, vectors: i32, mean: f32, inverse: f32): void {
  const m = f32x4.splat(mean), s = f32x4.splat(inverse);
  while (vectors > 0) {
    v128.store(x, f32x4.mul(f32x4.sub(v128.load(x), m), s));
    x += 16;
    vectors--;
  }
}

/** dy = inverse · (g - mean(g) - x · mean(g · x)), where g = dy · gamma. */
export function normGradient(
  dy: usize, ldDy: usize, x: usize, ldx: usize, inverses: usize, gamma: usize, rows: i32, cols: i32,
): void {
  assert(cols > 0 && ldDy >= <usize>padded(cols) * 4 && ldx >= <usize>padded(cols) * 4);
  const vectors = (cols + 3) >> 2;
  for (; rows > 0; rows--, dy += ldDy, x += ldx, inverses += 4) {
    const mean = scaleSum(dy, gamma, cols) / <f32>cols, slope = dot(dy, x, cols) / <f32>cols;
    combine(dy, x, vectors, mean, slope, load<f32>(inverses));
  }
}

/** x *= y; returns the sum of the row. */
function scaleSum(x: usize, y: usize, n: i32): f32 {
  let sum = f32x4.splat(0), other = sum;
  let pairs = n >> 3;
  while (pairs > 0) {
    const t = f32x4.mul(v128.load(x), v128.load(y)), u = f32x4.mul(v128.load(x, 16), v128.load(y, 16));
    v128.store(x, t);
    v128.store(x, u, 16);
    sum = f32x4.add(sum, t);
    other = f32x4.add(other, u);
    x += 32;
    y += 32;
    pairs--;
  }
  if (n & 4) {
    const t = f32x4.mul(v128.load(x), v128.load(y));
    v128.store(x, t);
    sum = f32x4.add(sum, t);
    x += 16;
    y += 16;
  }
  if (n & 3) {
    const t = v128.and(f32x4.mul(v128.load(x), v128.load(y)), tailMask(n));
    v128.store(x, t);
    other = f32x4.add(other, t);
  }
  return sumLanes(f32x4.add(sum, other));
}

/** The sum of x · y. */
function dot(x: usize, y: usize, n: i32): f32 {
  let sum = f32x4.splat(0), other = sum;
  let pairs = n >> 3;
  while (pairs > 0) {
    sum = madd(v128.load(x), v128.load(y), sum);
    other = madd(v128.load(x, 16), v128.load(y, 16), other);
    x += 32;
    y += 32;
    pairs--;
  }
  if (n & 4) {
    sum = madd(v128.load(x), v128.load(y), sum);
    x += 16;
    y += 16;
  }
  if (n & 3) {
    const mask = tailMask(n);
    other = madd(v128.and(v128.load(x), mask), v128.and(v128.load(y), mask), other);
  }
  return sumLanes(f32x4.add(sum, other));
}

/** g = (g - mean - slope · x) · inverse */
function combine(g: usize, x: usize, vectors: i32, mean: f32, slope: f32, inverse: f32): void {
  const m = f32x4.splat(-mean), s = f32x4.splat(-slope), i = f32x4.splat(inverse);
  while (vectors > 0) {
    v128.store(g, f32x4.mul(madd(s, v128.load(x), f32x4.add(v128.load(g), m)), i));
    g += 16;
    x += 16;
    vectors--;
  }
}
