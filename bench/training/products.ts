/**
 * The products of a backward pass at ALBERT-base's sizes, packing and transposing included, as a share of the register peak of the same
 * run: dX = dY · Wᵀ and dW += Xᵀ · dY. Their answers are compared with float64 first.
 *
 * `--tokens N` (default: 512), `--seconds N` of measuring (default: 20).
 */
import { parseArgs } from 'node:util';
import { type Dense, Engine } from '../../src/engine/engine.js';
import { type Matrix, matrixBytes, padded } from '../../src/engine/memory.js';
import { startRuntime } from '../../src/engine/runtime.js';
import { TrainingEngine } from '../../src/engine/training-engine.js';
import { alternate } from '../alternate.js';
import { within } from '../kernels/suite.js';
import { machine, nameMachine } from '../machine.js';
import { fillUniform } from '../numbers.js';
import { type Build, RegisterPeak } from '../peak.js';
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

const { values } = parseArgs({
  options: { tokens: { type: 'string', default: '512' }, seconds: { type: 'string', default: '20' } },
});
const tokens = Number(values.tokens);

const runtime = await startRuntime({ maxMemoryBytes: 2 ** 30, threads: 1 });
const engine = new Engine(runtime, { dtype: 'float32', inputs: 3072 });
const training = await TrainingEngine.make(engine);
const peak = new RegisterPeak(engine.build as Build, 'float32');
console.log(`${nameMachine(machine())}; ${engine.build} build, ${tokens} tokens`);

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

function layer(inputs: number, outputs: number, seed: number): Layer {
  const { memory } = engine;
  const region = memory.region();
  const x = region.matrix(tokens, inputs);
  const dy = region.matrix(tokens, outputs);
  const dx = region.matrix(tokens, inputs);
  const panels = region.take(matrixBytes(inputs, outputs));
  const dense: Dense = { panels: { address: panels, dtype: 'float32' }, bias: 0, inputs, outputs };
  const gradient = { panels: region.take(matrixBytes(inputs, outputs)), bias: 0 };
  const transposed = training.planTransposed(region, dense);
  const scratch = training.planProduct(region, tokens, inputs, outputs);
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
    dW: () => training.weightGradient(x, dy, gradient, scratch),
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

const layers = SHAPES.map(([inputs, outputs], i) => layer(inputs, outputs, 10 * i));
const peakOps = peak.run();
const contestants: Record<string, () => unknown> = { peak: () => peak.run() };
for (const { name, parts } of layers) {
  for (const [part, run] of Object.entries(parts)) contestants[`${part} ${name}`] = run;
}
const samples = await alternate(contestants, { warmups: 5, rounds: 10, seconds: Number(values.seconds) });
const times = (name: string) => samples[name]?.cpu as number[];
const peaks = times('peak').map((ms) => peakOps / ms / 1e6);
console.log(`peak ${median(peaks).toFixed(1)} Gop/s; ${peaks.length} rounds, processor time`);
for (const { name, ops } of layers) {
  // The transpose of the weights is made once for all tokens of a step; here it counts for the tokens of one product.
  const whole = {
    dX: times(`dX ${name}`).map((ms, i) => ms + (times(`transpose ${name}`)[i] as number)),
    dW: times(`dW ${name}`),
  };
  for (const [part, milliseconds] of Object.entries(whole)) {
    const shares = ratios(
      milliseconds.map((ms) => ops / ms / 1e6),
      peaks,
    );
    const [low, high] = quartiles(shares);
    const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
    const transposed = part === 'dX' ? `, of which the transpose ${median(times(`transpose ${name}`)).toFixed(1)}` : '';
    console.log(
      `${part} ${name}: ${percent(median(shares))} of the peak (${percent(low)} to ${percent(high)}), ${median(milliseconds).toFixed(1)} ms${transposed}`,
    );
  }
}
await engine.dispose();
