/**
 * The slopes of the activation functions. Every exponential is of a number below zero, so none overflows, and no small slope is the
 * difference of two large numbers. Where a function has a corner, the slope is PyTorch's.
 */
import { at } from "../layout";
import {
  GELU, GELU_10, GELU_NEW, HARDSWISH, IDENTITY, LAPLACE, LEAKY_RELU, MISH, QUICK_GELU, RELU, RELU2, SIGMOID, SILU, TANH,
} from "../activation";
import { erf, exp } from "../math";

function slope(activation: i32, x: f32): f32 {
  if (activation == GELU_NEW) {
    // Beyond 16 the slope is 0 or 1, and the cube of a large x would overflow.
    const c = clamp(x, 16), square: f32 = c * c;
    const w: f32 = c * (<f32>1.5957691216057308 + <f32>0.07135481627159536 * square);
    return gateSlope(w, c * (<f32>1.5957691216057308 + <f32>0.2140644488147861 * square));
  }
  if (activation == GELU) return geluSlope(x);
  if (activation == RELU) return x > 0 ? 1 : 0;
  if (activation == SILU) return gateSlope(x, clamp(x, 128));
  if (activation == TANH) return <f32>4 * bell(<f32>2 * x);
  if (activation == QUICK_GELU) return gateSlope(<f32>1.702 * x, <f32>1.702 * clamp(x, 128));
  if (activation == GELU_10) return x > 10 ? 0 : geluSlope(x);
  if (activation == LAPLACE) {
    // exp(-z²) / (sigma sqrt(2 pi)), z = (x - mu) / (sigma sqrt(2)).
    const z: f32 = (x - <f32>0.707107) * <f32>2.506626424383798;
    return <f32>1.4142125184828966 * exp(-z * z);
  }
  if (activation == SIGMOID) return bell(x);
  if (activation == MISH) return mishSlope(x);
  if (activation == HARDSWISH) return x <= -3 ? 0 : x < 3 ? x * <f32>(1.0 / 3) + <f32>0.5 : 1;
  if (activation == LEAKY_RELU) return x > 0 ? 1 : 0.01;
  if (activation == RELU2) return x > 0 ? x + x : 0;
  return x > 0 && x < 6 ? 1 : 0;
}

/** The slope of x · sigmoid(w), given x · w': sigmoid(w) + x · w' · sigmoid'(w). */
function gateSlope(w: f32, slopes: f32): f32 {
  const e = exp(-abs<f32>(w));
  const sigmoid: f32 = (w < 0 ? e : <f32>1) / (<f32>1 + e);
  return sigmoid + slopes * bell(w);
}

/** sigmoid'(w) = e / (1 + e)², e = exp(-|w|). */
function bell(w: f32): f32 {
  const e = exp(-abs<f32>(w));
  return e / ((<f32>1 + e) * (<f32>1 + e));
}

/** 0.5 (1 + erf(x / sqrt(2))) + x exp(-x² / 2) / sqrt(2 pi). */
function geluSlope(x: f32): f32 {
  const c = clamp(x, 16);
  return <f32>0.5 + <f32>0.5 * erf(c * <f32>0.7071067811865476) + c * <f32>0.3989422804014327 * exp(<f32>-0.5 * c * c);
}

/** n / (n + 2) + 4 x e (1 + e) / (n + 2)², n = e (e + 2), e = exp(x): beyond 20 the slope is 1. */
function mishSlope(x: f32): f32 {
  const c: f32 = x > 20 ? 20 : x < -88 ? -88 : x;
  const e = exp(c);
  const n: f32 = e * (e + <f32>2), divisor: f32 = n + <f32>2;
  return n / divisor + <f32>4 * c * (e * (<f32>1 + e)) / (divisor * divisor);
}

/** Between -limit and limit; NaN stays NaN. */
function clamp(x: f32, limit: f32): f32 {
  return x > limit ? limit : x < -limit ? -limit : x;
}

/** dy = dy · activation'(x). */
export function activateGradient(dy: usize, ldDy: usize, x: usize, ldx: usize, rows: i32, cols: i32, activation: i32): void {
  if (activation == IDENTITY) return;
  for (; rows > 0; rows--, dy += ldDy, x += ldx) {
    for (let j = 0; j < cols; j++) store<f32>(at(dy, j), load<f32>(at(dy, j)) * slope(activation, load<f32>(at(x, j))));
  }
}
