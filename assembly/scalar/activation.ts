/** The activation functions of FlaxAlbert's `hidden_act`, in place. */
import { at } from "./layout";
import { erf, exp, tanh } from "./math";

/** The numbers by which the host names an activation. */
export const IDENTITY: i32 = 0;
const GELU_NEW: i32 = 1;
const GELU: i32 = 2;
const RELU: i32 = 3;
const SILU: i32 = 4;
const TANH: i32 = 5;

function apply(activation: i32, x: f32): f32 {
  // x · sigmoid(-u) is x / (1 + exp(u)); 0.5 (1 + tanh(u)) is sigmoid(2u).
  if (activation == GELU_NEW) return x / (<f32>1 + exp(x * (<f32>-1.5957691216057308 + <f32>-0.07135481627159536 * (x * x))));
  if (activation == GELU) return x * <f32>0.5 + x * <f32>0.5 * erf(x * <f32>0.7071067811865476);
  if (activation == RELU) return x < 0 ? 0 : x;
  if (activation == SILU) return x / (<f32>1 + exp(-x));
  if (activation == TANH) return tanh(x);
  return x / (<f32>1 + exp(x * <f32>-1.702));
}

/** Applies `activation` to `rows` rows of `cols` columns, `ldx` bytes apart. */
export function activate(x: usize, ldx: usize, rows: i32, cols: i32, activation: i32): void {
  if (activation == IDENTITY) return;
  for (; rows > 0; rows--, x += ldx) {
    for (let j = 0; j < cols; j++) store<f32>(at(x, j), apply(activation, load<f32>(at(x, j))));
  }
}
