/**
 * The slopes of the activation functions. Every exponential is of a number below zero, so none overflows, and no small slope is the
 * difference of two large numbers. Where a function has a corner, the slope is PyTorch's.
 */
import {
  GELU, GELU_10, GELU_NEW, HARDSWISH, IDENTITY, LAPLACE, LEAKY_RELU, MISH, QUICK_GELU, RELU, RELU2, RELU6, SIGMOID, SILU, TANH,
} from "../activation";
import { erf, exp } from "../math";
import { LANES, PANEL_ROW_BYTES, padded } from "../simd";

// gelu_new: 2 sqrt(2/pi), that times 0.044715 and three times that; gelu: sqrt(1/2), 1/sqrt(2 pi), -1/2.
const CONSTANTS: usize = memory.data<f32>([
  1.5957691216057308, 0.07135481627159536, 0.2140644488147861, 0.7071067811865476, 0.3989422804014327, -0.5,
], 16);

// @ts-ignore: decorator
@inline
function constant(index: usize): v128 {
  return v128.load_splat<f32>(CONSTANTS + (index << 2));
}

/** Between -limit and limit; NaN stays NaN. */
// @ts-ignore: decorator
@inline
function clamp(x: v128, limit: f32): v128 {
  return f32x4.pmin(f32x4.pmax(x, f32x4.splat(-limit)), f32x4.splat(limit));
}

/** `value` where the mask is set, 0 elsewhere. */
// @ts-ignore: decorator
@inline
function where(mask: v128, value: f32): v128 {
  return v128.and(mask, f32x4.splat(value));
}

/** sigmoid'(w) = e / (1 + e)², given e = exp(-|w|). */
// @ts-ignore: decorator
@inline
function bell(e: v128): v128 {
  const sum = f32x4.add(f32x4.splat(1), e);
  return f32x4.div(e, f32x4.mul(sum, sum));
}

/** The slope of x · sigmoid(w), given x · w': sigmoid(w) + x · w' · sigmoid'(w), over one divisor. */
// @ts-ignore: decorator
@inline
function gateSlope(w: v128, slopes: v128): v128 {
  const one = f32x4.splat(1);
  const e = exp(f32x4.neg(f32x4.abs(w)));
  const sum = f32x4.add(one, e);
  const share = v128.bitselect(e, one, f32x4.lt(w, f32x4.splat(0)));
  return f32x4.div(f32x4.add(f32x4.mul(share, sum), f32x4.mul(slopes, e)), f32x4.mul(sum, sum));
}

/** Beyond 16 the slope is 0 or 1, and the cube of a large x would overflow. */
// @ts-ignore: decorator
@inline
function geluNewSlope(x: v128): v128 {
  const c = clamp(x, 16), square = f32x4.mul(c, c);
  const w = f32x4.mul(c, f32x4.add(constant(0), f32x4.mul(constant(1), square)));
  return gateSlope(w, f32x4.mul(c, f32x4.add(constant(0), f32x4.mul(constant(2), square))));
}

/** 0.5 (1 + erf(x / sqrt(2))) + x exp(-x² / 2) / sqrt(2 pi). */
// @ts-ignore: decorator
@inline
function geluSlope(x: v128): v128 {
  const c = clamp(x, 16), half = f32x4.splat(0.5);
  const density = f32x4.mul(f32x4.mul(c, constant(4)), exp(f32x4.mul(f32x4.mul(c, c), constant(5))));
  return f32x4.add(f32x4.add(half, f32x4.mul(half, erf(f32x4.mul(c, constant(3))))), density);
}

/** n / (n + 2) + 4 x e (1 + e) / (n + 2)², n = e (e + 2), e = exp(x): beyond 20 the slope is 1. */
// @ts-ignore: decorator
@inline
function mishSlope(x: v128): v128 {
  const c = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-88)), f32x4.splat(20));
  const one = f32x4.splat(1), two = f32x4.splat(2), four = f32x4.splat(4);
  const e = exp(c);
  const n = f32x4.mul(e, f32x4.add(e, two)), divisor = f32x4.add(n, two);
  const second = f32x4.mul(f32x4.mul(four, c), f32x4.mul(e, f32x4.add(one, e)));
  return f32x4.add(f32x4.div(n, divisor), f32x4.div(second, f32x4.mul(divisor, divisor)));
}

/** exp(-z²) / (sigma sqrt(2 pi)), z = (x - mu) / (sigma sqrt(2)). */
// @ts-ignore: decorator
@inline
function laplaceSlope(x: v128): v128 {
  const z = f32x4.mul(f32x4.sub(x, f32x4.splat(0.707107)), f32x4.splat(2.506626424383798));
  return f32x4.mul(f32x4.splat(1.4142125184828966), exp(f32x4.neg(f32x4.mul(z, z))));
}

/** x / 3 + 1/2 between -3 and 3; 0 below, 1 above. */
// @ts-ignore: decorator
@inline
function hardswishSlope(x: v128): v128 {
  const three = f32x4.splat(3);
  const inner = f32x4.add(f32x4.mul(x, f32x4.splat(1.0 / 3)), f32x4.splat(0.5));
  return v128.bitselect(where(f32x4.gt(x, f32x4.splat(0)), 1), inner, f32x4.ge(f32x4.abs(x), three));
}

/** One vector; `kind` is a constant wherever this is inlined, so that each loop holds one function. */
// @ts-ignore: decorator
@inline
function slope(kind: i32, x: v128): v128 {
  if (kind == GELU_NEW) return geluNewSlope(x);
  if (kind == GELU) return geluSlope(x);
  if (kind == SILU) return gateSlope(x, clamp(x, 128));
  if (kind == QUICK_GELU) return gateSlope(f32x4.mul(x, f32x4.splat(1.702)), f32x4.mul(clamp(x, 128), f32x4.splat(1.702)));
  return where(f32x4.gt(x, f32x4.splat(0)), 1);
}

/** The other functions share one loop; `kind` is the same for the whole call. */
// @ts-ignore: decorator
@inline
function rareSlope(kind: i32, x: v128): v128 {
  const zero = f32x4.splat(0);
  if (kind == TANH) return f32x4.mul(f32x4.splat(4), bell(exp(f32x4.mul(f32x4.abs(x), f32x4.splat(-2)))));
  if (kind == SIGMOID) return bell(exp(f32x4.neg(f32x4.abs(x))));
  if (kind == GELU_10) return v128.andnot(geluSlope(x), f32x4.gt(x, f32x4.splat(10)));
  if (kind == LAPLACE) return laplaceSlope(x);
  if (kind == MISH) return mishSlope(x);
  if (kind == HARDSWISH) return hardswishSlope(x);
  const positive = f32x4.gt(x, zero);
  if (kind == LEAKY_RELU) return v128.bitselect(f32x4.splat(1), f32x4.splat(0.01), positive);
  if (kind == RELU2) return v128.and(positive, f32x4.add(x, x));
  return where(v128.and(positive, f32x4.lt(x, f32x4.splat(6))), 1);
}

// @ts-ignore: decorator
@inline
function sweep(kind: i32, dy: usize, ldDy: usize, x: usize, ldx: usize, rows: i32, vectors: i32): void {
  while (rows > 0) {
    let p = dy, q = x;
    let n = vectors;
    while (n > 0) {
      v128.store(p, f32x4.mul(v128.load(p), slope(kind, v128.load(q))));
      v128.store(p, f32x4.mul(v128.load(p, 16), slope(kind, v128.load(q, 16))), 16);
      p += PANEL_ROW_BYTES;
      q += PANEL_ROW_BYTES;
      n--;
    }
    dy += ldDy;
    x += ldx;
    rows--;
  }
}

function geluNewRows(dy: usize, ldDy: usize, x: usize, ldx: usize, rows: i32, n: i32): void { sweep(GELU_NEW, dy, ldDy, x, ldx, rows, n); }
function geluRows(dy: usize, ldDy: usize, x: usize, ldx: usize, rows: i32, n: i32): void { sweep(GELU, dy, ldDy, x, ldx, rows, n); }
function reluRows(dy: usize, ldDy: usize, x: usize, ldx: usize, rows: i32, n: i32): void { sweep(RELU, dy, ldDy, x, ldx, rows, n); }
function siluRows(dy: usize, ldDy: usize, x: usize, ldx: usize, rows: i32, n: i32): void { sweep(SILU, dy, ldDy, x, ldx, rows, n); }
function quickGeluRows(dy: usize, ldDy: usize, x: usize, ldx: usize, rows: i32, n: i32): void { sweep(QUICK_GELU, dy, ldDy, x, ldx, rows, n); }

function rareRows(dy: usize, ldDy: usize, x: usize, ldx: usize, rows: i32, vectors: i32, kind: i32): void {
  while (rows > 0) {
    const bytes = <usize>vectors * PANEL_ROW_BYTES;
    for (let p: usize = 0; p < bytes; p += 16) {
      v128.store(dy + p, f32x4.mul(v128.load(dy + p), rareSlope(kind, v128.load(x + p))));
    }
    dy += ldDy;
    x += ldx;
    rows--;
  }
}

/** dy = dy · activation'(x), x before the activation; padding columns are processed too. */
export function activateGradient(dy: usize, ldDy: usize, x: usize, ldx: usize, rows: i32, cols: i32, activation: i32): void {
  assert(activation >= IDENTITY && activation <= RELU6);
  assert(cols > 0 && ldDy >= <usize>padded(cols) * 4 && ldx >= <usize>padded(cols) * 4);
  const vectors = padded(cols) / LANES;
  if (activation == GELU_NEW) geluNewRows(dy, ldDy, x, ldx, rows, vectors);
  else if (activation == GELU) geluRows(dy, ldDy, x, ldx, rows, vectors);
  else if (activation == RELU) reluRows(dy, ldDy, x, ldx, rows, vectors);
  else if (activation == SILU) siluRows(dy, ldDy, x, ldx, rows, vectors);
  else if (activation == QUICK_GELU) quickGeluRows(dy, ldDy, x, ldx, rows, vectors);
  else if (activation != IDENTITY) rareRows(dy, ldDy, x, ldx, rows, vectors, activation);
}
