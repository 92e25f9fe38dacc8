/** The activation functions of FlaxAlbert's `hidden_act`, applied in place. */
import { erf, exp, tanh } from "./math";
import { LANES, PANEL_ROW_BYTES, padded } from "./simd";

/** The numbers by which the host names an activation (`src/engine/kernels.ts` holds the same list). */
export const IDENTITY: i32 = 0;
export const GELU_NEW: i32 = 1;
export const GELU: i32 = 2;
export const RELU: i32 = 3;
export const SILU: i32 = 4;
export const TANH: i32 = 5;
export const QUICK_GELU: i32 = 6;
export const GELU_10: i32 = 7;
export const LAPLACE: i32 = 8;
export const SIGMOID: i32 = 9;
export const MISH: i32 = 10;
export const HARDSWISH: i32 = 11;
export const LEAKY_RELU: i32 = 12;
export const RELU2: i32 = 13;
export const RELU6: i32 = 14;

// gelu_new: -2 sqrt(2/pi) and that times 0.044715; gelu: sqrt(1/2); quick_gelu: -1.702.
const CONSTANTS: usize = memory.data<f32>([-1.5957691216057308, -0.07135481627159536, 0.7071067811865476, -1.702], 16);

// @ts-ignore: decorator
@inline
function constant(index: usize): v128 {
  return v128.load_splat<f32>(CONSTANTS + (index << 2));
}

/** x · sigmoid(-u) = x / (1 + exp(u)): the form of gelu_new, silu and quick_gelu. */
// @ts-ignore: decorator
@inline
function gate(x: v128, u: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp(u)));
}

/** 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x³))), by 0.5 (1 + tanh(u)) = sigmoid(2u). */
// @ts-ignore: decorator
@inline
function geluNew(x: v128): v128 {
  return gate(x, f32x4.mul(x, f32x4.add(constant(0), f32x4.mul(constant(1), f32x4.mul(x, x)))));
}

/** 0.5 x (1 + erf(x / sqrt(2))). */
// @ts-ignore: decorator
@inline
function gelu(x: v128): v128 {
  const half = f32x4.mul(x, f32x4.splat(0.5));
  return f32x4.add(half, f32x4.mul(half, erf(f32x4.mul(x, constant(2)))));
}

/** One vector; `kind` is a constant wherever this is inlined, so that each loop holds one function. */
// @ts-ignore: decorator
@inline
function apply(kind: i32, x: v128): v128 {
  if (kind == GELU_NEW) return geluNew(x);
  if (kind == GELU) return gelu(x);
  if (kind == RELU) return f32x4.pmax(x, f32x4.splat(0));
  if (kind == SILU) return gate(x, f32x4.neg(x));
  if (kind == TANH) return tanh(x);
  return gate(x, f32x4.mul(x, constant(3)));
}

// @ts-ignore: decorator
@inline
function sweep(kind: i32, x: usize, ldx: usize, rows: i32, vectors: i32): void {
  while (rows > 0) {
    let p = x;
    let n = vectors;
    while (n > 0) {
      // In the shape that V8 pairs (gemm/f32-wide.ts).
      const y0 = apply(kind, v128.load(p)), y1 = apply(kind, v128.load(p, 16));
      v128.store(p, y1, 16); v128.store(p, y0);
      p += PANEL_ROW_BYTES;
      n--;
    }
    x += ldx;
    rows--;
  }
}

// One function each: V8 compiles only the one in use, and its loop keeps its constants in registers.
function geluNewRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(GELU_NEW, x, ldx, rows, vectors); }
function geluRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(GELU, x, ldx, rows, vectors); }
function reluRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(RELU, x, ldx, rows, vectors); }
function siluRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(SILU, x, ldx, rows, vectors); }
function tanhRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(TANH, x, ldx, rows, vectors); }
function quickGeluRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(QUICK_GELU, x, ldx, rows, vectors); }

/**
 * One vector of a function that few checkpoints use. These functions share one loop, one exp and one erf, so that they add
 * few bytes to a page. `kind` is the same for the whole call.
 */
// @ts-ignore: decorator
@inline
function applyRare(kind: i32, x: v128): v128 {
  const zero = f32x4.splat(0);
  if (kind <= LAPLACE) {
    // laplace, by mu 0.707107 and sigma 0.282095: erf((x - mu) / (sigma sqrt(2))). gelu_10 is gelu, at most 10.
    const clipped = kind == GELU_10;
    const scale = clipped ? <f32>0.7071067811865476 : <f32>2.506626424383798;
    const half = clipped ? f32x4.mul(x, f32x4.splat(0.5)) : f32x4.splat(0.5);
    const shifted = clipped ? x : f32x4.sub(x, f32x4.splat(0.707107));
    const y = f32x4.add(half, f32x4.mul(half, erf(f32x4.mul(shifted, f32x4.splat(scale)))));
    return f32x4.pmin(y, f32x4.splat(10));
  }
  if (kind <= MISH) {
    // sigmoid(x) = 1 / (1 + exp(-x)); mish(x) = x tanh(log(1 + e)) = x / (1 + 2 / (e (e + 2))), e = exp(x).
    const logistic = kind == SIGMOID;
    const e = exp(logistic ? f32x4.neg(x) : x);
    const two = f32x4.splat(2);
    const u = logistic ? e : f32x4.div(two, f32x4.mul(e, f32x4.add(e, two)));
    const one = f32x4.splat(1);
    return f32x4.div(logistic ? one : x, f32x4.add(one, u));
  }
  const six = f32x4.splat(6);
  if (kind == HARDSWISH) {
    // x · (clip(x + 3, 0, 6) / 6): in this order no product overflows, and six sixths are 1.
    const clipped = f32x4.pmin(f32x4.pmax(f32x4.add(x, f32x4.splat(3)), zero), six);
    return f32x4.mul(x, f32x4.mul(clipped, f32x4.splat(1.0 / 6)));
  }
  if (kind == LEAKY_RELU) return f32x4.pmax(x, f32x4.mul(x, f32x4.splat(0.01)));
  const positive = f32x4.pmax(x, zero);
  return kind == RELU2 ? f32x4.mul(positive, positive) : f32x4.pmin(positive, six);
}

function rareRows(x: usize, ldx: usize, rows: i32, vectors: i32, kind: i32): void {
  while (rows > 0) {
    const end = x + <usize>vectors * PANEL_ROW_BYTES;
    for (let p = x; p < end; p += 16) v128.store(p, applyRare(kind, v128.load(p)));
    x += ldx;
    rows--;
  }
}

/** Applies `activation` to `rows` rows of `cols` columns; padding columns are processed too. */
export function activate(x: usize, ldx: usize, rows: i32, cols: i32, activation: i32): void {
  assert(activation >= IDENTITY && activation <= RELU6);
  const vectors = padded(cols) / LANES;
  if (activation == GELU_NEW) geluNewRows(x, ldx, rows, vectors);
  else if (activation == GELU) geluRows(x, ldx, rows, vectors);
  else if (activation == RELU) reluRows(x, ldx, rows, vectors);
  else if (activation == SILU) siluRows(x, ldx, rows, vectors);
  else if (activation == TANH) tanhRows(x, ldx, rows, vectors);
  else if (activation == QUICK_GELU) quickGeluRows(x, ldx, rows, vectors);
  else if (activation > QUICK_GELU) rareRows(x, ldx, rows, vectors, activation);
}
