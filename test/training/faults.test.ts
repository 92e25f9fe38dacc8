/** What fails in a training: the weights and moments stay as they were, the next step is the one that would have been, the model is whole. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AlbertErrorCode } from '../../src/ground/errors.js';
import { AlbertForSequenceClassification, AlbertModel } from '../../src/model/models.js';
import { adamw } from '../../src/training/optimizers.js';
import { TrainState } from '../../src/training/state.js';
import { decodeFloat32 } from '../../src/weights/checkpoint.js';
import { decodeSafetensors, encodeSafetensors, type TensorToWrite } from '../../src/weights/safetensors.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { assertGrown, assertHealthy, observed } from '../support/health.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const OPTIMIZER = adamw({ learning_rate: 1e-3 });
const FILE = 'train_state.safetensors';
let cases = 0;

/** Pairs of texts, so many tokens that each is a micro-batch of its own where memory is scarce. */
const PAIRS = Object.fromEntries(
  ['sentence1', 'sentence2'].map((key, side) => [
    key,
    Array.from({ length: 6 }, (_, i) => ({
      input_ids: Array.from({ length: 24 }, (_, j) => (i * 31 + j * 7 + side * 3) % 97),
    })),
  ]),
) as never;
const COSINES = { labels: [0.1, 0.9, -0.4, 0.3, 1, 0] };

const regression = (seed = 0) =>
  AlbertForSequenceClassification.from_config({ ...TINY, num_labels: 1, problem_type: 'regression' }, { seed });

function bitsOf(model: AlbertModel | AlbertForSequenceClassification): Buffer {
  return Buffer.concat([...model.params.values()].map(({ data }) => Buffer.from(data.buffer)));
}

/** Weights and state: everything that a step changes. */
async function everything(model: AlbertModel | AlbertForSequenceClassification, state: TrainState): Promise<Buffer> {
  return Buffer.concat([bitsOf(model), (await state.files()).get(FILE)!]);
}

function assertSame(a: Buffer, b: Buffer, label: string): void {
  assert.is(Buffer.compare(a, b), 0, label);
}

test('a loss or a gradient that is not finite changes nothing, and names its step', async () => {
  await using model = await regression();
  await using state = await TrainState.create(model, OPTIMIZER);
  await state.step(TINY_INPUTS, { labels: [1, 2] });
  const before = await everything(model, state);
  for (const [label, word] of [
    [1e200, 'loss'],
    [3e38, 'grad_norm'],
  ] as const) {
    await expectError(
      () => state.step(TINY_INPUTS, { labels: [1, label] }),
      'ERR_INPUT',
      'step 2',
      word,
      'a lower learning_rate may help',
    );
    assertSame(await everything(model, state), before, word);
    assert.is(state.steps, 1);
  }
  await using other = await regression();
  await using untroubled = await TrainState.create(other, OPTIMIZER);
  for (const labels of [
    [1, 2],
    [3, 4],
  ])
    await untroubled.step(TINY_INPUTS, { labels });
  await state.step(TINY_INPUTS, { labels: [3, 4] });
  assertSame(await everything(model, state), await everything(other, untroubled), 'the step after');
});

test('an abort at any time changes nothing', async () => {
  const model = await observed(() => AlbertModel.from_config(TINY));
  // Room for a few texts at a time.
  const options = { maxMemoryBytes: 1_400_000 };
  const state = await TrainState.create(model, OPTIMIZER, options);
  await state.step(PAIRS, COSINES);
  const before = await everything(model, state);
  let aborted = 0;
  for (let turns = 0; ; turns++) {
    const controller = new AbortController();
    const step = state.step(PAIRS, COSINES, { signal: controller.signal });
    step.catch(() => {});
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    const done = await step.then(
      () => true,
      () => false,
    );
    if (done) break;
    await expectError(() => step, 'ERR_ABORTED');
    assertSame(await everything(model, state), before, `abort after ${turns} turns`);
    assert.is(state.steps, 1);
    aborted++;
    cases++;
  }
  assert.ok(aborted >= 10, `${aborted} aborts`);
  assert.is(state.steps, 2);
  await expectError(() => state.step(PAIRS, COSINES, { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  await expectError(() => TrainState.create(model, OPTIMIZER, { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  await state.dispose();
  await model.dispose();
});

test('a model is as before when its training has failed and ended', async () => {
  const model = await observed(() => AlbertModel.from_config(TINY));
  const grow = await TrainState.create(model, OPTIMIZER);
  await expectError(() => grow.step(PAIRS, { labels: [2, 0, 0, 0, 0, 0] }), 'ERR_INPUT', 'labels');
  const controller = new AbortController();
  const step = grow.step(PAIRS, COSINES, { signal: controller.signal });
  setImmediate(() => controller.abort());
  await expectError(() => step, 'ERR_ABORTED');
  await grow.dispose();
  await assertGrown(model);

  const small = { maxMemoryBytes: 600_000 };
  await expectError(() => TrainState.create(model, OPTIMIZER, small), 'ERR_MEMORY', 'moments', 'maxMemoryBytes');
  await assertHealthy(model);
  await expectError(() => TrainState.restore(model, {}), 'ERR_SOURCE', FILE);
  await assertHealthy(model);
  const saved = await TrainState.create(model, OPTIMIZER);
  const { write } = await stateFile(saved);
  await saved.dispose();
  const spoilt = write((tensor) => ({ ...tensor, data: tensor.data.fill(Number.NaN) }));
  await expectError(() => TrainState.restore(model, { [FILE]: spoilt }), 'ERR_PARAMETER', 'finite');
  await assertHealthy(model);
  const tight = await TrainState.create(model, OPTIMIZER, { maxMemoryBytes: 1_200_000 });
  const long = { sentence1: [{ input_ids: new Int32Array(24) }], sentence2: [{ input_ids: new Int32Array(24) }] };
  await expectError(() => tight.step(long as never, { labels: [3] }), 'ERR_INPUT', 'labels');
  await tight.dispose();
  await assertHealthy(model);
  await model.dispose();
});

test('a directory that cannot be written keeps what it has', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    await using model = await regression();
    await using state = await TrainState.create(model, OPTIMIZER);
    await state.save(directory);
    const before = readFileSync(`${directory}/${FILE}`);
    await state.step(TINY_INPUTS, { labels: [1, 2] });
    writeFileSync(`${directory}/file`, 'x');
    await expectError(() => state.save(`${directory}/file`), 'ERR_SOURCE', 'cannot write');
    // Nothing is renamed to the name of a directory: what fails is the last thing that a save does.
    mkdirSync(`${directory}/full/${FILE}/kept`, { recursive: true });
    await expectError(() => state.save(`${directory}/full`), 'ERR_SOURCE', 'cannot write');
    assert.equal(readdirSync(`${directory}/full`), [FILE]);
    assert.equal(readFileSync(`${directory}/${FILE}`), before);
    await state.save(directory);
    assert.not.equal(readFileSync(`${directory}/${FILE}`), before);
    assert.equal(readdirSync(directory).sort(), ['file', 'full', FILE]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** A state's file, and how to write it anew with other tensors or metadata. */
async function stateFile(state: TrainState) {
  const bytes = (await state.files()).get(FILE)!;
  const { tensors, metadata } = decodeSafetensors(bytes, FILE);
  const all = [...tensors.values()].map((tensor): TensorToWrite => {
    const data = new Float32Array(tensor.shape.reduce((a, b) => a * b, 1));
    decodeFloat32(tensor, data);
    return { name: tensor.name, shape: tensor.shape, data };
  });
  const write = (
    change: (tensor: TensorToWrite) => TensorToWrite | undefined,
    other: Record<string, string> = {},
  ): Uint8Array =>
    encodeSafetensors(
      all.flatMap((tensor) => change(tensor) ?? []),
      'F32',
      { ...metadata, ...other },
    );
  return { bytes, metadata, write };
}

test('a file of a stranger', async () => {
  await using model = await regression();
  await using trained = await regression();
  const state = await TrainState.create(trained, OPTIMIZER);
  const { bytes, metadata, write } = await stateFile(state);
  const same = (tensor: TensorToWrite) => tensor;
  const only =
    (name: string, change: (tensor: TensorToWrite) => TensorToWrite | undefined) => (tensor: TensorToWrite) =>
      tensor.name === name ? change(tensor) : tensor;
  const bias = 'classifier.bias';
  const filled = (value: number) => (tensor: TensorToWrite) => ({ ...tensor, data: tensor.data.slice().fill(value) });
  const config = JSON.parse(metadata.model!);
  const optimizer = JSON.parse(metadata.optimizer!);
  const json = (key: string, value: unknown) => write(same, { [key]: JSON.stringify(value) });
  const files: [string, Uint8Array, AlbertErrorCode, string][] = [
    ['nothing in it', new Uint8Array(0), 'ERR_CHECKPOINT', 'bytes'],
    ['cut short', bytes.subarray(0, bytes.length - 4), 'ERR_CHECKPOINT', 'offsets'],
    ['another format', write(same, { format: 'pt' }), 'ERR_CHECKPOINT', 'format'],
    ['another version', write(same, { version: '2' }), 'ERR_CHECKPOINT', 'version'],
    ['steps that are none', write(same, { steps: '-1' }), 'ERR_CHECKPOINT', 'steps'],
    ['no JSON', write(same, { model: '{' }), 'ERR_CHECKPOINT', 'model'],
    ['no object', write(same, { optimizer: 'null' }), 'ERR_CHECKPOINT', 'optimizer'],
    ['a list', write(same, { optimizer: '[]' }), 'ERR_CHECKPOINT', 'optimizer'],
    [
      'no settings',
      write(same, { optimizer: '{"name":"adamw","settings":null,"learning_rate":1}' }),
      'ERR_CHECKPOINT',
      'optimizer',
    ],
    [
      'no rate',
      write(same, { optimizer: '{"name":"adamw","settings":{},"learning_rate":null}' }),
      'ERR_CHECKPOINT',
      'optimizer',
    ],
    ['a megabyte of JSON', json('model', { ...config, more: 'x'.repeat(2 ** 20) }), 'ERR_CHECKPOINT', 'model'],
    ['nested JSON', json('optimizer', [[[[[[1]]]]]]), 'ERR_CHECKPOINT', 'optimizer'],
    ['another architecture', json('model', { ...config, architecture: 'AlbertModel' }), 'ERR_CONFIG', 'architecture'],
    ['another depth', json('model', { ...config, num_hidden_layers: 7 }), 'ERR_CONFIG', 'num_hidden_layers'],
    ['other weights', write(same, { weights: '0123456789abcdef' }), 'ERR_INPUT', 'the weights'],
    ['no optimizer', json('optimizer', { ...optimizer, name: 'sgd' }), 'ERR_CHECKPOINT', 'optimizer'],
    ['a setting that is none', json('optimizer', { ...optimizer, settings: { b1: 2 } }), 'ERR_INPUT', 'b1'],
    [
      'a schedule that is none',
      json('optimizer', { ...optimizer, learning_rate: { type: 'constructor' } }),
      'ERR_INPUT',
      'schedule',
    ],
    ['no learning rate', json('optimizer', { ...optimizer, learning_rate: undefined }), 'ERR_INPUT', 'function'],
    ['a moment missing', write(only(`m.${bias}`, () => undefined)), 'ERR_PARAMETER', `m.${bias}`],
    ['an unknown name', write(only(`m.${bias}`, (t) => ({ ...t, name: 'm.other' }))), 'ERR_PARAMETER', 'm.other'],
    ['another prefix', write(only(`m.${bias}`, (t) => ({ ...t, name: `a.${bias}` }))), 'ERR_PARAMETER', `a.${bias}`],
    ['another shape', write(only(`v.${bias}`, (t) => ({ ...t, shape: [1, 1] }))), 'ERR_PARAMETER', `v.${bias}`],
    ['no moments', write(() => undefined), 'ERR_PARAMETER', 'moments'],
    ['infinity', write(only(`m.${bias}`, filled(Number.POSITIVE_INFINITY))), 'ERR_PARAMETER', `m.${bias}`],
    ['NaN', write(only(`v.${bias}`, filled(Number.NaN))), 'ERR_PARAMETER', `v.${bias}`],
    ['a second moment below 0', write(only(`v.${bias}`, filled(-1))), 'ERR_PARAMETER', `v.${bias}`],
  ];
  const before = bitsOf(model);
  for (const [what, file, code, word] of files) {
    await expectError(() => TrainState.restore(model, { [FILE]: file }), code, word);
    assertSame(bitsOf(model), before, what);
    cases++;
  }
  await expectError(
    () => TrainState.restore(model, { [FILE]: bytes }, undefined, { freeze: 'encoder' }),
    'ERR_INPUT',
    'freeze',
  );
  await state.dispose();
  const frozen = await TrainState.create(trained, OPTIMIZER, { freeze: 'encoder' });
  const [some] = (await frozen.files()).values();
  await expectError(
    () => TrainState.restore(model, { [FILE]: some! }, undefined, { freeze: 'embeddings' }),
    'ERR_INPUT',
    'freeze',
  );
  await frozen.dispose();
  await using other = await regression(1);
  await expectError(() => TrainState.restore(other, { [FILE]: bytes }), 'ERR_INPUT', 'the weights');
  await using restored = await TrainState.restore(model, { [FILE]: bytes });
  await restored.step(TINY_INPUTS, { labels: [1, 2] });
});

test('the cases', () => stateCases(cases, 34));

test.run();
