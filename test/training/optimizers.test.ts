/** Steps of AdamW and LAMB against plain float64, tensor by tensor: clipping, decay, trust ratios, what is spared of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../src/ground/tensor.js';
import { AlbertForSequenceClassification } from '../../src/model/models.js';
import { adamw, lamb, type Optimizer, type OptimizerOptions } from '../../src/training/optimizers.js';
import { TrainState } from '../../src/training/state.js';
import { valueAndGrad } from '../../src/training/value-and-grad.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

type Numbers = ReadonlyMap<string, Tensor<Float32Array>>;
interface Moments {
  readonly m: Float64Array;
  readonly v: Float64Array;
}

const LABELS = { labels: [1, 0] };
let cases = 0;

function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

/** What each parameter should be after a step, in float64; changes the moments. */
function stepped(
  kind: string,
  step: number,
  { learning_rate, b1 = 0.9, b2 = 0.999, eps = 1e-6, weight_decay = 0.01, max_grad_norm = 1 }: OptimizerOptions,
  parameters: Numbers,
  grads: Numbers,
  moments: Map<string, Moments>,
): Map<string, Float64Array> {
  const rate = learning_rate as number;
  const total = norm([...grads.values()].map(({ data }) => norm(data)));
  const factor = max_grad_norm === 0 ? 1 : Math.min(1, max_grad_norm / (total + 1e-6));
  const after = new Map<string, Float64Array>();
  for (const [name, { data: gradient }] of grads) {
    const weights = Float64Array.from(parameters.get(name)!.data);
    const decay = /bias$|[nN]orm\.weight$/.test(name) ? 0 : weight_decay;
    const { m, v } = moments.get(name) ?? { m: new Float64Array(weights.length), v: new Float64Array(weights.length) };
    moments.set(name, { m, v });
    const direction = weights.map((w, i) => {
      const g = gradient[i]! * factor;
      m[i] = b1 * m[i]! + (1 - b1) * g;
      v[i] = b2 * v[i]! + (1 - b2) * g * g;
      const adam = m[i]! / (1 - b1 ** step) / (Math.sqrt(v[i]! / (1 - b2 ** step)) + eps);
      return adam + decay * w;
    });
    const [size, length] = [norm(weights), norm(direction)];
    const spared = kind === 'adamw' || /bias$|[nN]orm\.weight$/.test(name) || size === 0 || length === 0;
    const trust = spared ? 1 : size / length;
    after.set(
      name,
      weights.map((w, i) => w - rate * trust * direction[i]!),
    );
  }
  return after;
}

const KINDS: Record<string, (options: OptimizerOptions) => Optimizer> = { adamw, lamb };
const SETTINGS: Record<string, OptimizerOptions> = {
  defaults: { learning_rate: 1e-3 },
  'no clipping, no decay': { learning_rate: 2e-3, max_grad_norm: 0, weight_decay: 0 },
  // A gradient that is scaled comes out of Adam unscaled, unless eps is near it.
  'gradients below the limit': { learning_rate: 1e-2, max_grad_norm: 1e4, eps: 0.1 },
  'strong clipping and decay': { learning_rate: 1e-2, max_grad_norm: 0.01, weight_decay: 0.5, b1: 0.5, b2: 0.9 },
};

for (const [kind, make] of Object.entries(KINDS)) {
  for (const [settings, options] of Object.entries(SETTINGS)) {
    for (const { name: build, wasmUrl } of BUILDS) {
      test(`${kind}, ${settings}, ${build}`, async () => {
        await using model = await AlbertForSequenceClassification.from_config(TINY, { seed: 3, wasmUrl });
        await using state = await TrainState.create(model, make(options));
        const moments = new Map<string, Moments>();
        for (let step = 1; step <= 3; step++) {
          const before = model.params;
          const { grads, loss } = await valueAndGrad(model, TINY_INPUTS, LABELS);
          const expected = stepped(kind, step, options, before, grads, moments);
          const found = await state.step(TINY_INPUTS, LABELS);
          assert.is(found.loss, loss);
          const total = norm([...grads.values()].map(({ data }) => norm(data)));
          assert.ok(Math.abs(found.grad_norm - total) <= 1e-9 * total, `norm ${found.grad_norm}, not ${total}`);
          assert.is(state.steps, step);
          const after = model.params;
          for (const [name, values] of expected) {
            const moved = norm(values.map((w, i) => w - before.get(name)!.data[i]!));
            const error = norm(values.map((w, i) => w - after.get(name)!.data[i]!));
            // A float32 weight is rounded at each step, however small the step.
            const bound = 2e-5 * moved + 1e-7 * norm(values);
            assert.ok(error <= bound, `${name}, step ${step}: off by ${error} of a step of ${moved}`);
            cases++;
          }
        }
      });
    }
  }
}

test('a weight of zeros takes the steps of Adam', async () => {
  await using random = await AlbertForSequenceClassification.from_config(TINY);
  const tensors = [...random.params].map(([name, { shape, data }]) => {
    return { name, shape, data: name === 'classifier.weight' ? data.fill(0) : data };
  });
  const files = { 'config.json': JSON.stringify(TINY), 'model.safetensors': encodeSafetensors(tensors, 'F32', {}) };
  await using model = await AlbertForSequenceClassification.from_pretrained(files);
  const learning_rate = 1e-3;
  await using state = await TrainState.create(model, lamb({ learning_rate }));
  await state.step(TINY_INPUTS, LABELS);
  // The first step of Adam is the sign of the gradient, if that is far above eps.
  const { data } = model.params.get('classifier.weight')!;
  for (const value of data) assert.ok(Math.abs(Math.abs(value) / learning_rate - 0.95) < 0.06, `${value}`);
});

test('options that are none', async () => {
  const wrong: [object | undefined, string][] = [
    [undefined, 'learning_rate'],
    [{ learning_rate: 'x' }, 'learning_rate'],
    [{ learning_rate: -1 }, 'learning_rate'],
    [{ learning_rate: 1, b1: 1 }, 'b1'],
    [{ learning_rate: 1, b2: -0.1 }, 'b2'],
    [{ learning_rate: 1, eps: 0 }, 'eps'],
    [{ learning_rate: 1, weight_decay: Number.NaN }, 'weight_decay'],
    [{ learning_rate: 1, max_grad_norm: Number.POSITIVE_INFINITY }, 'max_grad_norm'],
    [{ learning_rate: 1, weightDecay: 1 }, 'here weight_decay'],
  ];
  for (const make of [adamw, lamb]) {
    for (const [options, word] of wrong) await expectError(async () => make(options as never), 'ERR_INPUT', word);
  }
});

test('a schedule that throws or returns no rate', async () => {
  await using model = await AlbertForSequenceClassification.from_config(TINY);
  const schedules = [
    () => {
      throw new Error('no rate today');
    },
    () => Number.NaN,
    () => 'fast' as never,
  ];
  for (const learning_rate of schedules) {
    await using state = await TrainState.create(model, adamw({ learning_rate }));
    await expectError(() => state.step(TINY_INPUTS, LABELS), 'ERR_INPUT', 'learning_rate', 'step 0');
    assert.is(state.steps, 0);
  }
});

test('the cases', () => stateCases(cases, 5_400));

test.run();
