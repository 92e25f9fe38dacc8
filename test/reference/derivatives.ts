/** The derivatives of Hugging Face's ACT2FN, each from its formula; where one jumps, its value there is PyTorch's. */
import { ACT2FN, erf } from './operations.js';
import type { Differentiable } from './tape.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** The density of the normal distribution at (x - mean) / deviation, of which erf's halves are the integral. */
const density = (x: number, mean = 0, deviation = 1) =>
  Math.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * Math.sqrt(2 * Math.PI));

/** x · Φ(x). */
const gelu = (x: number) => 0.5 * (1 + erf(x / Math.SQRT2)) + x * density(x);

/** x/2 · (1 + tanh u) with u = a·(x + b·x³). */
function tanhGelu(a: number): (x: number) => number {
  const b = 0.044715;
  return (x) => {
    const t = Math.tanh(a * (x + b * x ** 3));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * a * (1 + 3 * b * x * x);
  };
}
const geluNew = tanhGelu(Math.sqrt(2 / Math.PI));

/** x · σ(βx). */
const swish = (beta: number) => (x: number) => {
  const s = sigmoid(beta * x);
  return s + beta * x * s * (1 - s);
};

function mish(x: number): number {
  const t = Math.tanh(Math.log1p(Math.exp(x)));
  return t + x * (1 - t * t) * sigmoid(x);
}

/** Where x · Φ(x) is 10: Φ(10) is 1 in float64. */
const GELU_IS_TEN = 10;

const DERIVATIVES: Readonly<Record<string, Omit<Differentiable, 'f'>>> = {
  gelu: { df: gelu },
  gelu_10: { df: (x) => (x > GELU_IS_TEN ? 0 : gelu(x)), kinks: [GELU_IS_TEN] },
  gelu_accurate: { df: geluNew },
  gelu_fast: { df: tanhGelu(0.7978845608) },
  gelu_new: { df: geluNew },
  gelu_python: { df: gelu },
  gelu_python_tanh: { df: geluNew },
  gelu_pytorch_tanh: { df: geluNew },
  hardswish: { df: (x) => (x <= -3 ? 0 : x < 3 ? (2 * x + 3) / 6 : 1), kinks: [-3, 3] },
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: theirs has six digits
  laplace: { df: (x) => density(x, 0.707107, 0.282095) },
  leaky_relu: { df: (x) => (x > 0 ? 1 : 0.01), kinks: [0] },
  linear: { df: () => 1 },
  mish: { df: mish },
  quick_gelu: { df: swish(1.702) },
  relu: { df: (x) => (x > 0 ? 1 : 0), kinks: [0] },
  relu2: { df: (x) => 2 * Math.max(x, 0) },
  relu6: { df: (x) => (x > 0 && x < 6 ? 1 : 0), kinks: [0, 6] },
  sigmoid: { df: (x) => sigmoid(x) * (1 - sigmoid(x)) },
  silu: { df: swish(1) },
  swish: { df: swish(1) },
  tanh: { df: (x) => 1 - Math.tanh(x) ** 2 },
};

/** A `hidden_act` with its derivative. */
export function activation(name: string): Differentiable {
  const [f, derivative] = [ACT2FN[name], DERIVATIVES[name]];
  if (f === undefined || derivative === undefined) throw new Error(`the reference has no derivative of ${name}`);
  return { f, ...derivative };
}

export const TANH = activation('tanh');
