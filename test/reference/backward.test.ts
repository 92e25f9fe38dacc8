/** The float64 gradients, held against finite differences, against the forward of `albert.ts` and against PyTorch's. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/model/config.js';
import { decodeSafetensors } from '../../src/weights/safetensors.js';
import { Random } from '../assembly/reference.js';
import { drawWeights } from '../fuzz/draw.js';
import { drawTraining, type TrainingCase } from '../fuzz/draw-training.js';
import { stateCases } from '../support/cases.js';
import { formulaTensor } from '../support/formula.js';
import type { HeadName } from './albert.js';
import { type Batch, type Labels, lossAndGradients, lossOf, type Values } from './backward.js';
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

const SHARED = new URL('../../../shared/fixtures/', import.meta.url);

function readTensors(file: string) {
  const tensors = decodeSafetensors(new Uint8Array(readFileSync(new URL(file, SHARED))), file).tensors;
  return new Map(
    [...tensors].map(([name, { bytes, shape, dtype }]) => {
      const { buffer } = new Uint8Array(bytes);
      const data =
        dtype === 'I64'
          ? Array.from(new BigInt64Array(buffer), Number)
          : dtype === 'F64'
            ? new Float64Array(buffer)
            : new Float32Array(buffer);
      return [name, { shape: [...shape], data: data as ArrayLike<number> }];
    }),
  );
}

/** The rows of a tensor of any number of dimensions. */
function rowsOf({ shape, data }: Values): number[][] {
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, i) => Array.from(data).slice(i * width, (i + 1) * width));
}

function readBatch(name: string): { batch: Batch; expected: ReadonlyMap<string, Values> } {
  const head = name.split('/')[1] as HeadName;
  const config = parseConfig(JSON.parse(readFileSync(new URL(`${name}/config.json`, SHARED), 'utf8')));
  const inputs = readTensors(`${name}/expected.safetensors`);
  const expected = readTensors(`${name}/gradients.safetensors`);
  const ids = inputs.get('input.input_ids')!;
  const given = (key: string, absent: (i: number) => number) => {
    const tensor = inputs.get(`input.${key}`);
    return tensor ? rowsOf(tensor) : rowsOf(ids).map((row) => row.map((_, i) => absent(i)));
  };
  const [mask, types, positions] = [
    given('attention_mask', () => 1),
    given('token_type_ids', () => 0),
    given('position_ids', (i) => i),
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
  const labels = Object.fromEntries(
    [...expected].flatMap(([key, tensor]) => {
      if (!key.startsWith('labels.')) return [];
      return [[key.slice(7), tensor.shape.length === 2 ? rowsOf(tensor) : Array.from(tensor.data)]];
    }),
  ) as Labels;
  return { batch: { head, config, examples, labels }, expected };
}

if (existsSync(SHARED)) {
  test("PyTorch's float64 gradients of the fixtures", () => {
    const names = readdirSync(SHARED, { recursive: true })
      .map(String)
      .filter((file) => file.endsWith('gradients.safetensors'))
      .map((file) => file.replace(/\/gradients.safetensors$/, ''));
    for (const name of names) {
      const { batch, expected } = readBatch(name);
      const shapes = parameterShapes(batch.config, batch.head);
      const weights = new Map([...shapes].map(([key, shape]) => [key, { shape, data: formulaTensor(key, shape) }]));
      const { loss, grads } = lossAndGradients(batch, weights);
      assert.ok(Math.abs(loss / expected.get('loss')!.data[0]! - 1) < 1e-12, `${name}: loss ${loss}`);
      const wanted = [...expected].filter(([key]) => key.startsWith('grad.'));
      assert.equal(wanted.map(([key]) => key.slice(5)).sort(), [...grads.keys()].sort(), name);
      for (const [key, { data }] of wanted) {
        const values = grads.get(key.slice(5))!;
        const scale = Math.max(...Array.from(data, Math.abs));
        // Theirs are stored in float32, and cancel to 1e-16 of the whole where they are zero.
        values.forEach((v, i) => {
          const error = Math.abs(v - data[i]!);
          assert.ok(error <= 6e-8 * scale + 1e-13, `${name} ${key}[${i}]: ${v}, theirs ${data[i]}, scale ${scale}`);
        });
      }
    }
    stateCases(names.length, 19);
  });
} else {
  test.skip("PyTorch's float64 gradients of the fixtures", () => {});
  console.log('\nskipped: ../shared/fixtures is not there');
}

test.run();
