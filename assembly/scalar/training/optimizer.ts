/**
 * Steps of optimisers over columns `first` to `first + n` of panels that are k deep. A vector is panels one deep; a table of padded
 * rows is one long vector. Each product and sum is rounded to float32 in the same order as with SIMD.
 */
import { LANES, PANEL_ROW_BYTES, at } from "../layout";

/** The byte offset of the panel of a column. */
// @ts-ignore: decorator
@inline
function panelOf(column: i32, k: i32): usize {
  return <usize>(column / LANES) * <usize>k * PANEL_ROW_BYTES;
}

/** out (f64) = the sum of squares. */
export function sumSquares(x: usize, k: i32, first: i32, n: i32, out: usize): void {
  let sum: f64 = 0;
  for (let column = first; column < first + n; column++) {
    let from = at(x + panelOf(column, k), column % LANES);
    for (let i = k; i > 0; i--, from += PANEL_ROW_BYTES) sum += <f64>load<f32>(from) * load<f32>(from);
  }
  store<f64>(out, sum);
}

/**
 * AdamW as PyTorch has it: parameter *= 1 - decay; m and v from gradient · factor; parameter -= rate · (m / correction1) /
 * (sqrt(v / correction2) + eps). The gradient is left as it is.
 */
export function adamw(
  parameter: usize, gradient: usize, m: usize, v: usize, k: i32, first: i32, n: i32,
  factor: f32, rate: f32, decay: f64, b1: f64, b2: f64, eps: f32, correction1: f64, correction2: f64,
): void {
  for (let column = first; column < first + n; column++) {
    let offset = at(panelOf(column, k), column % LANES);
    for (let i = k; i > 0; i--, offset += PANEL_ROW_BYTES) {
      const step = direction(load<f32>(gradient + offset) * factor, m + offset, v + offset, b1, b2, eps, correction1, correction2);
      store<f32>(parameter + offset, load<f32>(parameter + offset) * <f32>(1 - decay) - rate * step);
    }
  }
}

/** As `adamw`, but writes (m / correction1) / (sqrt(v / correction2) + eps) + decay · parameter over the gradient. */
export function adamDirection(
  parameter: usize, gradient: usize, m: usize, v: usize, k: i32, first: i32, n: i32,
  factor: f32, decay: f32, b1: f64, b2: f64, eps: f32, correction1: f64, correction2: f64,
): void {
  for (let column = first; column < first + n; column++) {
    let offset = at(panelOf(column, k), column % LANES);
    for (let i = k; i > 0; i--, offset += PANEL_ROW_BYTES) {
      const step = direction(load<f32>(gradient + offset) * factor, m + offset, v + offset, b1, b2, eps, correction1, correction2);
      store<f32>(gradient + offset, step + decay * load<f32>(parameter + offset));
    }
  }
}

/** Adam's moments, and its direction. */
// @ts-ignore: decorator
@inline
function direction(g: f32, mAt: usize, vAt: usize, b1: f64, b2: f64, eps: f32, correction1: f64, correction2: f64): f32 {
  const m = load<f32>(mAt) * <f32>b1 + g * <f32>(1 - b1);
  const v = load<f32>(vAt) * <f32>b2 + g * g * <f32>(1 - b2);
  store<f32>(mAt, m);
  store<f32>(vAt, v);
  return m * <f32>(1 / correction1) / (sqrt<f32>(v * <f32>(1 / correction2)) + eps);
}

/** x += factor · y */
export function addScaled(x: usize, y: usize, k: i32, first: i32, n: i32, factor: f32): void {
  for (let column = first; column < first + n; column++) {
    let offset = at(panelOf(column, k), column % LANES);
    for (let i = k; i > 0; i--, offset += PANEL_ROW_BYTES) {
      store<f32>(x + offset, load<f32>(x + offset) + factor * load<f32>(y + offset));
    }
  }
}
