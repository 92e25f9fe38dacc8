/** Softmax over rows, with the maximum subtracted first. */
import { exp } from "./math";
import { maxLanes, padded, sumLanes, tailMask } from "./simd";

/**
 * Replaces x[0..n) by exp(x - max) and returns their sum. The caller normalises, where that is cheapest. A row of equal
 * values, however low, gives n ones.
 */
export function exponentials(x: usize, n: i32): f32 {
  const mask = tailMask(n);
  const lowest = f32x4.splat(-Infinity);
  let top = lowest;
  let p = x;
  let vectors = n >> 2;
  while (vectors > 0) {
    top = f32x4.pmax(top, v128.load(p));
    p += 16;
    vectors--;
  }
  if (n & 3) top = f32x4.pmax(top, v128.bitselect(v128.load(p), lowest, mask));
  const max = f32x4.splat(maxLanes(top));
  let sum = f32x4.splat(0);
  p = x;
  vectors = n >> 2;
  while (vectors > 0) {
    const e = exp(f32x4.sub(v128.load(p), max));
    v128.store(p, e);
    sum = f32x4.add(sum, e);
    p += 16;
    vectors--;
  }
  if (n & 3) {
    const e = v128.and(exp(f32x4.sub(v128.load(p), max)), mask);
    v128.store(p, e);
    sum = f32x4.add(sum, e);
  }
  return sumLanes(sum);
}

/** x[0..n) *= factor; the padding of the row is scaled too. */
export function scaleRow(x: usize, n: i32, factor: f32): void {
  const f = f32x4.splat(factor);
  let vectors = (n + 3) >> 2;
  while (vectors > 0) {
    v128.store(x, f32x4.mul(v128.load(x), f));
    x += 16;
    vectors--;
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
