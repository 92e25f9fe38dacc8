/**
 * The products of a backward pass at ALBERT-base's sizes, packing and transposing included, as a share of the register peak of the same
 * run: dX = dY · Wᵀ and dW += Xᵀ · dY. Their answers are compared with float64 first.
 */

import { type Matrix, matrixBytes, padded } from '../../src/engine/memory.js';
import type { Dense } from '../../src/engine/operands.js';
import type { TrainingEngine } from '../../src/engine/training-engine.js';
import { planProduct, weightGradient } from '../../src/engine/weight-gradient.js';
import { alternate, type Rounds } from '../alternate.js';
import type { Chart } from '../chart.js';
import { interval, percent, type Row, rounded } from '../format.js';
import { within } from '../kernels/suite.js';
import { fillUniform } from '../numbers.js';
import type { RegisterPeak } from '../peak.js';
import { median, quartiles, ratios } from '../statistics.js';

/** Inputs and outputs of ALBERT-base's dense layers. */
const SHAPES = [
  [768, 3072],
  [3072, 768],
  [768, 2304],
  [768, 768],
] as const;
/** Elements of each answer that are compared. */
const CHECKED = 1000;

export interface MeasuredProduct {
  readonly product: 'dX' | 'dW';
  /** Inputs and outputs of the layer. */
  readonly layer: string;
  readonly tokens: number;
  /** Processor time, and that of its part that transposes the weights. */
  readonly ms: readonly number[];
  readonly transposeMs: readonly number[];
  /** Of the register peak, round by round. */
  readonly shares: readonly number[];
  /** Gop/s of the register peak. */
  readonly peak: number;
}

interface Layer {
  readonly name: string;
  readonly ops: number;
  readonly parts: Readonly<Record<string, () => void>>;
}

/** The element at `index` of a float32 array that is visited without an order. */
const at = (array: Float32Array, index: number) => array[index] as number;

/** Σ a(i) · b(i), and the bound of the rounding of any order of summation. */
function dot(length: number, a: (i: number) => number, b: (i: number) => number): { sum: number; bound: number } {
  let [sum, magnitude] = [0, 0];
  for (let i = 0; i < length; i++) {
    const product = a(i) * b(i);
    sum += product;
    magnitude += Math.abs(product);
  }
  return { sum, bound: (length / 4 + 3) * 2 ** -24 * magnitude };
}

function prepare(
  training: TrainingEngine,
  tokens: number,
  [inputs, outputs]: readonly [number, number],
  seed: number,
): Layer {
  const { memory } = training.engine;
  const region = memory.region();
  const x = region.matrix(tokens, inputs);
  const dy = region.matrix(tokens, outputs);
  const dx = region.matrix(tokens, inputs);
  const panels = region.take(matrixBytes(inputs, outputs));
  const dense: Dense = { panels: { address: panels, dtype: 'float32' }, bias: 0, inputs, outputs };
  const gradient = { panels: region.take(matrixBytes(inputs, outputs)), bias: 0 };
  const transposed = training.planTransposed(region, dense);
  const scratch = planProduct(region, tokens, inputs, outputs);
  memory.claim(region);
  const fill = (matrix: Matrix, part: number) =>
    fillUniform(memory.f32(matrix.address, matrix.rows * padded(matrix.cols)), seed + part, -1, 1);
  const [xs, dys] = [fill(x, 0), fill(dy, 1)];
  const weights = fillUniform(memory.f32(panels, inputs * padded(outputs)), seed + 2, -1, 1);
  const gradients = memory.f32(gradient.panels, inputs * padded(outputs)).fill(0);
  const panelOffset = (row: number, column: number) => (column >> 3) * inputs * 8 + row * 8 + (column & 7);

  const parts = {
    transpose: () => training.transpose(dense, transposed),
    dX: () => training.inputGradient(dy, transposed, dx),
    dW: () => weightGradient(training, x, dy, gradient, scratch),
  };
  for (const part of Object.values(parts)) part();
  const dxs = memory.f32(dx.address, tokens * inputs);
  for (let i = 0; i < CHECKED; i++) {
    const [row, input, output] = [(i * 7919) % tokens, (i * 104729) % inputs, (i * 15485863) % outputs];
    const forX = dot(
      outputs,
      (j) => at(dys, row * outputs + j),
      (j) => at(weights, panelOffset(input, j)),
    );
    within(at(dxs, row * inputs + input), forX.sum, forX.bound, `dX [${row}, ${input}] of ${inputs}x${outputs}`);
    const forW = dot(
      tokens,
      (t) => at(xs, t * inputs + input),
      (t) => at(dys, t * outputs + output),
    );
    const got = at(gradients, panelOffset(input, output));
    within(got, forW.sum, forW.bound, `dW [${input}, ${output}] of ${inputs}x${outputs}`);
  }
  return { name: `${inputs}x${outputs}`, ops: 2 * tokens * inputs * outputs, parts };
}

/**
 * @param rounds their warm-ups are V8's too: fewer than five measure code that it has not optimised
 * @throws when an answer is off by more than a rounding error
 */
export async function measureProducts(
  training: TrainingEngine,
  tokens: number,
  peak: RegisterPeak,
  rounds: Rounds,
): Promise<MeasuredProduct[]> {
  const { memory } = training.engine;
  const used = memory.used;
  try {
    const layers = SHAPES.map((shape, i) => prepare(training, tokens, shape, 10 * i));
    let peakOps = 0;
    const contestants: Record<string, () => unknown> = {
      peak: () => {
        peakOps = peak.run();
      },
    };
    for (const { name, parts } of layers) {
      for (const [part, run] of Object.entries(parts)) contestants[`${part} ${name}`] = run;
    }
    const samples = await alternate(contestants, rounds);
    const times = (name: string) => samples[name]?.cpu as number[];
    const peaks = times('peak').map((ms) => peakOps / ms / 1e6);
    return layers.flatMap(({ name, ops }) =>
      (['dX', 'dW'] as const).map((product) => {
        // The transpose of the weights is made once for all tokens of a step; here it counts for the tokens of one product.
        const transposeMs = product === 'dX' ? times(`transpose ${name}`) : [];
        const ms = times(`${product} ${name}`).map((time, i) => time + (transposeMs[i] ?? 0));
        const rates = ms.map((time) => ops / time / 1e6);
        return { product, layer: name, tokens, ms, transposeMs, shares: ratios(rates, peaks), peak: median(peaks) };
      }),
    );
  } finally {
    memory.release(used);
  }
}

export function productRow({ product, layer, tokens, ms, transposeMs, shares, peak }: MeasuredProduct): Row {
  return {
    product: `${product} ${layer}`,
    tokens,
    'cpu ms': rounded(median(ms)),
    'transpose, cpu ms': transposeMs.length === 0 ? '' : rounded(median(transposeMs)),
    'peak, Gop/s': rounded(peak),
    'share of peak': percent(median(shares)),
    'its quartiles': interval(quartiles(shares)),
    runs: ms.length,
  };
}

export function productSentence(measured: MeasuredProduct): string {
  const row = productRow(measured);
  const transposed = row['transpose, cpu ms'] === '' ? '' : `, of which the transpose ${row['transpose, cpu ms']}`;
  return `${String(row.product).padEnd(12)} ${row['share of peak']} of ${row['peak, Gop/s']} Gop/s (${row['its quartiles']}), cpu ${row['cpu ms']} ms${transposed}`;
}

export function productSummary(measured: readonly MeasuredProduct[]): string {
  const range = (product: string) => {
    const shares = measured.filter((one) => one.product === product).map(({ shares }) => median(shares));
    return `${product} ${percent(Math.min(...shares))} to ${percent(Math.max(...shares))}`;
  };
  return `Share of the register peak: ${range('dX')}, ${range('dW')}.`;
}

export function productChart(measured: readonly MeasuredProduct[]): Chart {
  return {
    name: 'share',
    title: 'Products of a backward pass: share of the register peak',
    unit: 'percent of the operations per second that registers alone reach, processor time of the same run; longer is better',
    groups: [...new Set(measured.map(({ layer }) => layer))].map((label) => ({
      label,
      bars: measured
        .filter(({ layer }) => layer === label)
        .map(({ product, shares }) => {
          const [low, high] = quartiles(shares);
          return { series: product, value: 100 * median(shares), quartiles: [100 * low, 100 * high] as const };
        }),
    })),
    reference: { value: 100, label: 'register peak' },
  };
}
