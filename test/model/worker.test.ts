/** A model in a worker, or in several: the same bits, errors and courtesies as on the calling thread. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/model/config.js';
import { AlbertForMaskedLM, AlbertForSequenceClassification, AlbertModel } from '../../src/model/models.js';
import { checkInitOptions } from '../../src/model/options.js';
import { LocalModel } from '../../src/model/runners/local.js';
import type { Recipe, Runner } from '../../src/model/runners/runner.js';
import { ModelPool } from '../../src/model/runners/worker/pool.js';
import { pipeline } from '../../src/pipelines/index.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { HEADS } from '../support/fixtures.js';
import { resources, resourcesBeside } from '../support/resources.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const test = suite('models in workers');

const DIRECTORY = new URL('../../models/albert-mini-en-sst2/', import.meta.url);
const MEDIUM = { ...TINY, hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1, max_position_embeddings: 40 };

/** Every number of an output, in order, and the shapes. */
function numbers(output: object) {
  return Object.entries(output).map(([name, value]) => [
    name,
    [value].flat().map(({ shape, data }) => ({ shape, data })),
  ]);
}

/** Fails unless all numbers are the same; a difference of thousands is not printed. */
function assertSame(got: object, wanted: object, label: string): void {
  assert.ok(isDeepStrictEqual(numbers(got), numbers(wanted)), `other numbers: ${label}`);
}

/** Batches of several inputs, and what is asked for. */
const CALLS = fc.record({
  shapes: fc.array(fc.record({ batch: fc.integer({ min: 1, max: 5 }), seq: fc.integer({ min: 1, max: 40 }) }), {
    minLength: 1,
    maxLength: 7,
  }),
  seed: fc.nat(),
  output_attentions: fc.boolean(),
  output_hidden_states: fc.boolean(),
});

let compared = 0;
for (const [name, Head] of Object.entries(HEADS)) {
  test(`${name}: one worker and three give the calling thread's numbers`, async () => {
    const config = parseConfig(MEDIUM);
    const { worker, ...options } = checkInitOptions({});
    const recipe: Recipe = { architecture: Head.architecture, origin: { config, seed: 3 }, options };
    await using local = await Head.from_config(MEDIUM, { seed: 3 });
    await using remote = await Head.from_config(MEDIUM, { seed: 3, worker: true });
    await using pool = new Head({ runner: await ModelPool.make(recipe, 3, 'a test') });
    const rank = name === 'multiple_choice' ? 3 : 2;
    for (const { shapes, seed, ...asked } of fc.sample(CALLS, { numRuns: 40, seed: 11 })) {
      const inputs = shapes.map(({ batch, seq }, i) => {
        const shape = rank === 3 ? [batch, 2, seq] : [batch, seq];
        const size = shape.reduce((a, b) => a * b, 1);
        const random = (at: number) => Math.imul(at + seed + i, 0x9e3779b1) >>> 8;
        return { input_ids: { data: Int32Array.from({ length: size }, (_, at) => random(at) % 97), shape } };
      });
      const [one] = inputs as [(typeof inputs)[0]];
      for (const model of [remote, pool]) {
        const label = JSON.stringify(shapes);
        assertSame(await model.forward(one, asked), await local.forward(one, asked), label);
        const dropped = { train: true, dropout_rng: seed };
        assertSame(await model.forward(one, dropped), await local.forward(one, dropped), label);
        const [each, wanted] = [await model.forwardEach(inputs, asked), await local.forwardEach(inputs, asked)];
        each.forEach((fields, i) => {
          assertSame(fields, wanted[i] as object, label);
        });
        compared++;
      }
    }
  });
}
test('enough cases', () => stateCases(compared, 500));

test('head outputs at some positions, other parameters, arrays instead of names', async () => {
  await using local = await AlbertForMaskedLM.from_config(TINY, { seed: 1 });
  await using remote = await AlbertForMaskedLM.from_config(TINY, { seed: 1, worker: true });
  const inputs = [{ input_ids: [[1, 2, 3, 4]] }, { input_ids: [[5, 6]] }];
  const [got, wanted] = [await remote.forwardAt(inputs, [[1, 3], [0]]), await local.forwardAt(inputs, [[1, 3], [0]])];
  got.forEach((fields, i) => {
    assertSame(fields, wanted[i] as object, 'forwardAt');
  });
  await using other = await AlbertForMaskedLM.from_config(TINY, { seed: 2 });
  const { params } = other;
  assertSame(await remote.forward(TINY_INPUTS, { params }), await other.forward(TINY_INPUTS), 'params');
  const asRecord = Object.fromEntries(params);
  assertSame(await remote.forward(TINY_INPUTS, { params: asRecord }), await other.forward(TINY_INPUTS), 'a record');
  const array = await remote.forward(TINY_INPUTS, { return_dict: false });
  assert.ok(Array.isArray(array));
  assert.equal(array.length, 1);
  await expectError(() => remote.forward(TINY_INPUTS, { params: (() => {}) as never }), 'ERR_INPUT', 'options');
  await expectError(() => remote.forward(TINY_INPUTS, { params: {} }), 'ERR_PARAMETER', 'word_embeddings');
  assertSame(await remote.forward(TINY_INPUTS), await local.forward(TINY_INPUTS), 'after errors');
});

test('a directory, files in memory and a custom fetch: what loads, is told and stays whole', async () => {
  const progress: string[] = [];
  await using local = await AlbertForSequenceClassification.from_pretrained(DIRECTORY);
  await using remote = await AlbertForSequenceClassification.from_pretrained(DIRECTORY, {
    worker: true,
    dtype: 'int8',
    onProgress: ({ file }) => progress.push(file),
  });
  assert.equal(remote.config, local.config);
  assert.ok(Object.isFrozen(remote.config));
  assert.ok(progress.includes('config.json') && progress.includes('model.safetensors'));
  const { workers, dtype, weightBytes } = remote.info();
  assert.equal([workers, dtype], [1, 'int8']);
  assert.ok(weightBytes < local.info().weightBytes / 3);

  const bytes = new Uint8Array(readFileSync(new URL('model.safetensors', DIRECTORY)));
  const files = { 'config.json': readFileSync(new URL('config.json', DIRECTORY), 'utf8'), 'model.safetensors': bytes };
  await using fromMemory = await AlbertForSequenceClassification.from_pretrained(files, { worker: true });
  assert.ok(bytes.length > 0, 'the bytes of the caller were taken');
  const inputs = { input_ids: [2, 50, 60, 3] };
  assertSame(await fromMemory.forward(inputs), await local.forward(inputs), 'from memory');

  const asked: string[] = [];
  const fetch = async (url: URL | RequestInfo) => {
    asked.push(new URL(String(url)).pathname);
    const name = String(url).split('/').at(-1) as keyof typeof files;
    return files[name] === undefined ? new Response('', { status: 404 }) : new Response(files[name] as BodyInit);
  };
  const options = { worker: true, fetch: fetch as typeof globalThis.fetch };
  await using fetched = await AlbertForSequenceClassification.from_pretrained('http://example.test/m/', options);
  assertSame(await fetched.forward(inputs), await local.forward(inputs), 'fetched');
  assert.ok(asked.includes('/m/model.safetensors'));
});

test('what a checkpoint lacks or gets wrong is told as ever', async () => {
  await using whole = await AlbertModel.from_config(TINY, { seed: 1 });
  const directory = await mkdtemp(`${tmpdir()}/albert-wasm-worker-`);
  try {
    await using saved = await AlbertModel.from_config(TINY, { seed: 1, worker: true });
    await saved.save_pretrained(directory);
    await saved.save_pretrained(new URL(`file://${directory}/`));
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    await using model = await AlbertForSequenceClassification.from_pretrained(directory, { worker: true, onWarning });
    assert.equal(model.loadReport.initialized, ['classifier.weight', 'classifier.bias']);
    assert.match(warnings.join(), /classifier.weight/);
    for (const none of [undefined, null, 5, {}]) {
      for (const model of [saved, whole]) {
        await expectError(() => model.save_pretrained(none as never), 'ERR_INPUT', 'directory');
      }
    }
    await using body = await AlbertModel.from_pretrained(directory, { worker: true });
    assertSame(await body.forward(TINY_INPUTS), await whole.forward(TINY_INPUTS), 'saved by a worker');
    const strict = { worker: true, strict: true };
    const from = (options: object) => AlbertForSequenceClassification.from_pretrained(directory, options);
    await expectError(() => from(strict), 'ERR_PARAMETER', 'classifier.weight');
    await expectError(() => from({ worker: true, maxMemoryBytes: 70_000 }), 'ERR_MEMORY', '70000');
    await expectError(() => from({ worker: 'yes' }), 'ERR_INPUT', 'worker');
  } finally {
    await rm(directory, { recursive: true });
  }
  await expectError(() => AlbertModel.from_pretrained({}, { worker: true }), 'ERR_SOURCE', 'config.json');
  const torn = { 'config.json': JSON.stringify(TINY), 'model.safetensors': new Uint8Array(9) };
  await expectError(() => AlbertModel.from_pretrained(torn, { worker: true }), 'ERR_CHECKPOINT');
  await expectError(() => AlbertModel.from_config({ ...TINY, hidden_size: 35 }, { worker: true }), 'ERR_CONFIG');
  await using remote = await AlbertModel.from_config(TINY, { worker: true });
  await expectError(() => remote.params, 'ERR_ENVIRONMENT', 'worker: false');
  await expectError(() => remote.forward({ input_ids: [97] }), 'ERR_INPUT', 'got 97');
});

test('what the caller’s own functions throw comes out as it was thrown', async () => {
  const mine = new RangeError('enough');
  const onProgress = () => {
    throw mine;
  };
  try {
    await AlbertForSequenceClassification.from_pretrained(DIRECTORY, { worker: true, onProgress });
    assert.unreachable();
  } catch (error) {
    assert.is(error, mine);
  }
});

test('a signal: before, while loading, between layers; the reason is the caller’s', async () => {
  const reason = new Error('enough');
  const loading = new AbortController();
  const load = AlbertForSequenceClassification.from_pretrained(DIRECTORY, {
    worker: true,
    signal: loading.signal,
    onProgress: () => loading.abort(reason),
  });
  assert.is((await expectError(() => load, 'ERR_ABORTED')).cause, reason);

  const config = { ...TINY, num_hidden_layers: 1000, num_hidden_groups: 1, max_position_embeddings: 64 };
  await using model = await AlbertModel.from_config(config, { worker: true });
  await using local = await AlbertModel.from_config(config);
  const inputs = { input_ids: { data: new Int32Array(64 * 16), shape: [16, 64] } };
  await model.forward({ input_ids: [1] });
  const controller = new AbortController();
  const long = model.forward(inputs, { signal: controller.signal });
  const after = model.forward({ input_ids: [1] });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const start = performance.now();
  controller.abort(reason);
  assert.is((await expectError(() => long, 'ERR_ABORTED')).cause, reason);
  assert.ok(performance.now() - start < 20_000, `took ${performance.now() - start} ms`);
  assertSame(await after, await local.forward({ input_ids: [1] }), 'after an abort');
  await expectError(() => model.forward(inputs, { signal: controller.signal }), 'ERR_ABORTED');
  await expectError(() => model.forward(inputs, { signal: {} as AbortSignal }), 'ERR_INPUT', 'signal');
});

test('disposal: what has begun ends, the rest is told, the process may end', async () => {
  const before = await resources();
  const workers: Worker[] = [];
  const remember = (worker: Worker) => workers.push(worker);
  process.on('worker', remember);
  const model = await AlbertModel.from_config(TINY, { seed: 1, worker: true });
  process.off('worker', remember);
  assert.is(workers.length, 1);
  const wanted = await model.forward(TINY_INPUTS);
  const calls = Array.from({ length: 5 }, () => model.forward(TINY_INPUTS).catch((error) => error));
  await new Promise((resolve) => setTimeout(resolve, 5));
  const [outcomes] = await Promise.all([Promise.all(calls), model.dispose(), model.dispose()]);
  for (const outcome of outcomes) {
    if (outcome instanceof Error) assert.is((outcome as Error & { code: string }).code, 'ERR_DISPOSED');
    else assertSame(outcome, wanted, 'begun before');
  }
  await model.dispose();
  // Of a thread that has ended.
  assert.is(workers[0]?.threadId, -1);
  await expectError(() => model.info(), 'ERR_DISPOSED');
  await expectError(() => model.params, 'ERR_DISPOSED');
  await expectError(() => model.forward(TINY_INPUTS), 'ERR_DISPOSED');
  await expectError(() => model.save_pretrained(tmpdir()), 'ERR_DISPOSED');
  assert.equal(await resourcesBeside(before), []);
});

test('64 calls at once, some of them wrong', async () => {
  await using model = await AlbertModel.from_config(TINY, { seed: 1, worker: true });
  const wanted = await model.forward(TINY_INPUTS);
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 64 }, async (_, i) => {
      if (i % 5 === 0) return expectError(() => model.forward({ input_ids: [i, 97] }), 'ERR_INPUT');
      assertSame(await model.forward(TINY_INPUTS), wanted, `call ${i}`);
      return order.push(i);
    }),
  );
  assert.equal(
    order,
    [...order].sort((a, b) => a - b),
  );
});

test('threads within a worker, and a pipeline over it', async () => {
  await using remote = await pipeline('sentiment-analysis', undefined, { worker: true, threads: 2 });
  await using local = await pipeline('sentiment-analysis');
  const texts = ['What a lovely day', 'The plot makes no sense.', 'Not bad at all, though I have seen better.'];
  assert.equal(await remote(texts), await local(texts));
  const { threads, workers, whyNotThreaded } = remote.model.info();
  assert.equal([threads, workers, whyNotThreaded], [2, 1, undefined]);
});

test('without shared memory: as many workers as threads, and why', async () => {
  Object.defineProperty(globalThis, 'crossOriginIsolated', { value: false, configurable: true });
  const directory = await mkdtemp(`${tmpdir()}/albert-wasm-pool-`);
  try {
    await using shared = await pipeline('sentiment-analysis', undefined, { threads: 2 });
    await using local = await pipeline('sentiment-analysis', undefined, { threads: 2, worker: false });
    const texts = Array.from({ length: 9 }, (_, i) => `${'very '.repeat(i)}good`);
    assert.equal(await shared(texts), await local(texts));
    const info = shared.model.info();
    assert.equal([info.threads, info.workers], [1, 2]);
    assert.match(info.whyNotThreaded as string, /not cross-origin isolated/);
    assert.is(info.weightBytes, 2 * local.model.info().weightBytes);
    assert.equal([local.model.info().threads, local.model.info().workers], [1, 0]);
    assert.match(local.model.info().whyNotThreaded as string, /not cross-origin isolated/);
    await expectError(() => shared.model.params, 'ERR_ENVIRONMENT', 'worker: false');
    await shared.model.save_pretrained(directory);
    await using saved = await AlbertForSequenceClassification.from_pretrained(directory);
    assert.ok(isDeepStrictEqual(saved.params, local.model.params), 'other parameters were saved');
  } finally {
    Reflect.deleteProperty(globalThis, 'crossOriginIsolated');
    await rm(directory, { recursive: true });
  }
});

test('without shared memory and without workers: the calling thread, and why', async () => {
  Object.defineProperty(globalThis, 'crossOriginIsolated', { value: false, configurable: true });
  try {
    const options = { seed: 1, threads: 2, workerUrl: 'file:///no/such/worker.js' };
    await using model = await AlbertModel.from_config(TINY, options);
    const { workers, threads, whyNoWorker } = model.info();
    assert.equal([workers, threads], [0, 1]);
    assert.match(whyNoWorker as string, /Cannot find module/);
    await using local = await AlbertModel.from_config(TINY, { seed: 1 });
    assertSame(await model.forward(TINY_INPUTS), await local.forward(TINY_INPUTS), 'without workers');
    await expectError(() => AlbertModel.from_config({ ...TINY, num_attention_heads: 5 }, options), 'ERR_CONFIG');
    await expectError(() => AlbertModel.from_config(TINY, { ...options, worker: true }), 'ERR_WORKER');
  } finally {
    Reflect.deleteProperty(globalThis, 'crossOriginIsolated');
  }
});

test('a local runner is what it was', async () => {
  const { worker, ...options } = checkInitOptions({});
  const origin = { config: parseConfig(TINY), seed: 1 };
  const runner: Runner = await LocalModel.make({ architecture: 'AlbertModel', origin, options });
  assert.is(runner.info().workers, 0);
  await runner.dispose();
});

test.run();
