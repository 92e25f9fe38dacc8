/** The activation functions of FlaxAlbert's `hidden_act`, in place. */
import { at } from "./layout";
import { erf, exp, tanh } from "./math";

/** The numbers by which the host names an activation. */
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

function apply(activation: i32, x: f32): f32 {
  // 0.5 (1 + tanh(u)) is sigmoid(2u).
  if (activation == GELU_NEW) return gate(x, x * (<f32>-1.5957691216057308 + <f32>-0.07135481627159536 * (x * x)));
  if (activation == GELU) return gelu(x);
  if (activation == RELU) return relu(x);
  if (activation == SILU) return gate(x, -x);
  if (activation == TANH) return tanh(x);
  if (activation == QUICK_GELU) return gate(x, x * <f32>-1.702);
  return applyRare(activation, x);
}

/** The functions that few checkpoints have. */
function applyRare(activation: i32, x: f32): f32 {
  if (activation == GELU_10) return atMost(gelu(x), 10);
  // mu is 0.707107, sigma 0.282095: erf((x - mu) / (sigma sqrt(2))).
  if (activation == LAPLACE) return <f32>0.5 + <f32>0.5 * erf((x - <f32>0.707107) * <f32>2.506626424383798);
  if (activation == SIGMOID) return gate(1, -x);
  if (activation == MISH) {
    // x tanh(log(1 + e)), e = exp(x).
    const e = exp(x);
    return x / (<f32>1 + <f32>2 / (e * (e + <f32>2)));
  }
  if (activation == HARDSWISH) return x * (atMost(relu(x + <f32>3), 6) * <f32>(1.0 / 6));
  if (activation == LEAKY_RELU) return x < 0 ? x * <f32>0.01 : x;
  const positive = relu(x);
  return activation == RELU2 ? positive * positive : atMost(positive, 6);
}

/** x · sigmoid(-u), which is x / (1 + exp(u)). */
function gate(x: f32, u: f32): f32 {
  return x / (<f32>1 + exp(u));
}

/** 0.5 x (1 + erf(x / sqrt(2))). */
function gelu(x: f32): f32 {
  return x * <f32>0.5 + x * <f32>0.5 * erf(x * <f32>0.7071067811865476);
}

/** NaN stays NaN. */
function relu(x: f32): f32 {
  return x < 0 ? 0 : x;
}

function atMost(x: f32, limit: f32): f32 {
  return x > limit ? limit : x;
}

/** Applies `activation` to `rows` rows of `cols` columns, `ldx` bytes apart. */
export function activate(x: usize, ldx: usize, rows: i32, cols: i32, activation: i32): void {
  if (activation == IDENTITY) return;
  for (; rows > 0; rows--, x += ldx) {
    for (let j = 0; j < cols; j++) store<f32>(at(x, j), apply(activation, load<f32>(at(x, j))));
  }
}
