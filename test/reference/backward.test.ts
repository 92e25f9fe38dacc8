/** The float64 gradients, held against finite differences, against the forward of `albert.ts` and against PyTorch's. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/model/config.js';
import { Random } from '../assembly/reference.js';
import { drawWeights } from '../fuzz/draw.js';
import { drawTraining, type TrainingCase } from '../fuzz/draw-training.js';
import { stateCases } from '../support/cases.js';
import { readFixture } from '../support/fixtures.js';
import { formulaTensor } from '../support/formula.js';
import { GRADIENT_NAMES, readGradients } from '../support/gradients.js';
import { type Batch, type Labels, lossAndGradients, lossOf } from './backward.js';
import { activation } from './derivatives.js';
import type { Sequence } from './encoder.js';
import { ACT2FN } from './operations.js';
import { parameterShapes } from './parameters.js';

const test = suite('gradients in float64');

test('each derivative is the slope of its activation', () => {
  let cases = 0;
  for (const name of Object.keys(ACT2FN)) {
    const { f, df, kinks = [] } = activation(name);
    for (let x = -12.03; x < 12; x += 0.1) {
      const h = 1e-5;
      if (kinks.some((kink) => Math.abs(kink - x) < 2 * h)) continue;
      const slope = (f(x + h) - f(x - h)) / (2 * h);
      assert.ok(Math.abs(slope - df(x)) < 1e-8, `${name} at ${x}: ${df(x)}, not ${slope}`);
      cases++;
    }
  }
  stateCases(cases, 5_000);
});

/** A model whose loss is smooth and whose sums do not cancel, so that differences of its loss say something. */
function isSmooth({ config, examples }: TrainingCase): boolean {
  const { hidden_size, intermediate_size, layer_norm_eps, hidden_act } = config;
  return (
    hidden_size * intermediate_size < 500 &&
    layer_norm_eps >= 1e-5 &&
    (activation(hidden_act).kinks ?? []).length === 0 &&
    examples.flat().every(({ mask }) => mask.includes(1)) &&
    examples.flat(2).reduce((tokens, { ids }) => tokens + ids.length, 0) <= 50
  );
}

/** Central differences of the loss in every tensor, along a random direction that moves all of its elements. */
function checkDifferences(kase: TrainingCase): number {
  const weights = new Map(
    drawWeights(kase).map(({ name, shape, data }) => [name, { shape, data: Float64Array.from(data) }]),
  );
  const { grads } = lossAndGradients(kase, weights);
  const scale = Math.max(...[...grads.values()].map((grad) => Math.max(...grad.map(Math.abs))));
  const random = new Random(kase.weights.seed);
  for (const [name, { shape, data }] of weights) {
    const direction = random.uniform(data.length);
    const at = (step: number) =>
      lossOf(kase, new Map(weights).set(name, { shape, data: data.map((v, i) => v + step * direction[i]!) }));
    const h = 1e-5;
    const slope = (at(h) - at(-h)) / (2 * h);
    const along = grads.get(name)!.reduce((sum, g, i) => sum + g * direction[i]!, 0);
    const error = Math.abs(slope - along);
    assert.ok(error <= 1e-6 * scale + 1e-9, `${name}: ${along} along a direction, differences say ${slope}`);
  }
  return weights.size;
}

test('random models, every head and loss: the slope of the loss in each tensor', () => {
  const kinds = new Map<string, number>();
  let tensors = 0;
  for (let seed = 1; seed < 2_000 && [...kinds.values()].reduce((a, b) => a + b, 0) < 20; seed++) {
    const kase = drawTraining(seed);
    const kind = [kase.head, kase.config.problem_type, kase.labels.labels === undefined].join();
    if (!isSmooth(kase) || (kinds.get(kind) ?? 0) >= 2) continue;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    try {
      tensors += checkDifferences(kase);
    } catch (error) {
      throw new Error(`seed ${seed}, ${kind}: ${(error as Error).message}`);
    }
  }
  assert.is(kinds.size, 10, [...kinds.keys()].join(' '));
  stateCases(tensors, 500);
});

interface Integers {
  readonly data: BigInt64Array;
  readonly shape: readonly number[];
}

/** The rows of a tensor of any number of dimensions. */
function rowsOf({ shape, data }: Integers): number[][] {
  const width = shape.at(-1)!;
  const values = Array.from(data, Number);
  return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
}

/** A fixture's inputs and labels, as the reference takes them. */
function batchOf(name: string, labels: Readonly<Record<string, Integers>>): Batch {
  const { head, config, inputs } = readFixture(name);
  const given = inputs as unknown as Readonly<Record<string, Integers | undefined>>;
  const ids = given.input_ids!;
  const rows = (key: string, absent: (i: number) => number) =>
    given[key] ? rowsOf(given[key]) : rowsOf(ids).map((row) => row.map((_, i) => absent(i)));
  const [mask, types, positions] = [
    rows('attention_mask', () => 1),
    rows('token_type_ids', () => 0),
    rows('position_ids', (i) => i),
  ];
  const sequences: Sequence[] = rowsOf(ids).map((row, i) => ({
    ids: row,
    mask: mask[i]!,
    types: types[i]!,
    positions: positions[i]!,
  }));
  const choices = head === 'multiple_choice' ? ids.shape[1]! : 1;
  const examples = Array.from({ length: sequences.length / choices }, (_, i) =>
    sequences.slice(i * choices, (i + 1) * choices),
  );
  const entries = Object.entries(labels).map(([key, tensor]) => [
    key,
    tensor.shape.length === 2 ? rowsOf(tensor) : Array.from(tensor.data, Number),
  ]);
  return { head, config: parseConfig(config), examples, labels: Object.fromEntries(entries) as Labels };
}

if (GRADIENT_NAMES.length > 0) {
  test("PyTorch's float64 gradients of the fixtures", () => {
    for (const name of GRADIENT_NAMES) {
      const expected = readGradients(name);
      const batch = batchOf(name, expected.labels);
      const shapes = parameterShapes(batch.config, batch.head);
      const weights = new Map([...shapes].map(([key, shape]) => [key, { shape, data: formulaTensor(key, shape) }]));
      const { loss, grads } = lossAndGradients(batch, weights);
      assert.ok(Math.abs(loss / expected.loss - 1) < 1e-12, `${name}: loss ${loss}`);
      assert.equal([...expected.grads.keys()].sort(), [...grads.keys()].sort(), name);
      for (const [key, { data }] of expected.grads) {
        const values = grads.get(key)!;
        const scale = data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
        // Theirs are stored in float32, and cancel to 1e-16 of the whole where they are zero.
        const worst = values.reduce((most, v, i) => Math.max(most, Math.abs(v - data[i]!)), 0);
        assert.ok(worst <= 6e-8 * scale + 1e-13, `${name} ${key}: off by ${worst}, scale ${scale}`);
      }
    }
    stateCases(GRADIENT_NAMES.length, 19);
  });
} else {
  test.skip("PyTorch's float64 gradients of the fixtures", () => {});
  console.log('\nskipped: ../shared/fixtures is not there');
}

test.run();
