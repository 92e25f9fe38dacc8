/** What the kernels should answer, in float64, and how far a float32 kernel may be from it, element by element. */
import type { Activation } from '../../src/engine/kernels.js';
import { erf } from '../reference/operations.js';

/** Half a unit in the last place of a float32 near 1. */
export const UNIT = 2 ** -24;
/** The errors that `assembly/math.ts` states. */
export const EXP_ERROR = 1.8e-7;
export const ERF_ERROR = 1.2e-7;
const TANH_ERROR = 2.4e-7;
/** The smallest normal float32: below it lies what a kernel may round to zero. */
export const TINY = 2 ** -126;

export interface Expected {
  readonly values: Float64Array;
  readonly bounds: Float64Array;
}

/** Mulberry32: numbers that are the same in every run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  uniform(length: number, low = -1, high = 1): Float32Array {
    return Float32Array.from({ length }, () => low + (high - low) * this.next());
  }

  /** Either sign, magnitudes from 0.5 to 1: no product of two is small enough to be missing unseen. */
  weighty(length: number): Float32Array {
    return this.uniform(length).map((u) => (u < 0 ? u / 2 - 0.5 : u / 2 + 0.5));
  }
}

/**
 * The share of Σ|a·b| that a float32 sum of k products may be off. The worst case is (k + 1) units; but roundings are
 * as often up as down, so they grow like √k, and the kernel also cuts its chains at 384 products. k/4 + 3 lies above
 * both where k is small and above √k everywhere, yet below one product of ordinary size.
 */
export function sumError(k: number): number {
  return (k / 4 + 3) * UNIT;
}

/** a · b + bias of a dense (m, k) and a dense (k, n) matrix. */
export function gemm(a: Float32Array, b: Float32Array, bias: Float32Array, m: number, n: number, k: number): Expected {
  const values = new Float64Array(m * n);
  const bounds = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = bias[j]!;
      let magnitude = Math.abs(sum);
      for (let p = 0; p < k; p++) {
        const product = a[i * k + p]! * b[p * n + j]!;
        sum += product;
        magnitude += Math.abs(product);
      }
      values[i * n + j] = sum;
      bounds[i * n + j] = sumError(k) * magnitude;
    }
  }
  return { values, bounds };
}

interface ActivationReference {
  readonly value: (x: number) => number;
  /** How far the kernel may be from `value` at an exact x. */
  readonly error: (x: number) => number;
  /** Steepest slope, rounded up: how much an error of x may grow. Where it has no end, the steepest up to `most`. */
  readonly slope: number | ((most: number) => number);
}

/** x / (1 + exp(u(x))), where the kernel computes u to within `units` roundings. */
function gate(u: (x: number) => number, units: number, slope: number): ActivationReference {
  const value = (x: number) => x / (1 + Math.exp(u(x)));
  const error = (x: number) => {
    // An error of the exponential counts by its share of the divisor; an error of u is one of the exponential.
    const share = 1 / (1 + Math.exp(-u(x)));
    const relative = share * (EXP_ERROR + units * UNIT * Math.min(Math.abs(u(x)), 1e4)) + 3 * UNIT;
    // The kernel's exponential ends at exp(88): what should vanish may be as large as x · exp(-88).
    return Math.abs(value(x)) * relative + 2 ** -100;
  };
  return { value, error, slope };
}

/** 0.5 x (1 + erf(x / sqrt(2))). */
const GELU: ActivationReference = {
  value: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  error: (x) => {
    const z = Math.abs(x * Math.SQRT1_2);
    return Math.abs(x / 2) * (ERF_ERROR + erfSlope(z) * z * 2 * UNIT + UNIT) + Math.abs(x) * UNIT + TINY;
  },
  slope: 1.13,
};

function erfSlope(z: number): number {
  return (2 * Math.exp(-z * z)) / Math.sqrt(Math.PI);
}

/** transformers' constants: a mean and a standard deviation. */
// biome-ignore lint/suspicious/noApproximativeNumericConstant: theirs has six digits
const [MU, SIGMA] = [0.707107, 0.282095];
const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** The activation functions of FlaxAlbert and of transformers. */
export const ACTIVATION_REFERENCES: Record<Activation, ActivationReference> = {
  identity: { value: (x) => x, error: () => 0, slope: 1 },
  gelu_new: gate((x) => -2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3), 5, 1.13),
  gelu: GELU,
  relu: { value: (x) => Math.max(x, 0), error: () => 0, slope: 1 },
  silu: gate((x) => -x, 0, 1.1),
  tanh: { value: Math.tanh, error: (x) => TANH_ERROR * Math.abs(Math.tanh(x)), slope: 1.001 },
  quick_gelu: gate((x) => -1.702 * x, 2, 1.1),
  gelu_10: { ...GELU, value: (x) => Math.min(GELU.value(x), 10) },
  laplace: {
    value: (x) => 0.5 * (1 + erf((x - MU) / (SIGMA * Math.SQRT2))),
    error: (x) => {
      const z = Math.abs((x - MU) / (SIGMA * Math.SQRT2));
      // The constants, the difference and the quotient are rounded.
      const argument = (MU / SIGMA + 3 * z) * UNIT;
      return 0.5 * (ERF_ERROR + erfSlope(Math.max(z - argument, 0)) * argument) + 2 * UNIT;
    },
    slope: 1.42,
  },
  sigmoid: {
    value: logistic,
    error: (x) => logistic(x) * (logistic(-x) * EXP_ERROR + 3 * UNIT) + 2 ** -100,
    slope: 0.251,
  },
  mish: {
    value: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
    error: (x) => {
      // x / (1 + u), u = 2 / (e (e + 2)): an error of the exponential counts twice, by the share of u.
      const value = x * Math.tanh(Math.log1p(Math.exp(x)));
      const share = x === 0 ? 1 : 1 - value / x;
      return Math.abs(value) * (share * 2 * (EXP_ERROR + 2 * UNIT) + 3 * UNIT) + 2 ** -100;
    },
    slope: 1.1,
  },
  hardswish: {
    value: (x) => x * (Math.min(Math.max(x + 3, 0), 6) / 6),
    error: (x) => Math.abs(x * (Math.min(Math.max(x + 3, 0), 6) / 6)) * 5 * UNIT + TINY,
    slope: 1.51,
  },
  leaky_relu: {
    value: (x) => (x < 0 ? 0.01 * x : x),
    error: (x) => (x < 0 ? -0.01 * x * 3 * UNIT + TINY : 0),
    slope: 1,
  },
  relu2: {
    value: (x) => Math.max(x, 0) ** 2,
    error: (x) => Math.max(x, 0) ** 2 * UNIT + TINY,
    slope: (most) => 2 * most,
  },
  relu6: { value: (x) => Math.min(Math.max(x, 0), 6), error: () => 0, slope: 1 },
};

/** activation(x) + residual of numbers that are known to within their bounds. */
export function epilogue({ values, bounds }: Expected, activation: Activation, residual?: Float32Array): Expected {
  const { value, error, slope } = ACTIVATION_REFERENCES[activation];
  const results = values.map((x, i) => value(x) + (residual?.[i] ?? 0));
  return {
    values: results,
    bounds: bounds.map((e, i) => {
      const grown = e * (typeof slope === 'number' ? slope : slope(Math.abs(values[i]!) + e));
      return grown + error(values[i]!) + (residual ? UNIT * (Math.abs(results[i]!) + grown) : 0);
    }),
  };
}

/** Softmax of one row whose elements are known to within `errors`. */
export function softmaxRow(x: ArrayLike<number>, errors?: ArrayLike<number>): Expected {
  const n = x.length;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) max = Math.max(max, x[i]!);
  const values = Float64Array.from(x, (v) => Math.exp(v - max));
  const sum = values.reduce((total, v) => total + v, 0);
  // Relative errors of the exponentials: the function's, the rounding of v - max, and those of v.
  const relative = values.map((_, i) => EXP_ERROR + UNIT * Math.min(max - x[i]!, 100) + (errors?.[i] ?? 0));
  let common = (n / 4 + 5) * UNIT;
  for (let i = 0; i < n; i++) {
    values[i]! /= sum;
    common += values[i]! * relative[i]!;
  }
  return { values, bounds: values.map((p, i) => 1.01 * p * (relative[i]! + common) + TINY) };
}

/** A row t = x + residual around its mean, in steps that mirror the roundings of layer norms. */
export function centredRow(x: Float32Array, residual: Float32Array | undefined, eps: number, meanIsExact = false) {
  const n = x.length;
  const t = Float64Array.from(x, (v, i) => v + (residual?.[i] ?? 0));
  const rounding = t.map((v) => (residual ? UNIT * Math.abs(v) : 0));
  const average = (values: Float64Array) => values.reduce((sum, v) => sum + v, 0) / n;
  const mean = average(t);
  const magnitude = average(t.map(Math.abs));
  const meanError = meanIsExact ? 0 : average(rounding) + (sumError(n) + UNIT) * magnitude;
  const d = t.map((v) => v - mean);
  const dError = d.map((v, i) => rounding[i]! + meanError + UNIT * Math.abs(v));
  const variance = average(d.map((v) => v * v));
  const varianceError =
    average(d.map((v, i) => 2 * Math.abs(v) * dError[i]! + dError[i]! ** 2)) + sumError(n) * variance;
  const inverse = 1 / Math.sqrt(variance + eps);
  const steepest = 1 / Math.sqrt(Math.max(variance - varianceError, 0) + eps);
  const inverseError = steepest - inverse + 3 * UNIT * steepest;
  return { d, dError, inverse, inverseError };
}

/** Layer norm of one row t = x + residual. */
export function layerNormRow(
  x: Float32Array,
  residual: Float32Array | undefined,
  gamma: Float32Array,
  beta: Float32Array,
  eps: number,
  meanIsExact = false,
): Expected {
  const { d, dError, inverse, inverseError } = centredRow(x, residual, eps, meanIsExact);
  const values = d.map((v, i) => v * inverse * gamma[i]! + beta[i]!);
  const bounds = d.map((v, i) => {
    const scaled = dError[i]! * (inverse + inverseError) + Math.abs(v) * (inverseError + 2 * UNIT * inverse);
    return Math.abs(gamma[i]!) * scaled + UNIT * (Math.abs(values[i]!) + Math.abs(beta[i]!)) + TINY;
  });
  return { values, bounds };
}
