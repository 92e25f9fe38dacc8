/** Cross-entropy and its gradient, row by row. */
import { exp } from "../math";
import { maxLanes, padded, tailMask } from "../simd";
import { logarithm } from "./logarithm";

/**
 * losses[row] (f64) = the cross-entropy of a row of logits with its label; logits = its gradient times `factor`.
 *
 * The target is smoothing / cols on every class, and 1 - smoothing more on the label. A label below 0: loss and gradient are 0.
 */
export function crossEntropy(
  logits: usize, ldLogits: usize, rows: i32, cols: i32, labels: usize, losses: usize, factor: f32, smoothing: f64,
): void {
  assert(cols > 0 && ldLogits >= <usize>padded(cols) * 4);
  for (; rows > 0; rows--, logits += ldLogits, labels += 4, losses += 8) {
    const label = load<i32>(labels);
    assert(label < cols);
    if (label < 0) {
      store<f64>(losses, 0);
      memory.fill(logits, 0, <usize>cols * 4);
      continue;
    }
    const atLabel = logits + (<usize>label << 2);
    const largest = maximum(logits, cols);
    const ofLabel = <f64>load<f32>(atLabel) - largest;
    const mean = smoothing == 0 ? 0 : sumOf(logits, cols) / cols - largest;
    const sum = exponentials(logits, cols, largest);
    store<f64>(losses, logarithm(sum) - (1 - smoothing) * ofLabel - smoothing * mean);
    scaleAndShift(logits, cols, <f32>(factor / sum), <f32>(factor * smoothing / cols));
    store<f32>(atLabel, load<f32>(atLabel) - <f32>(factor * (1 - smoothing)));
  }
}

function maximum(x: usize, n: i32): f32 {
  const lowest = f32x4.splat(-Infinity), mask = tailMask(n);
  let top = lowest;
  for (let vectors = n >> 2; vectors > 0; vectors--, x += 16) top = f32x4.pmax(top, v128.load(x));
  if (n & 3) top = f32x4.pmax(top, v128.bitselect(v128.load(x), lowest, mask));
  return maxLanes(top);
}

/** The sum in float64: float32 would lose digits over a vocabulary. */
function sumOf(x: usize, n: i32): f64 {
  let low = f64x2.splat(0), high = low;
  for (let vectors = n >> 2; vectors > 0; vectors--, x += 16) {
    low = f64x2.add(low, f64x2.promote_low_f32x4(v128.load(x)));
    high = f64x2.add(high, promoteHigh(v128.load(x)));
  }
  if (n & 3) {
    const t = v128.and(v128.load(x), tailMask(n));
    low = f64x2.add(low, f64x2.promote_low_f32x4(t));
    high = f64x2.add(high, promoteHigh(t));
  }
  return sumOfTwo(f64x2.add(low, high));
}

/** x = exp(x - largest); their sum, in float64. */
function exponentials(x: usize, n: i32, largest: f32): f64 {
  const max = f32x4.splat(largest);
  let low = f64x2.splat(0), high = low;
  for (let vectors = n >> 2; vectors > 0; vectors--, x += 16) {
    const e = exp(f32x4.sub(v128.load(x), max));
    v128.store(x, e);
    low = f64x2.add(low, f64x2.promote_low_f32x4(e));
    high = f64x2.add(high, promoteHigh(e));
  }
  if (n & 3) {
    const e = v128.and(exp(f32x4.sub(v128.load(x), max)), tailMask(n));
    v128.store(x, e);
    low = f64x2.add(low, f64x2.promote_low_f32x4(e));
    high = f64x2.add(high, promoteHigh(e));
  }
  return sumOfTwo(f64x2.add(low, high));
}

/** x = x · factor - shift, padding included. */
function scaleAndShift(x: usize, n: i32, factor: f32, shift: f32): void {
  const f = f32x4.splat(factor), s = f32x4.splat(shift);
  for (let vectors = (n + 3) >> 2; vectors > 0; vectors--, x += 16) {
    v128.store(x, f32x4.sub(f32x4.mul(v128.load(x), f), s));
  }
}

// @ts-ignore: decorator
@inline
function promoteHigh(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(x, x, 2, 3, 0, 1));
}

// @ts-ignore: decorator
@inline
function sumOfTwo(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}
