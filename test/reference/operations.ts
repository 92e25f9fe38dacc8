/** The operations of ALBERT in float64, each as its formula reads. */

export type Row = readonly number[];
/** (rows, columns): one row a token, or one an output of a dense layer. */
export type Rows = readonly Row[];

/** x · weightᵀ + bias, for a weight (out, in) as PyTorch stores it. */
export function dense(x: Rows, weight: Rows, bias: Row): Rows {
  return x.map((row) => weight.map((column, j) => dot(row, column) + bias[j]!));
}

/** (x - mean) / sqrt(variance + eps) · scale + bias, row by row (Ba et al. 2016). */
export function layerNorm(x: Rows, scale: Row, bias: Row, eps: number): Rows {
  return x.map((row) => {
    const mean = sum(row) / row.length;
    const variance = sum(row.map((v) => (v - mean) ** 2)) / row.length;
    const deviation = Math.sqrt(variance + eps);
    return row.map((v, j) => ((v - mean) / deviation) * scale[j]! + bias[j]!);
  });
}

export function add(x: Rows, y: Rows): Rows {
  return x.map((row, i) => row.map((v, j) => v + y[i]![j]!));
}

export function softmax(row: Row): Row {
  const max = row.reduce((most, v) => Math.max(most, v), Number.NEGATIVE_INFINITY);
  const exponentials = row.map((v) => Math.exp(v - max));
  const total = sum(exponentials);
  return exponentials.map((v) => v / total);
}

/** Row i of the result is column i of x. */
export function transpose(x: Rows): Rows {
  return x[0]!.map((_, j) => x.map((row) => row[j]!));
}

export function dot(a: Row, b: Row): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

function sum(row: Row): number {
  return row.reduce((total, v) => total + v, 0);
}

/** erf by a series of positive terms: 2/√π · exp(-x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n + 1)!!. */
export function erf(x: number): number {
  if (Math.abs(x) >= 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** Hendrycks, Gimpel 2016. */
const gelu = (x: number) => 0.5 * x * (1 + erf(x / Math.sqrt(2)));
const geluNew = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
const silu = (x: number) => x * sigmoid(x);

const relu = (x: number) => Math.max(x, 0);

/** Hugging Face's ACT2FN: what each `hidden_act` of a configuration means. */
export const ACT2FN: Readonly<Record<string, (x: number) => number>> = {
  gelu,
  gelu_10: (x) => Math.min(Math.max(gelu(x), -10), 10),
  gelu_accurate: geluNew,
  gelu_fast: (x) => 0.5 * x * (1 + Math.tanh(x * 0.7978845608 * (1 + 0.044715 * x * x))),
  gelu_new: geluNew,
  gelu_python: gelu,
  gelu_python_tanh: geluNew,
  gelu_pytorch_tanh: geluNew,
  hardswish: (x) => (x * Math.min(relu(x + 3), 6)) / 6,
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: theirs has six digits
  laplace: (x) => 0.5 * (1 + erf((x - 0.707107) / (0.282095 * Math.sqrt(2)))),
  leaky_relu: (x) => (x < 0 ? 0.01 * x : x),
  linear: (x) => x,
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  quick_gelu: (x) => x * sigmoid(1.702 * x),
  relu,
  relu2: (x) => relu(x) ** 2,
  relu6: (x) => Math.min(relu(x), 6),
  sigmoid,
  silu,
  swish: silu,
  tanh: Math.tanh,
};
