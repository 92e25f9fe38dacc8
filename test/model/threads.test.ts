/** Models on several threads: the same bits as on one, whatever fails, and nothing left afterwards. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../src/ground/tensor.js';
import { AlbertModel } from '../../src/model/models.js';
import type { ForwardOptions, InitOptions } from '../../src/model/options.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { HEADS } from '../support/fixtures.js';
import { resources, resourcesBeside } from '../support/resources.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const threads = suite('threads of a model');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Large enough to be divided, no size a multiple of a part's. */
const MEDIUM = {
  ...TINY,
  vocab_size: 1003,
  embedding_size: 52,
  hidden_size: 156,
  num_hidden_layers: 2,
  num_hidden_groups: 1,
  inner_group_num: 1,
  num_attention_heads: 6,
  intermediate_size: 610,
  max_position_embeddings: 80,
};

/** Every number of an output, in order. */
function numbers(output: object): Float32Array[] {
  return Object.values(output)
    .flat()
    .map((tensor) => (tensor as Tensor<Float32Array>).data);
}

/** Fails unless all numbers are the same; a difference of thousands is not printed. */
function assertSame(got: readonly Float32Array[], wanted: readonly Float32Array[], label: string): void {
  const same = got.length === wanted.length && got.every((field, i) => isDeepStrictEqual(field, wanted[i]));
  assert.ok(same, `other numbers: ${label}`);
}

/** A random call: shape, ids, mask, what is asked for. */
const CALLS = fc
  .record({ batch: fc.integer({ min: 1, max: 7 }), seq: fc.integer({ min: 1, max: 80 }), seed: fc.nat() })
  .chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      masked: fc.boolean(),
      output_attentions: fc.boolean(),
      output_hidden_states: fc.boolean(),
      train: fc.boolean(),
    }),
  );
type RandomCall = typeof CALLS extends fc.Arbitrary<infer T> ? T : never;

function inputsOf({ shape: { batch, seq, seed }, masked }: RandomCall, rank: number) {
  const shape = rank === 3 ? [1, batch, seq] : [batch, seq];
  const random = (i: number) => Math.imul(i + seed, 0x9e3779b1) >>> 8;
  const data = Int32Array.from({ length: batch * seq }, (_, i) => random(i) % MEDIUM.vocab_size);
  const mask = data.map((_, i) => (masked && random(i) % 3 === 0 ? 0 : 1));
  return { input_ids: { data, shape }, attention_mask: { data: mask, shape } };
}

let compared = 0;
const builds = BUILDS.filter(({ name }) => name !== 'debug' && name !== 'scalar');
const CASES_EACH = Math.ceil(500 / (7 * 2 * builds.length));
for (const { name: build } of builds) {
  for (const dtype of ['float32', 'int8'] as const) {
    for (const [name, Head] of Object.entries(HEADS)) {
      threads(`${name}, ${dtype}, ${build}: 1, 2 and 3 threads`, async () => {
        const options = { seed: 3, dtype };
        const config = { ...MEDIUM, hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1 };
        const wasmUrl = (suffix: string) => new URL(`../../build/${build}${suffix}.wasm`, import.meta.url);
        const [one, ...others] = await Promise.all([
          Head.from_config(config, { ...options, wasmUrl: wasmUrl('') }),
          Head.from_config(config, { ...options, wasmUrl: wasmUrl('-threads'), threads: 2 }),
          Head.from_config(config, { ...options, wasmUrl: wasmUrl('-threads'), threads: 3 }),
        ]);
        assert.equal(
          others.map((model) => model.info().threads),
          [2, 3],
        );
        for (const call of fc.sample(CALLS, { numRuns: CASES_EACH, seed: 17 })) {
          const inputs = inputsOf(call, name === 'multiple_choice' ? 3 : 2);
          const { output_attentions, output_hidden_states, train } = call;
          const asked: ForwardOptions = { output_attentions, output_hidden_states, train, dropout_rng: 5 };
          const wanted = numbers(await one.forward(inputs, asked));
          for (const model of others)
            assertSame(numbers(await model.forward(inputs, asked)), wanted, JSON.stringify(call));
          compared++;
        }
        for (const model of [one, ...others]) await model.dispose();
      });
    }
  }
}

threads('enough cases', () => stateCases(compared, 500));

threads('other parameters, and memory that grows while workers are there', async () => {
  await using one = await AlbertModel.from_config(MEDIUM, { seed: 1 });
  await using two = await AlbertModel.from_config(MEDIUM, { seed: 1, threads: 2 });
  const other = await AlbertModel.from_config(MEDIUM, { seed: 2 });
  const params = other.params;
  await other.dispose();
  for (const batch of [1, 4, 16, 64]) {
    const input_ids = { data: new Int32Array(batch * 50).map((_, i) => i % 1000), shape: [batch, 50] };
    for (const options of [{}, { params }]) {
      const wanted = (await one.forward({ input_ids }, options)).last_hidden_state.data;
      assertSame([(await two.forward({ input_ids }, options)).last_hidden_state.data], [wanted], `batch of ${batch}`);
    }
  }
});

threads('packed runs of many lengths', async () => {
  const inputs = [80, 3, 41, 1, 17, 66].map((seq) => ({
    input_ids: Array.from({ length: seq }, (_, i) => (i * seq) % 1000),
  }));
  for (const dtype of ['float32', 'int8'] as const) {
    await using one = await AlbertModel.from_config(MEDIUM, { seed: 1, dtype });
    await using three = await AlbertModel.from_config(MEDIUM, { seed: 1, dtype, threads: 3 });
    const wanted = (await one.forwardEach(inputs)).flatMap(numbers);
    assertSame((await three.forwardEach(inputs)).flatMap(numbers), wanted, dtype);
  }
});

threads('concurrent calls, some failing; two models at once', async () => {
  const input_ids = { data: new Int32Array(150).map((_, i) => i), shape: [3, 50] };
  await using one = await AlbertModel.from_config(MEDIUM, { seed: 1 });
  const wanted = (await one.forward({ input_ids })).last_hidden_state.data;
  await using two = await AlbertModel.from_config(MEDIUM, { seed: 1, threads: 2 });
  await using three = await AlbertModel.from_config(MEDIUM, { seed: 1, threads: 3 });
  const settled = await Promise.allSettled(
    Array.from({ length: 60 }, (_, i) => {
      const model = i % 2 === 0 ? two : three;
      if (i % 7 === 3) return model.forward({ input_ids: [[2000]] });
      if (i % 7 === 5) return model.forward({ input_ids }, { signal: AbortSignal.abort() });
      return model.forward({ input_ids }, i % 3 === 0 ? { signal: new AbortController().signal } : {});
    }),
  );
  settled.forEach((result, i) => {
    assert.is(result.status, [3, 5].includes(i % 7) ? 'rejected' : 'fulfilled');
    if (result.status === 'fulfilled') assertSame([result.value.last_hidden_state.data], [wanted], `call ${i}`);
  });
});

threads('where workers or shared memory cannot be had: one thread, and why', async () => {
  const { SharedArrayBuffer: shared } = globalThis;
  const cases: [InitOptions, RegExp][] = [
    [{ workerUrl: new URL('file:///no/such/worker.js') }, /cannot be started: Cannot find module/],
    [{ wasmUrl: new URL('../../build/simd.wasm', import.meta.url) }, /not for shared memory/],
    [{ wasmUrl: new URL('../../build/scalar.wasm', import.meta.url) }, /not for shared memory/],
  ];
  const wanted = await answerOf({});
  for (const [options, why] of cases) {
    const [answer, info] = await answerOf({ ...options, threads: 2 });
    assert.is(info.threads, 1);
    assert.match(info.whyNotThreaded as string, why);
    assertSame([answer], [(await answerOf(options))[0]], String(why));
  }
  for (const [name, value, why] of [
    ['SharedArrayBuffer', undefined, /no SharedArrayBuffer/],
    ['crossOriginIsolated', false, /not cross-origin isolated/],
  ] as const) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    try {
      const [answer, info] = await answerOf({ threads: 2 });
      assert.is(info.threads, 1);
      assert.match(info.whyNotThreaded as string, why);
      assertSame([answer], [wanted[0]], name);
    } finally {
      if (name === 'SharedArrayBuffer') Object.defineProperty(globalThis, name, { value: shared });
      else Reflect.deleteProperty(globalThis, name);
    }
  }
  assert.is(wanted[1].threads, 1);
  assert.is(wanted[1].whyNotThreaded, undefined);
  assert.is((await answerOf({ threads: 'auto' }))[1].whyNotThreaded, undefined);
  // Kernels for shared memory run on one thread as well.
  const [answer] = await answerOf({ wasmUrl: new URL('../../build/simd-threads.wasm', import.meta.url) });
  assert.is(answer.length, wanted[0].length);
});

async function answerOf(options: InitOptions) {
  await using model = await AlbertModel.from_config(TINY, { seed: 1, ...options });
  return [(await model.forward(TINY_INPUTS)).last_hidden_state.data, model.info()] as const;
}

threads('an invalid number of threads or URL', async () => {
  for (const count of [0, -1, 1.5, 65, '2', null, Number.NaN]) {
    await expectError(() => AlbertModel.from_config(TINY, { threads: count as number }), 'ERR_INPUT', 'threads');
  }
  await expectError(
    () => AlbertModel.from_config(TINY, { threads: 2, workerUrl: 'worker.js' }),
    'ERR_INPUT',
    'workerUrl',
  );
});

threads('a load that fails leaves no worker', async () => {
  const before = await resources();
  for (let i = 0; i < 5; i++) {
    await expectError(
      () =>
        AlbertModel.from_pretrained(
          { 'config.json': JSON.stringify(TINY), 'model.safetensors': new Uint8Array(9) },
          { threads: 2 },
        ),
      'ERR_CHECKPOINT',
    );
    await expectError(() => AlbertModel.from_config(TINY, { threads: 2, maxMemoryBytes: 70_000 }), 'ERR_MEMORY');
  }
  assert.equal(await resourcesBeside(before), []);
});

threads('50 models, made and disposed of: no worker, no listener, no timer', async () => {
  const before = await resources();
  const workerUrl = new URL('../../dist/engine/helper.js', import.meta.url);
  for (let i = 0; i < 50; i++) {
    const model = await AlbertModel.from_config(TINY, { threads: 2 + (i % 2), workerUrl });
    assert.is(model.info().threads, 2 + (i % 2));
    const running = i % 3 === 0 ? model.forward(TINY_INPUTS) : undefined;
    const rejected = running?.then(
      () => {},
      (error) => assert.is(error.code, 'ERR_DISPOSED'),
    );
    await Promise.all([model.dispose(), model.dispose(), rejected]);
    assert.throws(() => model.info(), /disposed/);
  }
  assert.equal(await resourcesBeside(before), []);
});

for (const dispose of [true, false]) {
  for (const flags of [[], ['--input-type=module']]) {
    threads(`a process ends by itself, ${dispose ? 'disposed' : 'not disposed'}, ${flags}`, () => {
      const script = `
        const { AlbertModel } = await import('${new URL('../../dist/entry/index.js', import.meta.url)}');
        const model = await AlbertModel.from_config(${JSON.stringify(TINY)}, { threads: 3 });
        await model.forward({ input_ids: [[1, 2, 3]] });
        console.log(JSON.stringify(model.info()));
        ${dispose ? 'await model.dispose();' : ''}
      `;
      const wrapped = flags.length > 0 ? script : `(async () => {${script}})()`;
      const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', wrapped], {
        cwd: ROOT,
        encoding: 'utf8',
        timeout: 30_000,
      });
      assert.is(status, 0, stderr);
      assert.equal([JSON.parse(stdout).threads, JSON.parse(stdout).whyNotThreaded], [3, undefined]);
    });
  }
}

threads.run();
