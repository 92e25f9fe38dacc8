/** TrainState: the same bits resumed and on any number of threads; what is frozen; what is refused. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ModelFiles } from '../../src/ground/source.js';
import { AlbertForMaskedLM, AlbertForSequenceClassification, type AlbertModel } from '../../src/model/models.js';
import { adamw, lamb, type Optimizer } from '../../src/training/optimizers.js';
import { linearSchedule } from '../../src/training/schedules.js';
import { TrainState } from '../../src/training/state.js';
import { decodeSafetensors } from '../../src/weights/safetensors.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const LABELS = { labels: [1, 0] };
const Classifier = AlbertForSequenceClassification;
type Classifier = AlbertForSequenceClassification;

/** Dropout everywhere, so that the seed of a step counts. */
const DROPPING = { ...TINY, hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, classifier_dropout_prob: 0.1 };

/** Steps `from` to `to`, each with a seed of its own; their losses and norms. */
async function train(state: TrainState, from: number, to: number): Promise<number[]> {
  const found: number[] = [];
  for (let step = from; step < to; step++) {
    const { loss, grad_norm } = await state.step(TINY_INPUTS, LABELS, {
      dropout_rng: step,
      label_smoothing_factor: 0.1,
    });
    found.push(loss, grad_norm);
  }
  return found;
}

function numbersOf(model: Classifier | AlbertModel | AlbertForMaskedLM): Map<string, Uint8Array> {
  return new Map([...model.params].map(([name, { data }]) => [name, new Uint8Array(data.buffer)]));
}

async function saved(model: Classifier, state: TrainState): Promise<ModelFiles> {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    await model.save_pretrained(directory);
    await state.save(directory);
    return Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(`${directory}/${name}`)]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const schedule = linearSchedule({ learning_rate: 3e-3, warmup_steps: 2, total_steps: 8 });
const OPTIMIZERS: Record<string, Optimizer> = {
  adamw: adamw({ learning_rate: schedule }),
  lamb: lamb({ learning_rate: 1e-3, weight_decay: 0.1, b2: 0.99, max_grad_norm: 0 }),
};

for (const [kind, optimizer] of Object.entries(OPTIMIZERS)) {
  for (const freeze of [undefined, 'embeddings', ['encoder', 'classifier.bias'], 'albert.pooler'] as const) {
    test(`${kind}, frozen: ${freeze}: a restored training goes on bit for bit`, async () => {
      await using model = await Classifier.from_config(DROPPING, { seed: 5 });
      const before = numbersOf(model);
      await using state = await TrainState.create(model, optimizer, { freeze });
      const first = await train(state, 0, 3);
      const files = await saved(model, state);
      const rest = await train(state, 3, 6);

      await using second = await Classifier.from_pretrained(files);
      // The optimiser as it was saved, and as the caller gives it.
      const given = freeze === undefined ? undefined : optimizer;
      await using restored = await TrainState.restore(second, files, given, { freeze });
      assert.is(restored.steps, 3);
      assert.equal(await train(restored, 3, 6), rest);
      assert.is(restored.steps, 6);
      const [after, other] = [numbersOf(model), numbersOf(second)];
      assert.equal(other, after);
      assert.not.equal(first, rest);

      const frozen = [...after]
        .filter(([name, data]) => Buffer.compare(data, before.get(name)!) === 0)
        .map(([name]) => name);
      const names = [...after.keys()];
      const expected = names.filter((name) => {
        if (freeze === undefined) return false;
        if (freeze === 'embeddings') return name.startsWith('albert.embeddings.');
        if (freeze === 'albert.pooler') return name.startsWith('albert.pooler.');
        return /^albert\.(embeddings|encoder)\.|^classifier\.bias$/.test(name);
      });
      assert.equal(frozen, expected, 'what has not changed');
      const { tensors } = decodeSafetensors(files['train_state.safetensors'] as Uint8Array, 'state');
      const moments = names.filter((name) => !expected.includes(name)).flatMap((name) => [`m.${name}`, `v.${name}`]);
      assert.equal([...tensors.keys()].toSorted(), moments.toSorted());
    });
  }
}

test('the files of a state restore it without a directory, and a state is the same however often it is saved', async () => {
  await using model = await Classifier.from_config(DROPPING);
  await using state = await TrainState.create(model, OPTIMIZERS.adamw!);
  await train(state, 0, 2);
  const files = Object.fromEntries(await state.files());
  const bytes = Buffer.from(files['train_state.safetensors']!);
  await state.dispose();
  await using again = await TrainState.restore(model, files);
  assert.is(Buffer.compare(bytes, (await again.files()).get('train_state.safetensors')!), 0);
});

test('one thread and two: the same bits', async () => {
  const config = { ...TINY, vocab_size: 3001, embedding_size: 36, hidden_size: 132, intermediate_size: 260 };
  const inputs = Array.from({ length: 24 }, (_, i) => {
    return { input_ids: Array.from({ length: 12 + (i % 12) }, (_, j) => (i * 131 + j * 17) % 3001) };
  });
  const labels = { labels: inputs.map(({ input_ids }) => input_ids.map((id, j) => (j % 5 === 0 ? id : -100))) };
  for (const optimizer of Object.values(OPTIMIZERS)) {
    const results = [];
    for (const threads of [1, 2]) {
      await using model = await AlbertForMaskedLM.from_config(config, { threads, seed: 2 });
      assert.is(model.info().threads, threads);
      await using state = await TrainState.create(model, optimizer);
      const found = [];
      for (let step = 0; step < 3; step++) found.push(await state.step(inputs, labels as never));
      results.push({ found, numbers: numbersOf(model) });
    }
    assert.equal(results[1], results[0]);
  }
});

test('query, key and value share panels: one of them frozen, the others move', async () => {
  await using model = await Classifier.from_config(TINY);
  const before = numbersOf(model);
  const key = [...before.keys()].filter((name) => name.includes('.key.'));
  await using state = await TrainState.create(model, OPTIMIZERS.adamw!, { freeze: key });
  await train(state, 0, 2);
  for (const [name, data] of numbersOf(model)) {
    assert.is(Buffer.compare(data, before.get(name)!) === 0, key.includes(name), name);
  }
});

test('a head of a frozen encoder trains in less memory', async () => {
  await using model = await Classifier.from_config({ ...TINY, vocab_size: 30_000 });
  const limit = { maxMemoryBytes: 6 * 2 ** 20 };
  await expectError(
    () => TrainState.create(model, OPTIMIZERS.adamw!, limit),
    'ERR_MEMORY',
    'maxMemoryBytes',
    'moments',
  );
  await using state = await TrainState.create(model, OPTIMIZERS.adamw!, { ...limit, freeze: 'encoder' });
  await train(state, 0, 1);
});

test('a model is in one training at a time', async () => {
  await using model = await Classifier.from_config(TINY);
  const first = TrainState.create(model, OPTIMIZERS.adamw!);
  await expectError(() => TrainState.create(model, OPTIMIZERS.adamw!), 'ERR_INPUT', 'no other TrainState', 'dispose');
  const state = await first;
  await expectError(() => TrainState.restore(model, {}), 'ERR_INPUT', 'no other TrainState', 'dispose');
  await state.dispose();
  await state.dispose();
  await expectError(() => state.step(TINY_INPUTS, LABELS), 'ERR_DISPOSED', 'training');
  await expectError(() => state.files(), 'ERR_DISPOSED', 'training');
  const second = await TrainState.create(model, OPTIMIZERS.adamw!);
  await train(second, 0, 1);
  await second.dispose();
});

test('a training ends with its model', async () => {
  const model = await Classifier.from_config(TINY);
  const state = await TrainState.create(model, OPTIMIZERS.adamw!);
  await model.dispose();
  await expectError(() => state.step(TINY_INPUTS, LABELS), 'ERR_DISPOSED');
  await state.dispose();
});

test('what cannot be trained', async () => {
  const optimizer = OPTIMIZERS.adamw!;
  await using model = await Classifier.from_config(TINY);
  await using coarse = await Classifier.from_config(TINY, { dtype: 'int8' });
  await expectError(() => TrainState.create(coarse, optimizer), 'ERR_INPUT', "dtype: 'float32'");
  await using remote = await Classifier.from_config(TINY, { worker: true });
  await expectError(() => TrainState.create(remote, optimizer), 'ERR_INPUT', 'worker: false');
  await expectError(() => TrainState.create({} as never, optimizer), 'ERR_INPUT', 'model');
  for (const odd of [undefined, {}, { name: 'sgd' }, 'adamw']) {
    await expectError(() => TrainState.create(model, odd as never), 'ERR_INPUT', 'optimizer');
  }
  await expectError(() => TrainState.create(model, optimizer, { freeze: 'albert.poolr' }), 'ERR_INPUT', 'albert.poolr');
  await expectError(() => TrainState.create(model, optimizer, { freeze: ['encoder', 'x'] }), 'ERR_INPUT', 'x', '[1]');
  await expectError(() => TrainState.create(model, optimizer, { freeze: 3 as never }), 'ERR_INPUT', 'freeze');
  const everything = ['encoder', 'albert.pooler', 'classifier'];
  await expectError(() => TrainState.create(model, optimizer, { freeze: everything }), 'ERR_INPUT', 'left to train');
  await expectError(() => TrainState.create(model, optimizer, { Freeze: 'x' } as never), 'ERR_INPUT', 'here freeze');
  await using state = await TrainState.create(model, optimizer);
  await expectError(() => state.step(TINY_INPUTS, { labels: [7, 0] }), 'ERR_INPUT', 'labels');
  await expectError(() => state.step({} as never, LABELS), 'ERR_INPUT', 'input_ids');
  await expectError(() => state.step(TINY_INPUTS, LABELS, { dropout_rng: -1 }), 'ERR_INPUT', 'dropout_rng');
  await expectError(() => state.save(''), 'ERR_INPUT', 'directory');
  assert.is(state.steps, 0);
});

test.run();
