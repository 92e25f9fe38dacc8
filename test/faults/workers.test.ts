/** A worker that holds a model and fails: ERR_WORKER with the cause, in time; the next call has a worker in its place. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../src/model/config.js';
import { AlbertModel } from '../../src/model/models.js';
import { checkInitOptions } from '../../src/model/options.js';
import type { Recipe } from '../../src/model/runners/runner.js';
import { ModelPool } from '../../src/model/runners/worker/pool.js';
import { RemoteModel } from '../../src/model/runners/worker/remote.js';
import { expectError } from '../support/expect-error.js';
import { resources, resourcesBeside } from '../support/resources.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { size } from './sizes.js';

const test = suite('faulty workers of a model');

const ROUNDS = size(2, 50);
/** Milliseconds that a worker has to start in, too: seconds, on a machine that others fill. */
const PATIENCE = 20_000;
const ENTRY = new URL('../../scripts/source-worker.mjs', import.meta.url);

function workerOf(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

/** The real worker, which does `fault` beside the call that FAULT names: a worker has its own copy of the environment. */
function faulty(fault: string): URL {
  return workerOf(`
    import ${JSON.stringify(ENTRY.href)};
    import { parentPort } from 'node:worker_threads';
    const { FAULT } = process.env;
    parentPort.on('message', ({ call }) => { if (call === FAULT) { ${fault} } });
  `);
}

function recipeFor(workerUrl: URL): Recipe {
  const { worker, ...options } = checkInitOptions({ workerUrl });
  return { architecture: 'AlbertModel', origin: { config: parseConfig(TINY), seed: 1 }, options };
}

const UNSTARTABLE: readonly (readonly [string, URL, RegExp])[] = [
  ['a file that is missing', new URL('file:///no/such/worker.js'), /Cannot find module/],
  ['a URL that this engine starts no worker from', new URL('http://localhost/worker.js'), /URL|path/],
  ['one that throws at load', workerOf('throw new Error("broken")'), /broken/],
  ['one that does not parse', workerOf('%'), /SyntaxError|Unexpected/],
  ['one that exits', workerOf('process.exit(0)'), /exit code 0/],
  ['one that ends', workerOf(''), /exit code 0/],
];
for (const [what, workerUrl, why] of UNSTARTABLE) {
  test(`no model: ${what}`, async () => {
    const before = await resources();
    for (let round = 0; round < ROUNDS; round++) {
      const error = await expectError(() => AlbertModel.from_config(TINY, { worker: true, workerUrl }), 'ERR_WORKER');
      assert.match(error.message, why);
    }
    assert.equal(await resourcesBeside(before), []);
  });
}

test('no model: a worker that is silent', async () => {
  const recipe = recipeFor(workerOf('setInterval(() => {}, 1000)'));
  await expectError(() => RemoteModel.make(recipe, { patience: 300 }), 'ERR_WORKER', 'silent for 300 ms');
});

const FAULTS: readonly (readonly [string, string, RegExp])[] = [
  ['throws', 'throw new Error("broken")', /broken/],
  ['exits', 'process.exit(0)', /exit code 0/],
  ['is killed', 'process.exit(137)', /exit code 137/],
  ['sends what is no message', 'parentPort.postMessage(null)', /null|undefined/],
  ['falls silent', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)', /silent for \d+ ms/],
];
for (const [what, source, why] of FAULTS) {
  const silent = what === 'falls silent';
  test(`a worker that ${what} at a call: that call fails, the next is right`, async () => {
    const before = await resources();
    await using local = await AlbertModel.from_config(TINY, { seed: 1 });
    const wanted = (await local.forward(TINY_INPUTS)).last_hidden_state.data;
    const [recipe, options] = [recipeFor(faulty(source)), { patience: silent ? 6000 : PATIENCE }];
    for (let round = 0; round < (silent ? 1 : ROUNDS); round++) {
      for (const make of [
        () => RemoteModel.make(recipe, options),
        () => ModelPool.make(recipe, 2, 'a test', options),
      ]) {
        process.env.FAULT = 'run';
        await using model = new AlbertModel({ runner: await make() });
        process.env.FAULT = '';
        // Both are told, whichever the worker had begun.
        const calls = [model.forward(TINY_INPUTS), model.forward(TINY_INPUTS)];
        for (const outcome of await Promise.allSettled(calls)) {
          assert.is(outcome.status, 'rejected');
          const { code, message } = (outcome as PromiseRejectedResult).reason;
          assert.is(code, 'ERR_WORKER');
          assert.match(message, why, message);
        }
        const [one, two] = await Promise.all([model.forward(TINY_INPUTS), model.forward(TINY_INPUTS)]);
        assert.equal(one.last_hidden_state.data, wanted);
        assert.equal(two.last_hidden_state.data, wanted);
      }
    }
    await local.dispose();
    assert.equal(await resourcesBeside(before), []);
  });
}

test('no pool: one of its workers does not start, and the others end', async () => {
  const folder = mkdtempSync(`${tmpdir()}/albert-wasm-pool-`);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const [place, beats] = [`${folder}/${round}`, `${folder}/beats-${round}`];
      // The worker that makes the folder second has no model; the first tells that it lives.
      const recipe = recipeFor(
        workerOf(`
          import { appendFileSync, mkdirSync } from 'node:fs';
          mkdirSync(${JSON.stringify(place)});
          setInterval(() => appendFileSync(${JSON.stringify(beats)}, '.'), 5);
          await import(${JSON.stringify(ENTRY.href)});
        `),
      );
      await expectError(() => ModelPool.make(recipe, 2, 'a test', { patience: PATIENCE }), 'ERR_WORKER', 'EEXIST');
      const heard = readFileSync(beats).length;
      assert.ok(heard > 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.is(readFileSync(beats).length, heard);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a worker that is lost between calls is replaced by the next call', async () => {
  const started = new Promise<Worker>((resolve) => process.once('worker', resolve));
  await using model = new AlbertModel({ runner: await RemoteModel.make(recipeFor(ENTRY)) });
  const worker = await started;
  await worker.terminate();
  await model.forward(TINY_INPUTS);
  assert.is(model.info().workers, 1);
});

test('a worker is replaced though the signal of the load has fired since', async () => {
  const loading = new AbortController();
  const directory = new URL('../../models/albert-mini-en-sst2/', import.meta.url);
  const workerUrl = faulty('process.exit(1)');
  process.env.FAULT = 'run';
  await using model = await AlbertModel.from_pretrained(directory, { worker: true, workerUrl, signal: loading.signal });
  process.env.FAULT = '';
  loading.abort();
  await expectError(() => model.forward({ input_ids: [2, 3] }), 'ERR_WORKER', 'exit code 1');
  assert.is((await model.forward({ input_ids: [2, 3] })).last_hidden_state.shape[1], 2);
});

test('a worker that cannot be made anew: ERR_WORKER at every call, and it can be disposed of', async () => {
  process.env.FAULT = 'run';
  const recipe = recipeFor(faulty('process.exit(1)'));
  const model = new AlbertModel({ runner: await RemoteModel.make(recipe) });
  process.env.FAULT = 'make';
  for (let i = 0; i < 3; i++) await expectError(() => model.forward(TINY_INPUTS), 'ERR_WORKER', 'exit code 1');
  await model.dispose();
  process.env.FAULT = '';
});

test.run();
