/** Values that no program means: deep, revoked, throwing, from another world. Each call rejects with a code and the model answers on. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertModel, AlbertTokenizer, pipeline } from '../../src/entry/index.js';
import { loadKernels } from '../../src/entry/kernels.js';
import type { AlbertErrorCode } from '../../src/ground/errors.js';
import { readFile as readInPage } from '../../src/platform/web/platform.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { assertHealthy, observed } from '../support/health.js';
import { TINY } from '../support/tiny.js';
import { MODEL } from '../tokenizer/support.js';

const test = suite('odd values');

const { proxy: revoked, revoke } = Proxy.revocable([], {});
revoke();
const throwing = new Proxy([], {
  get() {
    throw new Error('boo');
  },
  has() {
    throw new Error('boo');
  },
});
const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
const self: unknown[] = [];
self.push(self);
const stubborn = {
  toString() {
    throw new Error('boo');
  },
};
/** All of them are objects; each call below gets each. */
const ODD = [revoked, throwing, deep, self, stubborn, Object.create(null)] as never[];

test('inputs, options, params and sources: an error with a code, and the model is as before', async () => {
  await using model = await observed(() => AlbertModel.from_config(TINY));
  await using classify = await pipeline('text-classification');
  const tokenizer = await AlbertTokenizer.from_pretrained(MODEL);
  const input = { input_ids: [2, 3] };
  const calls: ((odd: never) => unknown)[] = [
    (odd) => model.forward(odd),
    (odd) => model.forward({ input_ids: odd }),
    (odd) => model.forward({ input_ids: [odd] as never }),
    (odd) => model.forward({ ...input, attention_mask: odd }),
    (odd) => model.forward(input, { params: odd }),
    (odd) => model.forward(input, { dropout_rng: odd, train: true }),
    (odd) => model.forward(input, { signal: odd }),
    (odd) => model.forwardEach(odd).then((all) => assert.not(all.length === 0, 'taken for no inputs')),
    (odd) => model.forwardEach([odd]),
    (odd) => model.forwardAt([input], odd),
    (odd) => model.forwardAt([input], [odd]),
    (odd) => model.save_pretrained(odd),
    (odd) => model.save_pretrained('x', { dtype: odd }),
    (odd) => model.save_pretrained('x', { format: odd }),
    (odd) => AlbertModel.from_config(TINY, { dtype: odd }),
    (odd) => AlbertModel.from_config(TINY, { threads: odd }),
    (odd) => AlbertModel.from_config(TINY, { wasmUrl: odd }),
    (odd) => AlbertModel.from_config(TINY, { workerUrl: odd }),
    (odd) => AlbertModel.from_pretrained(odd),
    (odd) => AlbertModel.from_pretrained({ 'config.json': odd }),
    (odd) => AlbertModel.from_pretrained(MODEL, { revision: odd }),
    (odd) => AlbertModel.from_pretrained(MODEL, { signal: odd }),
    (odd) => AlbertTokenizer.from_pretrained(MODEL, { fetch: odd }),
    (odd) => pipeline(odd),
    (odd) => classify(odd === (deep as never) || odd === (self as never) ? [odd] : odd),
    (odd) => classify({ text: odd, text_pair: odd } as never),
    (odd) => classify('a', { top_k: odd }),
    (odd) => classify('a', { function_to_apply: odd }),
    (odd) => tokenizer.encode(odd),
    (odd) => tokenizer.encode('a', { text_pair: odd }),
    (odd) => tokenizer.encode('a', { max_length: odd }),
    (odd) => tokenizer.encode_batch([odd, odd]),
    (odd) => tokenizer.decode([odd]),
    (odd) => loadKernels({ wasmUrl: odd }),
  ];
  const codes = new Set<AlbertErrorCode>(['ERR_INPUT', 'ERR_SOURCE', 'ERR_PARAMETER', 'ERR_ENVIRONMENT']);
  for (const [i, call] of calls.entries()) {
    for (const [j, odd] of ODD.entries()) {
      const told = `call ${i}, value ${j}`;
      const error = await Promise.resolve()
        .then(() => call(odd))
        .then(
          () => assert.unreachable(`${told} was taken`),
          (error) => error,
        );
      assert.ok(codes.has(error.code), `${told}: ${error.stack}`);
      assert.ok(
        error.message.split('\n').every((line: string) => line.length < 1000),
        told,
      );
    }
  }
  await assertHealthy(model);
  stateCases(calls.length * ODD.length, 204);
});

test('options whose getters throw, in every call', async () => {
  const options = {
    get signal(): never {
      throw new Error('boo');
    },
  };
  await using classify = await pipeline('text-classification');
  const calls = [
    () => AlbertModel.from_pretrained(MODEL, options),
    () => AlbertTokenizer.from_pretrained(MODEL, options),
    () => pipeline('fill-mask', MODEL, options),
    () => classify('a', options),
    () => classify.model.forward({ input_ids: [2] }, options),
  ];
  for (const call of calls) await expectError(call, 'ERR_INPUT', '"options" cannot be read: boo');
});

test('params of one call are finite, as a checkpoint’s', async () => {
  await using model = await observed(async () => {
    const made = await AlbertModel.from_config(TINY);
    // Memory grows for parameters of a call, and stays as large.
    await made.forward({ input_ids: [2] }, { params: made.params });
    return made;
  });
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const [name, tensor] of model.params) {
      const data = tensor.data.slice();
      data[data.length - 1] = value;
      const params = new Map(model.params).set(name, Object.assign(Object.create(tensor), { data }));
      await expectError(() => model.forward({ input_ids: [2] }, { params }), 'ERR_PARAMETER', `"${name}"`, 'finite');
    }
  }
  await assertHealthy(model);
});

test('sources that lead to no files, and what a caller’s fetch answers', async () => {
  for (const source of [new URL('data:text/plain,x'), new URL('blob:nodedata:1'), new URL('mailto:a@b')]) {
    await expectError(() => AlbertModel.from_pretrained(source), 'ERR_SOURCE', '"source" expected');
  }
  const url = 'https://x.invalid/model/';
  const bodies = [null, undefined, 7, {}, { status: 200 }, { status: '200', headers: new Headers() }];
  const odd = { status: 200, headers: new Headers(), body: 'text' };
  for (const answer of [...bodies, odd]) {
    const fetch = (async () => answer) as never;
    await expectError(() => AlbertModel.from_pretrained(url, { fetch }), 'ERR_SOURCE', '"fetch" expected');
  }
  const texts = async () => new Response(new ReadableStream({ pull: (c) => c.enqueue('text') }));
  await expectError(() => AlbertModel.from_pretrained(url, { fetch: texts }), 'ERR_SOURCE');
  for (const reason of [null, undefined, 7, stubborn]) {
    const stop = new AbortController();
    const fetch = () => {
      stop.abort();
      return Promise.reject(reason);
    };
    await expectError(() => AlbertModel.from_pretrained(url, { fetch, signal: stop.signal }), 'ERR_ABORTED');
    await expectError(
      () => readInPage(new URL(url), { fetch: () => Promise.reject(reason), retries: 0 } as object),
      'ERR_SOURCE',
    );
  }
  await expectError(() => readInPage(new URL('data:text/plain;base64,@@@')), 'ERR_SOURCE', 'it is not in base64');
  await expectError(() => AlbertModel.from_pretrained('https://user:secret@x y/'), 'ERR_SOURCE').then(({ message }) =>
    assert.not.match(message, 'secret'),
  );
});

test('null as a source is named as one', async () => {
  await expectError(() => pipeline('fill-mask', null as never), 'ERR_SOURCE', '"source" expected', 'got null');
});

test('switches of a forward are true or false', async () => {
  const model = await AlbertModel.from_config(TINY, { seed: 1 });
  for (const name of ['output_attentions', 'output_hidden_states', 'return_dict', 'train']) {
    const call = () => model.forward({ input_ids: [[1]] }, { [name]: 'no' });
    await expectError(call, 'ERR_INPUT', `"${name}" expected true or false, got "no"`);
  }
  await model.dispose();
});

test('a password of HF_ENDPOINT is shown by no error', async () => {
  const before = process.env.HF_ENDPOINT;
  try {
    for (const endpoint of [
      'https://me:secret@x.invalid',
      'ftp://me:secret@x',
      'me:secret@x',
      'https://x/?token=secret',
    ]) {
      process.env.HF_ENDPOINT = endpoint;
      const { message } = await expectError(
        () => AlbertModel.from_pretrained('owner/name'),
        'ERR_ENVIRONMENT',
        'HF_ENDPOINT',
      );
      assert.not.match(message, 'secret');
    }
  } finally {
    if (before === undefined) delete process.env.HF_ENDPOINT;
    else process.env.HF_ENDPOINT = before;
  }
});

test('in Node a string names code on this machine alone; a URL object is the program’s own', async () => {
  const strings = [
    'data:text/javascript,0',
    'http://x.invalid/w.js',
    'https://x.invalid/w.js',
    'blob:nodedata:1',
    'node:fs',
  ];
  for (const url of strings) {
    for (const name of ['workerUrl', 'wasmUrl']) {
      const call = () => AlbertModel.from_config(TINY, { [name]: url, threads: 2 });
      await expectError(call, 'ERR_INPUT', `"${name}" expected a file: URL`);
    }
    await expectError(() => loadKernels({ wasmUrl: url }), 'ERR_INPUT', '"wasmUrl" expected a file: URL');
  }
  const wasm = new URL('../../build/simd.wasm', import.meta.url);
  for (const wasmUrl of [wasm, wasm.href]) await (await AlbertModel.from_config(TINY, { wasmUrl })).dispose();
  const worker = new URL('data:text/javascript,throw new Error("it ran")');
  await expectError(() => AlbertModel.from_config(TINY, { worker: true, workerUrl: worker }), 'ERR_WORKER', 'it ran');
  stateCases(strings.length, 5);
});

test.run();
