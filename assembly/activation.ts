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

// gelu_new: -2 sqrt(2/pi) and that times 0.044715; gelu: sqrt(1/2); quick_gelu: -1.702.
const CONSTANTS: usize = memory.data<f32>([-1.5957691216057308, -0.07135481627159536, 0.7071067811865476, -1.702], 16);

// @ts-ignore: decorator
@inline
function constant(index: usize): v128 {
  return v128.load_splat<f32>(CONSTANTS + (index << 2));
}

/** x · sigmoid(-u), which is x / (1 + exp(u)): the shape of gelu_new, silu and quick_gelu. */
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
      v128.store(p, apply(kind, v128.load(p)));
      v128.store(p, apply(kind, v128.load(p, 16)), 16);
      p += PANEL_ROW_BYTES;
      n--;
    }
    x += ldx;
    rows--;
  }
}

// One function each: V8 compiles the one in use, and its loop keeps its constants at hand.
function geluNewRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(GELU_NEW, x, ldx, rows, vectors); }
function geluRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(GELU, x, ldx, rows, vectors); }
function reluRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(RELU, x, ldx, rows, vectors); }
function siluRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(SILU, x, ldx, rows, vectors); }
function tanhRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(TANH, x, ldx, rows, vectors); }
function quickGeluRows(x: usize, ldx: usize, rows: i32, vectors: i32): void { sweep(QUICK_GELU, x, ldx, rows, vectors); }

/** Applies `activation` to `rows` rows of `cols` columns; the padding columns of a row are swept along with it. */
export function activate(x: usize, ldx: usize, rows: i32, cols: i32, activation: i32): void {
  assert(activation >= IDENTITY && activation <= QUICK_GELU);
  const vectors = padded(cols) / LANES;
  if (activation == GELU_NEW) geluNewRows(x, ldx, rows, vectors);
  else if (activation == GELU) geluRows(x, ldx, rows, vectors);
  else if (activation == RELU) reluRows(x, ldx, rows, vectors);
  else if (activation == SILU) siluRows(x, ldx, rows, vectors);
  else if (activation == TANH) tanhRows(x, ldx, rows, vectors);
  else if (activation == QUICK_GELU) quickGeluRows(x, ldx, rows, vectors);
}
