/**
 * Steps of optimisers over columns `first` to `first + n` of panels that are k deep. A vector is panels one deep; so is a table of
 * padded rows, which is one long vector. Whole panels are flat memory; of a panel that several tensors share, a mask selects lanes.
 */
import { LANES, PANEL_ROW_BYTES } from "../simd";

const LANE_NUMBERS: usize = memory.data<i32>([0, 1, 2, 3, 4, 5, 6, 7], 16);

/** Which of the lanes from `half · 4` on, of the panel that begins with column `start`, are columns `first` to `end`. */
// @ts-ignore: decorator
@inline
function lanesOf(half: i32, start: i32, first: i32, end: i32): v128 {
  const lane = v128.load(LANE_NUMBERS + (<usize>half << 4));
  return v128.and(i32x4.ge_s(lane, i32x4.splat(first - start)), i32x4.lt_s(lane, i32x4.splat(end - start)));
}

/** Where the run of columns ends that begins at `column`: after all panels that are whole, or else after the panel of `column`. */
// @ts-ignore: decorator
@inline
function endOfRun(column: i32, end: i32): i32 {
  const whole = end & ~(LANES - 1);
  return column % LANES == 0 && column < whole ? whole : (column & ~(LANES - 1)) + LANES;
}

/** out (f64) = the sum of squares. */
export function sumSquares(x: usize, k: i32, first: i32, n: i32, out: usize): void {
  assert(k > 0 && first >= 0);
  const end = first + n;
  let low = f64x2.splat(0), high = low;
  for (let start = first & ~(LANES - 1); start < end; ) {
    const next = endOfRun(max(start, first), end);
    const even = lanesOf(0, next - LANES, first, end), odd = lanesOf(1, next - LANES, first, end);
    let p = x + <usize>start * k * 4;
    for (const stop = x + <usize>next * k * 4; p < stop; p += PANEL_ROW_BYTES) {
      const a = v128.and(v128.load(p), even), b = v128.and(v128.load(p, 16), odd);
      low = f64x2.add(low, f64x2.add(squareLow(a), squareLow(b)));
      high = f64x2.add(high, f64x2.add(squareHigh(a), squareHigh(b)));
    }
    start = next;
  }
  const sum = f64x2.add(low, high);
  store<f64>(out, f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
}

// @ts-ignore: decorator
@inline
function squareLow(x: v128): v128 {
  const t = f64x2.promote_low_f32x4(x);
  return f64x2.mul(t, t);
}

// @ts-ignore: decorator
@inline
function squareHigh(x: v128): v128 {
  return squareLow(v128.shuffle<i32>(x, x, 2, 3, 0, 1));
}

/**
 * AdamW as PyTorch has it: parameter *= 1 - decay; m and v from gradient · factor; parameter -= rate · (m / correction1) /
 * (sqrt(v / correction2) + eps). The gradient is left as it is. No product is fused: every build gives the same bits.
 */
export function adamw(
  parameter: usize, gradient: usize, m: usize, v: usize, k: i32, first: i32, n: i32,
  factor: f32, rate: f32, decay: f64, b1: f64, b2: f64, eps: f32, correction1: f64, correction2: f64,
): void {
  assert(k > 0 && first >= 0);
  const end = first + n, keep = f32x4.splat(<f32>(1 - decay)), size = f32x4.splat(rate);
  for (let start = first & ~(LANES - 1); start < end; ) {
    const next = endOfRun(max(start, first), end);
    const even = lanesOf(0, next - LANES, first, end), odd = lanesOf(1, next - LANES, first, end);
    const stop = <usize>next * k * 4;
    for (let at = <usize>start * k * 4; at < stop; at += 16) {
      const mask = at & 16 ? odd : even;
      const step = direction(gradient + at, m + at, v + at, mask, factor, b1, b2, eps, correction1, correction2);
      const old = v128.load(parameter + at);
      v128.store(parameter + at, v128.bitselect(f32x4.sub(f32x4.mul(old, keep), f32x4.mul(size, step)), old, mask));
    }
    start = next;
  }
}

/** As `adamw`, but writes (m / correction1) / (sqrt(v / correction2) + eps) + decay · parameter over the gradient. */
export function adamDirection(
  parameter: usize, gradient: usize, m: usize, v: usize, k: i32, first: i32, n: i32,
  factor: f32, decay: f32, b1: f64, b2: f64, eps: f32, correction1: f64, correction2: f64,
): void {
  assert(k > 0 && first >= 0);
  const end = first + n, share = f32x4.splat(decay);
  for (let start = first & ~(LANES - 1); start < end; ) {
    const next = endOfRun(max(start, first), end);
    const even = lanesOf(0, next - LANES, first, end), odd = lanesOf(1, next - LANES, first, end);
    const stop = <usize>next * k * 4;
    for (let at = <usize>start * k * 4; at < stop; at += 16) {
      const mask = at & 16 ? odd : even;
      const step = direction(gradient + at, m + at, v + at, mask, factor, b1, b2, eps, correction1, correction2);
      const decayed = f32x4.add(step, f32x4.mul(share, v128.load(parameter + at)));
      v128.store(gradient + at, v128.bitselect(decayed, v128.load(gradient + at), mask));
    }
    start = next;
  }
}

/** Adam's moments of four numbers, and its direction. */
// @ts-ignore: decorator
@inline
function direction(
  gradient: usize, mAt: usize, vAt: usize, mask: v128,
  factor: f32, b1: f64, b2: f64, eps: f32, correction1: f64, correction2: f64,
): v128 {
  const g = f32x4.mul(v128.load(gradient), f32x4.splat(factor));
  const oldM = v128.load(mAt), oldV = v128.load(vAt);
  const m = f32x4.add(f32x4.mul(oldM, f32x4.splat(<f32>b1)), f32x4.mul(g, f32x4.splat(<f32>(1 - b1))));
  const v = f32x4.add(f32x4.mul(oldV, f32x4.splat(<f32>b2)), f32x4.mul(f32x4.mul(g, g), f32x4.splat(<f32>(1 - b2))));
  v128.store(mAt, v128.bitselect(m, oldM, mask));
  v128.store(vAt, v128.bitselect(v, oldV, mask));
  const root = f32x4.sqrt(f32x4.mul(v, f32x4.splat(<f32>(1 / correction2))));
  return f32x4.div(f32x4.mul(m, f32x4.splat(<f32>(1 / correction1))), f32x4.add(root, f32x4.splat(eps)));
}

/** x += factor · y */
export function addScaled(x: usize, y: usize, k: i32, first: i32, n: i32, factor: f32): void {
  assert(k > 0 && first >= 0);
  const end = first + n, times = f32x4.splat(factor);
  for (let start = first & ~(LANES - 1); start < end; ) {
    const next = endOfRun(max(start, first), end);
    const even = lanesOf(0, next - LANES, first, end), odd = lanesOf(1, next - LANES, first, end);
    const stop = <usize>next * k * 4;
    for (let at = <usize>start * k * 4; at < stop; at += 16) {
      const old = v128.load(x + at);
      const sum = f32x4.add(old, f32x4.mul(times, v128.load(y + at)));
      v128.store(x + at, v128.bitselect(sum, old, at & 16 ? odd : even));
    }
    start = next;
  }
}
