/** `valueAndGrad` as a call: what it refuses, how it ends early, and that the model stays as it was. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkMaxMemoryBytes } from '../../src/engine/memory.js';
import type { AlbertError } from '../../src/ground/errors.js';
import { AlbertModel } from '../../src/model/models.js';
import { checkTrainingMemory } from '../../src/training/access.js';
import type { SentencePairs, TrainingInputs } from '../../src/training/inputs.js';
import { adamw } from '../../src/training/optimizers.js';
import { TrainState } from '../../src/training/state.js';
import { type GradientOptions, valueAndGrad } from '../../src/training/value-and-grad.js';
import { expectError } from '../support/expect-error.js';
import { assertGrown, assertHealthy, observed } from '../support/health.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { withoutWebAssembly } from '../support/without-webassembly.js';
import { assertSame, modelWith, texts, tinyModel } from './models.js';

const test = suite('valueAndGrad');

const LABELS = { labels: [1, 0] };
const PAIRS: SentencePairs = { sentence1: texts(Array(24).fill(24)), sentence2: texts(Array(24).fill(24), 2) };

/** An AlbertModel whose memory has grown to what training takes. */
async function trained(): Promise<AlbertModel> {
  const model = await observed(() => AlbertModel.from_config(TINY, { seed: 5 }));
  await valueAndGrad(model, PAIRS, {});
  await assertGrown(model);
  return model;
}

test('the model is as it was, and the same call gives the same', async () => {
  await using model = await trained();
  const before = model.params;
  const { loss, grads } = await valueAndGrad(model, PAIRS, {});
  assert.ok(loss > 0);
  const after = model.params;
  for (const [name, { data }] of before) assert.equal(after.get(name)!.data, data, name);
  await assertHealthy(model);
  const again = await valueAndGrad(model, PAIRS, {});
  assert.is(again.loss, loss);
  assertSame(again.grads, grads);
  await assertHealthy(model);
});

test('no pass leaves memory in use, whole or aborted', async () => {
  await using model = await AlbertModel.from_config(TINY, { seed: 5 });
  await using state = await TrainState.create(model, adamw({ learning_rate: 1e-3 }));
  await state.step(PAIRS, {});
  const { memoryBytes } = model.info();
  for (let step = 0; step < 3; step++) {
    await state.step(PAIRS, {});
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    await expectError(() => state.step(PAIRS, {}, { signal: controller.signal }), 'ERR_ABORTED');
  }
  assert.is(model.info().memoryBytes, memoryBytes);
});

test('gradients have the names, the order and the shapes of params', async () => {
  await using model = await tinyModel('pretraining');
  const labels = { labels: [[1, 2, 3, 4, 5], Array(5).fill(-100)], sentence_order_label: [0, 1] };
  const { grads } = await valueAndGrad(model, TINY_INPUTS, labels);
  const { params } = model;
  assert.equal([...grads.keys()], [...params.keys()]);
  for (const [name, { shape }] of params) assert.equal(grads.get(name)!.shape, shape);
});

test('calls take their turn among the calls of the model', async () => {
  await using model = await tinyModel('sequence_classification');
  const wanted = await valueAndGrad(model, TINY_INPUTS, LABELS);
  const answer = await model.forward(TINY_INPUTS);
  const [first, found, second, again] = await Promise.all([
    model.forward(TINY_INPUTS),
    valueAndGrad(model, TINY_INPUTS, LABELS),
    model.forward(TINY_INPUTS),
    valueAndGrad(model, TINY_INPUTS, LABELS),
  ]);
  assert.equal(first, answer);
  assert.equal(second, answer);
  assertSame(found.grads, wanted.grads);
  assertSame(again.grads, wanted.grads);
});

test('what is given may change after the call', async () => {
  await using model = await tinyModel('sequence_classification');
  const wanted = await valueAndGrad(model, [{ input_ids: [2, 5, 3] }], { labels: [1] });
  const [ids, labels] = [Int32Array.of(2, 5, 3), Int32Array.of(1)];
  const call = valueAndGrad(model, [{ input_ids: ids }], { labels });
  ids.fill(0);
  labels.fill(0);
  assertSame((await call).grads, wanted.grads);
});

test('an abort stops before the next layer, wherever it comes', async () => {
  await using model = await trained();
  let [aborted, done] = [0, false];
  for (let turns = 0; !done; turns++) {
    const controller = new AbortController();
    let left = turns;
    const tick = () => (left-- === 0 ? controller.abort() : setImmediate(tick));
    tick();
    try {
      await valueAndGrad(model, PAIRS, {}, { signal: controller.signal, recompute: true, maxMemoryBytes: 3_000_000 });
      done = true;
    } catch (error) {
      assert.is((error as AlbertError).code, 'ERR_ABORTED');
      aborted++;
    }
    await assertHealthy(model);
  }
  assert.ok(aborted > 12, `only ${aborted} places to stop`);
});

test('a loss that is not finite', async () => {
  const huge = new Map([['classifier.weight', new Float32Array(2 * TINY.hidden_size).fill(3e38)]]);
  await using model = await modelWith('sequence_classification', TINY, huge);
  await expectError(() => valueAndGrad(model, TINY_INPUTS, LABELS), 'ERR_INPUT', '"loss" expected a finite number');
  const { memoryBytes } = model.info();
  await expectError(() => valueAndGrad(model, TINY_INPUTS, LABELS, { recompute: true }), 'ERR_INPUT', '"loss"');
  assert.is(model.info().memoryBytes, memoryBytes);
});

test('too little memory: an error that names what is needed, before any kernel runs', async () => {
  await using model = await trained();
  for (const maxMemoryBytes of [1, 200_000]) {
    for (const recompute of [true, false, undefined]) {
      const options = { maxMemoryBytes, ...(recompute !== undefined && { recompute }) };
      await expectError(() => valueAndGrad(model, PAIRS, {}, options), 'ERR_MEMORY', '"maxMemoryBytes"', 'at least');
      await assertHealthy(model);
    }
  }
});

test('two limits: of training, 512 MiB by default, and of the model, 1 GiB by default; the smaller one holds', async () => {
  assert.equal([checkTrainingMemory(undefined), checkMaxMemoryBytes()], [2 ** 29, 2 ** 30]);
  await using small = await AlbertModel.from_config(TINY, { maxMemoryBytes: 2 ** 19 });
  for (const options of [{}, { maxMemoryBytes: 2 ** 31 }]) {
    await expectError(() => valueAndGrad(small, PAIRS, {}, options), 'ERR_MEMORY', `got ${2 ** 19}`);
    await expectError(() => TrainState.create(small, adamw({ learning_rate: 1 }), options), 'ERR_MEMORY', `${2 ** 19}`);
  }
  await small.forward(TINY_INPUTS);
});

test('memory that cannot grow', async () => {
  await using model = await observed(() => AlbertModel.from_config(TINY, { seed: 5 }));
  const { grow } = WebAssembly.Memory.prototype;
  for (let n = 1; n < 3; n++) {
    let calls = 0;
    WebAssembly.Memory.prototype.grow = function (pages) {
      if (++calls === n) throw new RangeError('out of memory');
      return grow.call(this, pages);
    };
    try {
      await expectError(() => valueAndGrad(model, PAIRS, {}), 'ERR_MEMORY');
    } finally {
      WebAssembly.Memory.prototype.grow = grow;
    }
  }
  await valueAndGrad(model, PAIRS, {});
  await assertGrown(model);
});

test('models that cannot be trained', async () => {
  await using int8 = await tinyModel('sequence_classification', TINY, { dtype: 'int8' });
  await expectError(() => valueAndGrad(int8, TINY_INPUTS, LABELS), 'ERR_INPUT', 'int8', "dtype: 'float32'");
  await using remote = await tinyModel('sequence_classification', TINY, { worker: true });
  await expectError(() => valueAndGrad(remote, TINY_INPUTS, LABELS), 'ERR_INPUT', 'worker: false');
  await withoutWebAssembly(async () => {
    await using script = await tinyModel('sequence_classification');
    await expectError(() => valueAndGrad(script, TINY_INPUTS, LABELS), 'ERR_ENVIRONMENT', 'WebAssembly');
    await script.forward(TINY_INPUTS);
  });
  await expectError(() => valueAndGrad({} as never, TINY_INPUTS, LABELS), 'ERR_INPUT', '"model"');
  const disposed = await tinyModel('sequence_classification');
  await disposed.dispose();
  await expectError(() => valueAndGrad(disposed, TINY_INPUTS, LABELS), 'ERR_DISPOSED');
});

const INPUT_FAULTS: readonly (readonly [inputs: unknown, ...words: string[]])[] = [
  [undefined, 'an object with input_ids'],
  [[], '"inputs" expected at least one'],
  [[{ input_ids: [2, 3] }, { input_ids: [97] }], 'inputs[1]', '97'],
  [
    [
      {
        input_ids: [
          [2, 3],
          [4, 5],
        ],
      },
    ],
    'one example',
    'inputs[0]',
  ],
  [{ input_ids: [[2, 3], [4]] }, 'rows of one length'],
  [[{ input_ids: [2, 3] }, null], 'inputs[1]'],
];

test('faults of inputs', async () => {
  await using model = await tinyModel('sequence_classification');
  for (const [inputs, ...words] of INPUT_FAULTS) {
    await expectError(() => valueAndGrad(model, inputs as TrainingInputs, LABELS), 'ERR_INPUT', ...words);
  }
  const long = { input_ids: Array(25).fill(2) };
  await expectError(() => valueAndGrad(model, [long, long], LABELS), 'ERR_TOO_LONG', 'inputs[0]');
  await using pairs = await tinyModel('model');
  const text = { input_ids: [2, 3] };
  const hidden = { input_ids: [2, 3], attention_mask: [0, 0] };
  const run = (inputs: unknown) => valueAndGrad(pairs, inputs as TrainingInputs, {});
  await expectError(() => run(text), 'ERR_INPUT', '{ sentence1, sentence2 }');
  await expectError(() => run({ sentence1: [text], sentence2: [] }), 'ERR_INPUT', 'sentence2');
  await expectError(() => run({ sentence1: [text], sentence2: [text, text] }), 'ERR_INPUT', '"sentence2"', '1, got 2');
  await expectError(() => run({ sentence1: [text], sentence2: [hidden] }), 'ERR_INPUT', 'sentence2', 'attention_mask');
});

const OPTION_FAULTS: readonly (readonly [options: unknown, ...words: string[]])[] = [
  [{ dropout: 1 }, 'no other keys'],
  [{ dropout_rng: -1 }, '"dropout_rng"'],
  [{ dropout_rng: 0.5 }, '"dropout_rng"'],
  [{ label_smoothing_factor: 1 }, '"label_smoothing_factor"', 'from 0 to below 1'],
  [{ label_smoothing_factor: '0.1' }, '"label_smoothing_factor"'],
  [{ recompute: 1 }, '"recompute"'],
  [{ maxMemoryBytes: 0 }, '"maxMemoryBytes"'],
  [{ maxMemoryBytes: '1' }, '"maxMemoryBytes"'],
  [{ signal: {} }, '"signal"'],
  [1, '"options"'],
];

test('faults of options', async () => {
  await using model = await tinyModel('sequence_classification');
  for (const [options, ...words] of OPTION_FAULTS) {
    await expectError(
      () => valueAndGrad(model, TINY_INPUTS, LABELS, options as GradientOptions),
      'ERR_INPUT',
      ...words,
    );
  }
  await using pairs = await tinyModel('model');
  const smoothed = { label_smoothing_factor: 0.1 };
  await expectError(
    () => valueAndGrad(pairs, PAIRS, {}, smoothed),
    'ERR_INPUT',
    '"label_smoothing_factor"',
    'no classes',
  );
  const signal = AbortSignal.abort();
  await expectError(() => valueAndGrad(model, TINY_INPUTS, LABELS, { signal }), 'ERR_ABORTED');
});

test.run();
