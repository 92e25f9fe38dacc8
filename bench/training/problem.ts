/** The feed-forward block of a layer with a loss: what is computed, by whom, and the answer in float64. */
import { geluNew } from '../kernels/gelu.bench.js';
import { uniform } from '../numbers.js';

/** The block's sizes: tokens, hidden and intermediate columns. */
export interface BlockShape {
  readonly tokens: number;
  readonly hidden: number;
  readonly intermediate: number;
}

/** Row-major: x and target (tokens, hidden), w1 (hidden, intermediate), w2 (intermediate, hidden). */
export interface Problem extends BlockShape {
  readonly x: Float32Array;
  readonly w1: Float32Array;
  readonly b1: Float32Array;
  readonly w2: Float32Array;
  readonly b2: Float32Array;
  readonly target: Float32Array;
}

/** The loss, half the sum of squares of gelu_new(x · w1 + b1) · w2 + b2 - target, and its gradients, each shaped as its parameter. */
export interface Gradients {
  readonly loss: number;
  readonly x: ArrayLike<number>;
  readonly w1: ArrayLike<number>;
  readonly b1: ArrayLike<number>;
  readonly w2: ArrayLike<number>;
  readonly b2: ArrayLike<number>;
}

/** Who computes it, ours included. */
export interface FeedForwardPeer {
  readonly name: string;
  prepare(problem: Problem): PreparedBlock;
}

export interface PreparedBlock {
  /** Computes the loss and all gradients, and leaves them where the runtime has them. */
  run(): unknown;
  /** The same, read. */
  gradients(): Promise<Gradients>;
  release(): Promise<void>;
}

/** Reads "512x768x3072". */
export function parseBlock(text: string): BlockShape {
  const [, tokens, hidden, intermediate] = /^([1-9]\d*)x([1-9]\d*)x([1-9]\d*)$/.exec(text)?.map(Number) ?? [];
  if (tokens === undefined || hidden === undefined || intermediate === undefined) {
    throw new Error(`a block is TOKENSxHIDDENxINTERMEDIATE, such as 512x768x3072, not "${text}"`);
  }
  return { tokens, hidden, intermediate };
}

/** The operations of its six products, a multiplication and an addition each. */
export function blockOps({ tokens, hidden, intermediate }: BlockShape): number {
  return 6 * 2 * tokens * hidden * intermediate;
}

export function drawProblem(shape: BlockShape): Problem {
  const { tokens, hidden, intermediate } = shape;
  const [narrow, wide] = [Math.sqrt(3 / hidden), Math.sqrt(3 / intermediate)];
  return {
    ...shape,
    x: uniform(tokens * hidden, 1, -2, 2),
    w1: uniform(hidden * intermediate, 2, -narrow, narrow),
    b1: uniform(intermediate, 3, -0.5, 0.5),
    w2: uniform(intermediate * hidden, 4, -wide, wide),
    b2: uniform(hidden, 5, -0.5, 0.5),
    target: uniform(tokens * hidden, 6, -1, 1),
  };
}

/** The answer in float64. Slow: for small blocks. */
export function float64Gradients({ tokens, hidden, intermediate, x, w1, b1, w2, b2, target }: Problem): Gradients {
  const before = plus(product(x, w1, tokens, hidden, intermediate), b1);
  const inner = before.map(geluNew);
  const dOutput = plus(product(inner, w2, tokens, intermediate, hidden), b2).map((y, i) => y - (target[i] as number));
  const dInner = product(dOutput, transpose(w2, intermediate, hidden), tokens, hidden, intermediate);
  const dBefore = dInner.map((d, i) => d * geluNewSlope(before[i] as number));
  return {
    loss: dOutput.reduce((sum, d) => sum + d * d, 0) / 2,
    x: product(dBefore, transpose(w1, hidden, intermediate), tokens, intermediate, hidden),
    w1: product(transpose(x, tokens, hidden), dBefore, hidden, tokens, intermediate),
    b1: columnSums(dBefore, intermediate),
    w2: product(transpose(inner, tokens, intermediate), dOutput, intermediate, tokens, hidden),
    b2: columnSums(dOutput, hidden),
  };
}

/** (m, k) · (k, n) */
function product(a: ArrayLike<number>, b: ArrayLike<number>, m: number, k: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const factor = a[i * k + p] as number;
      for (let j = 0; j < n; j++) out[i * n + j] = (out[i * n + j] as number) + factor * (b[p * n + j] as number);
    }
  }
  return out;
}

function transpose(a: ArrayLike<number>, rows: number, columns: number): Float64Array {
  return Float64Array.from(a, (_, at) => a[(at % rows) * columns + Math.floor(at / rows)] as number);
}

function plus(a: Float64Array, bias: ArrayLike<number>): Float64Array {
  return a.map((value, i) => value + (bias[i % bias.length] as number));
}

function columnSums(a: Float64Array, columns: number): Float64Array {
  const sums = new Float64Array(columns);
  a.forEach((value, i) => {
    sums[i % columns] = (sums[i % columns] as number) + value;
  });
  return sums;
}

function geluNewSlope(x: number): number {
  const [root, cubic] = [Math.sqrt(2 / Math.PI), 0.044715];
  const tanh = Math.tanh(root * (x + cubic * x ** 3));
  return 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * root * (1 + 3 * cubic * x * x);
}
