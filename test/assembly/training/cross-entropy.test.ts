/** crossEntropy: losses and gradients, every remainder of a row, label smoothing, ignored labels, logits of any size. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { padded } from '../arena.js';
import { assertWithin, Cases } from '../harness.js';
import { EXP_ERROR, type Expected, Random, TINY, UNIT } from '../reference.js';
import { everyTrainingBuild } from './harness.js';

const test = suite('crossEntropy');
const cases = new Cases(500);

/** The loss of one row and its gradient, in float64. */
function reference(x: ArrayLike<number>, label: number, smoothing: number): { loss: number; gradient: Float64Array } {
  const n = x.length;
  const largest = Math.max(...Array.from(x));
  const exponentials = Float64Array.from(x, (v) => Math.exp(v - largest));
  const sum = exponentials.reduce((total, e) => total + e, 0);
  const log = largest + Math.log(sum);
  const target = (j: number) => smoothing / n + (j === label ? 1 - smoothing : 0);
  let loss = 0;
  // As transformers' LabelSmoother: the negative logarithms of all classes and of the label, weighted.
  for (let j = 0; j < n; j++) if (target(j) > 0) loss += target(j) * (log - x[j]!);
  return { loss, gradient: exponentials.map((e, j) => e / sum - target(j)) };
}

interface Batch {
  readonly logits: Float32Array;
  readonly labels: readonly number[];
  readonly cols: number;
  readonly factor: number;
  readonly smoothing: number;
}

function expected({ logits, labels, cols, factor, smoothing }: Batch): { losses: Expected; gradient: Expected } {
  const losses = { values: new Float64Array(labels.length), bounds: new Float64Array(labels.length) };
  const gradient = { values: new Float64Array(logits.length), bounds: new Float64Array(logits.length) };
  for (const [row, label] of labels.entries()) {
    if (label < 0) continue;
    const x = logits.subarray(row * cols, (row + 1) * cols);
    const { loss, gradient: g } = reference(x, label, smoothing);
    const largest = x.reduce((most, v) => Math.max(most, v));
    const size = x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const relative = (j: number) => EXP_ERROR + UNIT * Math.min(largest - x[j]!, 100);
    let common = UNIT;
    for (let j = 0; j < cols; j++) common += Math.exp(x[j]! - largest) * relative(j);
    losses.values[row] = loss;
    // The sum over classes is float64: what it loses grows with the logits, not with the number of classes.
    losses.bounds[row] = common + 1e-14 * (size + 1) * cols;
    for (let j = 0; j < cols; j++) {
      const target = smoothing / cols + (j === label ? 1 - smoothing : 0);
      const p = g[j]! + target;
      gradient.values[row * cols + j] = g[j]! * factor;
      gradient.bounds[row * cols + j] = factor * (p * (relative(j) + common + 4 * UNIT) + 4 * UNIT * target) + TINY;
    }
  }
  return { losses, gradient };
}

function check(batch: Batch, label: string): void {
  const { logits, labels, cols, factor, smoothing } = batch;
  const rows = labels.length;
  const answers = everyTrainingBuild(cases, label, (arena, { crossEntropy }) => {
    const at = arena.input(Int32Array.from(labels), 1, rows, rows * 4, rows).address;
    const x = arena.put(arena.output(rows, cols, (padded(cols) + (cols % 2) * 8) * 4), logits);
    const losses = arena.allowExactly(arena.matrix(rows, 2, 8, 2));
    const run = () => crossEntropy(x.address, x.stride, rows, cols, at, losses.address, factor, smoothing);
    return { run, out: [x, losses] };
  });
  const { losses, gradient } = expected(batch);
  for (const { build, values } of answers) {
    assertWithin(values.slice(0, rows * cols), gradient.values, gradient.bounds, `${label}, ${build}: gradient`);
    const found = new Float64Array(values.slice(rows * cols).buffer);
    for (const [row, loss] of found.entries()) {
      const [value, bound] = [losses.values[row]!, losses.bounds[row]!];
      assert.ok(Math.abs(loss - value) <= bound, `${label}, ${build}: loss ${loss} of row ${row}, not ${value}`);
    }
  }
}

function batchOf(cols: number, size: number, smoothing: number, seed = cols): Batch {
  const random = new Random(seed);
  const labels = [0, cols - 1, -100, cols >> 1, -1];
  const logits = random.uniform(labels.length * cols, -size, size);
  return { logits, labels, cols, factor: Math.fround(1 / 7), smoothing };
}

for (const smoothing of [0, 0.1, 1]) {
  test(`every remainder, smoothing ${smoothing}`, () => {
    for (let cols = 1; cols <= 40; cols++) {
      for (const size of [0, 1, 20, 300]) check(batchOf(cols, size, smoothing), `${cols} classes, logits to ${size}`);
    }
  });

  test(`a vocabulary, smoothing ${smoothing}`, () => {
    for (const cols of [1000, 30_001]) check(batchOf(cols, 5, smoothing), `${cols} classes`);
  });

  test(`logits near the largest float, smoothing ${smoothing}`, () => {
    for (const cols of [2, 3, 8, 13]) {
      const batch = batchOf(cols, 3, smoothing);
      check({ ...batch, logits: batch.logits.map((x) => x * 1e38) }, `${cols} huge logits`);
    }
  });
}

test('no rows, no writes', () => {
  check({ logits: new Float32Array(0), labels: [], cols: 3, factor: 1, smoothing: 0 }, 'no rows');
});

test('logits that are not finite give a loss that is not', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const answers = everyTrainingBuild(cases, `a logit of ${bad}`, (arena, { crossEntropy }) => {
      const at = arena.input(Int32Array.of(0), 1, 1, 4, 1).address;
      const x = arena.put(arena.output(1, 5), Float32Array.of(1, 2, bad, 3, 4));
      const losses = arena.allowExactly(arena.matrix(1, 2, 8, 2));
      return { run: () => crossEntropy(x.address, x.stride, 1, 5, at, losses.address, 1, 0), out: [losses] };
    });
    for (const { build, values } of answers) assert.not(Number.isFinite(new Float64Array(values.buffer)[0]), build);
  }
});

test('the reference is the derivative of the loss', () => {
  const x = Array.from(new Random(3).uniform(7, -2, 2));
  for (const smoothing of [0, 0.2]) {
    const { gradient } = reference(x, 4, smoothing);
    for (const j of x.keys()) {
      const at = (by: number) =>
        reference(
          x.map((v, i) => (i === j ? v + by : v)),
          4,
          smoothing,
        ).loss;
      assert.ok(Math.abs((at(1e-5) - at(-1e-5)) / 2e-5 - gradient[j]!) < 1e-9, `class ${j}`);
    }
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
