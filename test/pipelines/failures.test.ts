/** Pipelines that fail: half-way through loading, on numbers that overflow, on inputs of a million choices. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  type ModelFiles,
  pipeline,
} from '../../src/entry/index.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { expectError } from '../support/expect-error.js';
import { resources, resourcesBeside } from '../support/resources.js';
import { randomFiles } from './checkpoint.js';

const test = suite('pipelines that fail');

test('a tokenizer that fails takes the model with it: its threads, its worker, its memory', async () => {
  const good = await randomFiles('sequence_classification');
  const bad: ModelFiles = { ...good, 'tokenizer.json': '{' };
  const before = await resources();
  for (const options of [{ threads: 2 }, { worker: true }, { threads: 2, worker: true }, {}]) {
    for (let i = 0; i < 2; i++) {
      await expectError(() => pipeline('text-classification', bad, options), 'ERR_TOKENIZER', 'tokenizer.json');
    }
    assert.equal(await resourcesBeside(before), [], JSON.stringify(options));
  }
  // The other half: what the model says, while the tokenizer is there.
  const { 'model.safetensors': _, ...weightless } = good;
  await expectError(() => pipeline('text-classification', weightless, { threads: 2 }), 'ERR_SOURCE');
  // Behind both: a head's labels, a pooling that a layer does not take.
  for (const worker of [false, true]) {
    await expectError(() => pipeline('zero-shot-classification', good, { worker }), 'ERR_CONFIG');
  }
  assert.equal(await resourcesBeside(before), []);
});

test('a model that was there before its tokenizer failed is disposed of', async () => {
  const good = await randomFiles('sequence_classification');
  const before = await resources();
  let tellLoaded = () => {};
  const loaded = new Promise<void>((resolve) => {
    tellLoaded = resolve;
  });
  const { prototype } = AlbertForSequenceClassification;
  // Asked for when the model has been made.
  Object.defineProperty(prototype, 'loadReport', {
    configurable: true,
    get() {
      tellLoaded();
      return { initialized: [], ignored: [] };
    },
  });
  const fetch: typeof globalThis.fetch = async (input) => {
    const name = String(input).split('/').at(-1) as string;
    if (name === 'tokenizer.json') await loaded;
    const content = name === 'tokenizer.json' ? '{' : good[name];
    return content === undefined ? new Response('', { status: 404 }) : new Response(content as string);
  };
  try {
    const options = { fetch, threads: 2 };
    let disposed = 0;
    // Helpers that wait keep no process alive, so that only this tells.
    prototype.dispose = function () {
      disposed++;
      return Object.getPrototypeOf(prototype).dispose.call(this);
    };
    await expectError(() => pipeline('text-classification', 'http://model.test/', options), 'ERR_TOKENIZER');
    assert.is(disposed, 1);
    assert.equal(await resourcesBeside(before), []);
  } finally {
    Reflect.deleteProperty(prototype, 'dispose');
    Reflect.deleteProperty(prototype, 'loadReport');
  }
});

test('a tokenizer that fails ends the model’s download', async () => {
  const good = await randomFiles('sequence_classification');
  let ended: unknown;
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const name = String(input).split('/').at(-1) as string;
    if (name !== 'model.safetensors') {
      const content = name === 'tokenizer.json' ? '{' : good[name];
      return content === undefined ? new Response('', { status: 404 }) : new Response(content as string);
    }
    // Bytes that never come.
    const body = new ReadableStream({
      start(controller) {
        init?.signal?.addEventListener('abort', () => {
          ended = init.signal?.reason;
          controller.error(ended);
        });
      },
    });
    return new Response(body, { headers: { 'content-length': '1000' } });
  };
  await expectError(() => pipeline('text-classification', 'http://model.test/', { fetch }), 'ERR_TOKENIZER');
  assert.ok(ended !== undefined, 'the download goes on');
  const controller = new AbortController();
  const loading = pipeline('text-classification', 'http://model.test/', {
    fetch(input, init) {
      controller.abort('enough');
      return fetch(input, init);
    },
    signal: controller.signal,
  });
  const error = await expectError(() => loading, 'ERR_ABORTED');
  assert.is(error.cause, 'enough');
});

test('the source is opened once: one request for each file', async () => {
  const good = await randomFiles('sequence_classification');
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input) => {
    const name = String(input).split('/').at(-1) as string;
    asked.push(name);
    const content = good[name];
    return content === undefined ? new Response('', { status: 404 }) : new Response(content as string);
  };
  await using _ = await pipeline('text-classification', 'http://model.test/', { fetch });
  assert.equal(asked.length, new Set(asked).size, asked.join());
});

/** Weights that are finite and activations that are not. */
async function overflowing(
  head: 'sequence_classification' | 'token_classification' | 'masked_lm' | 'model' | 'multiple_choice',
) {
  const files = await randomFiles(head);
  const { HEADS } = await import('../support/fixtures.js');
  await using model = await HEADS[head].from_pretrained(files);
  // The last layer norm's scale: all that follows is beyond float32.
  const tensors = [...model.params].map(([name, { shape, data }]) => ({
    name,
    shape,
    data: name.endsWith('full_layer_layer_norm.weight') ? data.map(() => 3e38) : data,
  }));
  return { ...files, 'model.safetensors': encodeSafetensors(tensors, 'F32', {}) };
}

test('activations past float32’s range are said, with a code, by every kind of task', async () => {
  const tag = await overflowing('token_classification');
  await using model = await AlbertForTokenClassification.from_pretrained(tag);
  const { logits } = await model.forward({ input_ids: [2, 5, 3] });
  assert.ok(
    [...logits.data].some((value) => !Number.isFinite(value)),
    'nothing overflows',
  );
  const words = ['expected finite numbers', 'passes the range of float32'];
  for (const [task, files, input, options] of [
    ['token-classification', tag, 'a text', {}],
    ['token-classification', tag, 'a text', { aggregation_strategy: 'average' }],
    ['text-classification', await overflowing('sequence_classification'), 'a text', {}],
    ['fill-mask', await overflowing('masked_lm'), 'a [MASK]', {}],
    ['fill-mask', await overflowing('masked_lm'), 'a [MASK] [MASK]', { joint: true }],
    ['feature-extraction', await overflowing('model'), 'a text', { pooling: 'mean' }],
    ['sentence-similarity', await overflowing('model'), { source_sentence: 'a', sentences: ['b'] }, {}],
    ['multiple-choice', await overflowing('multiple_choice'), { prompt: 'a', choices: ['b', 'c'] }, {}],
  ] as const) {
    // A worker's outputs come as the calling thread's do: one task stands for all.
    for (const worker of task === 'text-classification' ? [false, true] : [false]) {
      await using pipe = await pipeline(task, files, { worker });
      const run = pipe as unknown as (input: unknown, options: object) => Promise<unknown>;
      await expectError(() => run(input, options), 'ERR_PARAMETER', ...words);
    }
  }
});

test('a million choices are encoded as their turn comes: the thread is free, and the call can be stopped', async () => {
  await using choose = await pipeline('multiple-choice', await randomFiles('multiple_choice'));
  const choices = Array<string>(1 << 20).fill('of this and that');
  const controller = new AbortController();
  let turns = 0;
  const timer = setInterval(() => {
    if (++turns === 3) controller.abort();
  }, 1);
  const { encode } = choose.tokenizer;
  let encoded = 0;
  choose.tokenizer.encode = function (...args) {
    encoded++;
    return encode.apply(this, args);
  };
  await expectError(() => choose({ prompt: 'One', choices }, { signal: controller.signal }), 'ERR_ABORTED');
  clearInterval(timer);
  assert.ok(encoded < 10_000, `${encoded} were encoded first`);
  await expectError(
    () => choose({ prompt: 'One', choices: [...choices, 'x'] }),
    'ERR_TOO_LONG',
    'at most 1048576 texts',
  );
});

test('answers of one input’s jobs are in order, whatever shares their runs', async () => {
  await using similarity = await pipeline('sentence-similarity', await randomFiles('model'));
  const sentences = Array.from({ length: 70 }, (_, i) => `${'word '.repeat(i % 7)}${i}`);
  const inputs = [3, 70, 1, 33].map((count) => ({ source_sentence: 'a word', sentences: sentences.slice(0, count) }));
  const alone = [];
  for (const input of inputs) alone.push(await similarity(input));
  assert.equal(
    alone.map(({ length }) => length),
    [3, 70, 1, 33],
  );
  const done: number[] = [];
  assert.equal(await similarity(inputs, { onProgress: (progress) => done.push(progress.done) }), alone);
  assert.is(done.at(-1), 4);
  await expectError(() => similarity([inputs[0], { ...inputs[0], sentences: [] }] as never), 'ERR_INPUT', 'inputs[1]');
});

test.run();
