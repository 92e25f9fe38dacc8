/** Softmax over rows, with the maximum subtracted first. */
import { exp } from "./math";
import { maxLanes, padded, sumLanes, tailMask } from "./simd";

/**
 * Replaces x[0..n) by exp(x - max) and returns their sum. The caller normalises, where that is cheapest. A row of equal
 * values, however low, gives n ones. Even vectors are summed in one vector and odd ones in another, whatever the length, so that zeros
 * at the end of a row do not change the sum.
 */
export function exponentials(x: usize, n: i32): f32 {
  const mask = tailMask(n);
  const lowest = f32x4.splat(-Infinity);
  let top = lowest, other = lowest;
  let p = x;
  let pairs = n >> 3;
  while (pairs > 0) {
    top = f32x4.pmax(top, v128.load(p));
    other = f32x4.pmax(other, v128.load(p, 16));
    p += 32;
    pairs--;
  }
  top = f32x4.pmax(top, other);
  if (n & 4) {
    top = f32x4.pmax(top, v128.load(p));
    p += 16;
  }
  if (n & 3) top = f32x4.pmax(top, v128.bitselect(v128.load(p), lowest, mask));
  const max = f32x4.splat(maxLanes(top));
  let sum = f32x4.splat(0), sum1 = sum;
  p = x;
  pairs = n >> 3;
  while (pairs > 0) {
    // In the shape that V8 pairs (gemm/f32-wide.ts).
    const e0 = exp(f32x4.sub(v128.load(p), max)), e1 = exp(f32x4.sub(v128.load(p, 16), max));
    v128.store(p, e1, 16); v128.store(p, e0);
    sum = f32x4.add(sum, e0);
    sum1 = f32x4.add(sum1, e1);
    p += 32;
    pairs--;
  }
  if (n & 4) {
    const e = exp(f32x4.sub(v128.load(p), max));
    v128.store(p, e);
    sum = f32x4.add(sum, e);
    p += 16;
  }
  if (n & 3) {
    const e = v128.and(exp(f32x4.sub(v128.load(p), max)), mask);
    v128.store(p, e);
    if (n & 4) sum1 = f32x4.add(sum1, e);
    else sum = f32x4.add(sum, e);
  }
  return sumLanes(f32x4.add(sum, sum1));
}

/** x[0..n) *= factor; the padding of the row is scaled too. */
export function scaleRow(x: usize, n: i32, factor: f32): void {
  const f = f32x4.splat(factor);
  let pairs = (n + 7) >> 3;
  while (pairs > 0) {
    const x0 = f32x4.mul(v128.load(x), f), x1 = f32x4.mul(v128.load(x, 16), f);
    v128.store(x, x1, 16); v128.store(x, x0);
    x += 32;
    pairs--;
  }
}

/** Softmax of each row, in place. Rows are `ldx` bytes apart and padded. */
export function softmax(x: usize, ldx: usize, rows: i32, cols: i32): void {
  assert(cols > 0 && ldx >= <usize>padded(cols) * 4);
  while (rows > 0) {
    scaleRow(x, cols, <f32>1 / exponentials(x, cols));
    x += ldx;
    rows--;
  }
}
