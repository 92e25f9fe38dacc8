/** The GEMM at the shapes of ALBERT-base, and with the feed-forward's activation fused. */

import type { Engine } from '../../src/engine/engine.js';
import type { Activation } from '../../src/engine/kernels.js';
import { padded } from '../../src/engine/memory.js';
import type { Dense } from '../../src/engine/operands.js';
import type { Dtype } from '../../src/ground/dtypes.js';
import { fillUniform, uniform } from '../numbers.js';
import { geluNew } from './gelu.bench.js';
import { type KernelBench, within } from './suite.js';

/** Elements of a product that are compared with float64; all of a smaller product's. */
const CHECKED = 4000;

/** What int8 may be off, as a part of the sum of the products' sizes: weights and activations have 63 levels or more. */
const INT8_ERROR = 1 / 63;

interface Options {
  readonly activation?: Activation;
  readonly dtype?: Dtype;
}

/** (m, k) · (k, n) + bias; with int8 the rows are quantised on their way in. */
function matmul(
  m: number,
  k: number,
  n: number,
  { activation = 'identity', dtype = 'float32' }: Options = {},
): KernelBench {
  const marks = [dtype === 'int8' ? ' int8' : '', activation === 'identity' ? '' : ` ${activation}`];
  const name = `matmul ${m}x${k}x${n}${marks.join('')}`;
  return { name, dtype, work: { unit: 'op', count: 2 * m * k * n }, prepare };

  function prepare(engine: Engine) {
    const region = engine.memory.region();
    const a = region.matrix(m, k);
    const c = region.matrix(m, n);
    const dense: Dense = {
      panels: { address: region.take(engine.packing.panelsBytes(dtype, k, n)), dtype },
      bias: region.take(padded(n) * 4),
      inputs: k,
      outputs: n,
    };
    const staging = region.take(k * n * 4);
    engine.memory.claim(region);
    const x = fillUniform(engine.memory.f32(a.address, m * k), 1, -1, 1);
    const scale = Math.sqrt(3 / k);
    const weights = uniform(k * n, 2, -scale, scale);
    const bias = fillUniform(engine.memory.f32(dense.bias, padded(n)), 3, -1, 1);
    engine.memory.f32(dense.panels.address, engine.packing.panelsBytes(dtype, k, n) / 4).fill(0);
    engine.memory.f32(staging, k * n).set(weights);
    engine.packing.pack(dense.panels, staging, [n * 4, 4], [k, n], 0);
    const result = engine.memory.f32(c.address, m * padded(n));
    const multiply = () => engine.linear(a, dense, c, activation);

    return {
      check() {
        result.fill(Number.NaN);
        multiply();
        // A stride without a common factor visits every row, column and tile position before it comes back.
        const stride = m * n <= CHECKED ? 1 : coprime(Math.floor((m * n) / CHECKED), m * n);
        for (let at = 0; at < m * n; at += stride) {
          const [row, column] = [Math.floor(at / n), at % n];
          const { sum, magnitude } = dot(x, row * k, weights, column, k, n, bias[column] as number);
          // (k / 4 + 3) · 2⁻²⁴ · Σ|a · b| bounds the rounding of any order of summation in four lanes or better.
          const bound = ((k / 4 + 3) * 2 ** -24 + (dtype === 'int8' ? INT8_ERROR : 0)) * magnitude;
          // gelu_new's slope is at most 1.13.
          const expected = activation === 'gelu_new' ? geluNew(sum) : sum;
          within(result[row * padded(n) + column] as number, expected, 1.2 * bound, `${name} [${row}, ${column}]`);
        }
      },
      run() {
        multiply();
        return result[0] as number;
      },
    };
  }
}

function dot(
  x: Float32Array,
  start: number,
  weights: Float32Array,
  column: number,
  k: number,
  n: number,
  bias: number,
): { sum: number; magnitude: number } {
  let sum = bias;
  let magnitude = Math.abs(bias);
  for (let i = 0; i < k; i++) {
    const product = (x[start + i] as number) * (weights[i * n + column] as number);
    sum += product;
    magnitude += Math.abs(product);
  }
  return { sum, magnitude };
}

/** The first number from `from` on that shares no factor with `of`. */
function coprime(from: number, of: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  return divisor(from, of) === 1 ? from : coprime(from + 1, of);
}

const ROWS = [1, 8, 32, 128];
const SHAPES = [
  [768, 2304],
  [768, 768],
  [768, 3072],
  [3072, 768],
  [128, 30000],
] as const;

export const benches: readonly KernelBench[] = [
  ...SHAPES.flatMap(([k, n]) => ROWS.map((m) => matmul(m, k, n))),
  matmul(128, 768, 3072, { activation: 'gelu_new' }),
  ...[8, 128].flatMap((m) => SHAPES.map(([k, n]) => matmul(m, k, n, { dtype: 'int8' }))),
];
