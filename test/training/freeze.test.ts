/** Frozen parameters: no gradient and no work, and the other gradients as they were. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TrainingEngine } from '../../src/engine/training-engine.js';
import type { Freeze } from '../../src/training/freeze.js';
import { valueAndGrad } from '../../src/training/value-and-grad.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { assertSame, tinyModel } from './models.js';

const test = suite('freeze');

const LABELS = { labels: [1, 0] };
const LAYER = 'albert.encoder.albert_layer_groups.0.albert_layers.0';

/** All before the second group. */
const GROUP = [
  'albert.embeddings',
  'albert.encoder.embedding_hidden_mapping_in',
  'albert.encoder.albert_layer_groups.0',
];

const OPERATIONS = ['inputGradient', 'normGradient', 'attentionGradient', 'scatter'] as const;

/** How often each operation of a backward pass runs; that of `weightGradient`, a function of its own, by its kernel. */
async function counted<T>(work: () => Promise<T>): Promise<{ result: T; counts: Record<string, number> }> {
  const counts: Record<string, number> = { weightGradient: 0 };
  const prototype = TrainingEngine.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  const own = Object.fromEntries([...OPERATIONS, 'run'].map((name) => [name, prototype[name]!]));
  prototype.run = function (kernel, ...args) {
    if (String(kernel).startsWith('gemmGradient')) counts.weightGradient!++;
    return own.run!.call(this, kernel, ...args);
  };
  for (const name of OPERATIONS) {
    counts[name] = 0;
    prototype[name] = function (...args) {
      counts[name]!++;
      return own[name]!.apply(this, args);
    };
  }
  try {
    return { result: await work(), counts };
  } finally {
    Object.assign(prototype, own);
  }
}

test('what is left has the same gradients bit for bit', async () => {
  await using model = await tinyModel('sequence_classification');
  const { loss, grads } = await valueAndGrad(model, TINY_INPUTS, LABELS);
  const cases: readonly (readonly [Freeze, frozen: readonly string[]])[] = [
    ['embeddings', ['albert.embeddings.']],
    ['encoder', ['albert.embeddings.', 'albert.encoder.']],
    [[`${LAYER}.attention.key`], [`${LAYER}.attention.key.`]],
    [['albert'], ['albert.']],
    [
      ['classifier', 'albert.pooler'],
      ['classifier.', 'albert.pooler.'],
    ],
    [GROUP, GROUP.map((module) => `${module}.`)],
    [
      [`${LAYER}.attention.query.bias`, 'albert.embeddings'],
      [`${LAYER}.attention.query.bias`, 'albert.embeddings.'],
    ],
  ];
  for (const [freeze, frozen] of cases) {
    const wanted = new Map([...grads].filter(([name]) => !frozen.some((prefix) => name.startsWith(prefix))));
    assert.ok(wanted.size < grads.size);
    const found = await valueAndGrad(model, TINY_INPUTS, LABELS, { freeze });
    assert.is(found.loss, loss);
    assertSame(found.grads, wanted);
  }
});

test('what nothing trainable needs is not computed', async () => {
  await using model = await tinyModel('sequence_classification');
  const run = (freeze: Freeze) => counted(() => valueAndGrad(model, TINY_INPUTS, LABELS, { freeze }));
  const none = { weightGradient: 0, inputGradient: 0, normGradient: 0, attentionGradient: 0, scatter: 0 };
  assert.equal((await run(['albert'])).counts, { ...none, weightGradient: 1 }, 'the classifier alone');
  assert.equal(
    (await run('encoder')).counts,
    { ...none, weightGradient: 2, inputGradient: 1 },
    'pooler and classifier',
  );
  // Two applications of the second group, of two layers; the groups divide three layers as 2 + 1.
  const { counts } = await run(GROUP);
  assert.equal(counts, {
    weightGradient: 2 + 2 * 4,
    // Classifier and pooler; four of the last layer, three of the first, whose input has no gradient.
    inputGradient: 2 + 4 + 3,
    normGradient: 2 * 2,
    attentionGradient: 2,
    // The pooler's, and two of the last layer, which computes the first tokens alone.
    scatter: 1 + 2,
  });
  const ffn = [...GROUP, 'albert.encoder.albert_layer_groups.1.albert_layers.0.attention'];
  assert.equal((await run(ffn)).counts, {
    weightGradient: 2 + 4 + 2,
    inputGradient: 2 + 4 + 1,
    normGradient: 2 + 1,
    attentionGradient: 1,
    scatter: 1 + 2,
  });
  const whole = await counted(() => valueAndGrad(model, TINY_INPUTS, LABELS));
  assert.is(whole.counts.attentionGradient, TINY.num_hidden_layers * TINY.inner_group_num);
  assert.is(whole.counts.scatter, 4 + 2);
});

test('a frozen model takes less memory', async () => {
  const bytes = async (freeze?: Freeze) => {
    await using model = await tinyModel('sequence_classification');
    await valueAndGrad(model, TINY_INPUTS, LABELS, freeze === undefined ? {} : { freeze });
    return model.info().memoryBytes;
  };
  assert.ok((await bytes('encoder')) < (await bytes()));
});

test('tied weights: frozen embeddings freeze the decoder', async () => {
  await using model = await tinyModel('masked_lm');
  const labels = {
    labels: [
      [3, -100, -100, 5, -100],
      [-100, 7, -100, -100, -100],
    ],
  };
  const { grads } = await valueAndGrad(model, TINY_INPUTS, labels, { freeze: 'embeddings' });
  assert.is(
    [...grads.keys()].some((name) => name.includes('word_embeddings')),
    false,
  );
  assert.ok(grads.has('predictions.bias'));
});

test('the pooler of AlbertModel has no gradient: no loss reads it', async () => {
  await using model = await tinyModel('model');
  const text = { input_ids: [2, 5, 3] };
  const { grads } = await valueAndGrad(
    model,
    { sentence1: [text], sentence2: [{ input_ids: [2, 7] }] },
    { labels: [0.5] },
  );
  const missing = [...model.params.keys()].filter((name) => !grads.has(name));
  assert.equal(missing, ['pooler.weight', 'pooler.bias']);
});

test('faults', async () => {
  await using model = await tinyModel('sequence_classification');
  const run = (freeze: unknown) => valueAndGrad(model, TINY_INPUTS, LABELS, { freeze: freeze as Freeze });
  await expectError(() => run('encoders'), 'ERR_INPUT', '"freeze"', "'embeddings'", '"encoders"');
  await expectError(() => run(['albert.encode']), 'ERR_INPUT', '"freeze"', 'at [0]');
  await expectError(() => run(['classifier', 3]), 'ERR_INPUT', '"freeze"', 'at [1]');
  await expectError(() => run(['albert', 'classifier']), 'ERR_INPUT', 'left to train');
  await expectError(() => run(null), 'ERR_INPUT', '"freeze"');
});

test.run();
