/** The forward method: its options, its queue, its memory, its end. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/ground/tensor.js';
import {
  AlbertForMaskedLM,
  AlbertForPreTraining,
  AlbertForQuestionAnswering,
  AlbertForTokenClassification,
  AlbertModel,
} from '../../src/model/models.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const forward = suite('forward');

forward('return_dict false gives an array in FlaxAlbert’s order', async () => {
  await using model = await AlbertForPreTraining.from_config(TINY);
  const named = await model.forward(TINY_INPUTS, { output_hidden_states: true, output_attentions: true });
  assert.equal(Object.keys(named), ['prediction_logits', 'sop_logits', 'hidden_states', 'attentions']);
  const array = await model.forward(TINY_INPUTS, {
    output_hidden_states: true,
    output_attentions: true,
    return_dict: false,
  });
  assert.equal(array, Object.values(named));
  const short = await model.forward(TINY_INPUTS, { return_dict: false });
  assert.is(short.length, 2);
});

forward('hidden states count groups, attentions count inner layers', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const output = await model.forward(TINY_INPUTS, { output_hidden_states: true, output_attentions: true });
  assert.is(output.hidden_states?.length, 1 + 3);
  assert.is(output.attentions?.length, 3 * 2);
  assert.equal([...(output.attentions?.[0]?.shape ?? [])], [2, 3, 5, 5]);
  assert.equal(output.hidden_states?.at(-1)?.data, output.last_hidden_state.data);
  for (const { data } of output.attentions ?? []) {
    for (let row = 0; row < data.length; row += 5) {
      const sum = data.subarray(row, row + 5).reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(sum - 1) < 1e-6, `a row of attention sums to ${sum}`);
    }
  }
});

forward('collecting attentions does not change the answer', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const plain = await model.forward(TINY_INPUTS);
  const collected = await model.forward(TINY_INPUTS, { output_hidden_states: true, output_attentions: true });
  assert.equal(plain.last_hidden_state.data, collected.last_hidden_state.data);
});

forward('a fully masked row is finite and attends uniformly', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const { last_hidden_state, attentions } = await model.forward(
    { input_ids: [[2, 5, 3]], attention_mask: [[0, 0, 0]] },
    { output_attentions: true },
  );
  assert.ok(last_hidden_state.data.every(Number.isFinite));
  for (const { data } of attentions ?? []) assert.ok(data.every((weight) => Math.abs(weight - 1 / 3) < 1e-7));
});

forward('a padded sequence answers as an unpadded one', async () => {
  await using model = await AlbertForTokenClassification.from_config(TINY);
  const padded = await model.forward(TINY_INPUTS);
  const alone = await model.forward({ input_ids: [[2, 33, 3]] });
  const labels = alone.logits.data.length;
  const row = padded.logits.data.subarray(5 * 2, 5 * 2 + labels);
  assert.ok(row.every((value, i) => Math.abs(value - (alone.logits.data[i] as number)) < 2e-6));
});

forward('a sequence in a batch answers bit for bit as alone', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const both = await model.forward({
    input_ids: [
      [2, 5, 3],
      [2, 9, 3],
    ],
  });
  const second = await model.forward({ input_ids: [[2, 9, 3]] });
  assert.equal(both.last_hidden_state.data.slice(3 * 36), second.last_hidden_state.data);
});

forward('calls queue: one that fails affects no other', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const golden = (await model.forward(TINY_INPUTS)).pooler_output.data;
  const calls = Array.from({ length: 32 }, (_, i) =>
    i % 3 === 1
      ? model.forward({ input_ids: [[99]] })
      : model.forward(TINY_INPUTS, { signal: i % 5 === 4 ? AbortSignal.abort() : undefined }),
  );
  const settled = await Promise.allSettled(calls);
  settled.forEach((result, i) => {
    assert.is(result.status, i % 3 === 1 || i % 5 === 4 ? 'rejected' : 'fulfilled', `call ${i}`);
    if (result.status === 'fulfilled') assert.equal(result.value.pooler_output.data, golden);
  });
});

forward('outputs are the caller’s own', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const first = await model.forward(TINY_INPUTS);
  const copy = first.last_hidden_state.data.slice();
  await model.forward({ input_ids: [[7, 8, 9]] });
  assert.equal(first.last_hidden_state.data, copy);
});

forward('a signal stops between layers, and the next call works', async () => {
  await using model = await AlbertModel.from_config({ ...TINY, num_hidden_layers: 200 });
  const golden = (await model.forward(TINY_INPUTS)).pooler_output.data;
  let reads = 0;
  // Aborts at its tenth look, in one of the first of 400 inner layers.
  const signal = {
    get aborted() {
      return ++reads > 10;
    },
    reason: new Error('enough'),
  } as AbortSignal;
  const error = await expectError(() => model.forward(TINY_INPUTS, { signal }), 'ERR_ABORTED');
  assert.is((error.cause as Error).message, 'enough');
  assert.ok(reads <= 12, `${reads} looks at the signal`);
  const controller = new AbortController();
  const pending = model.forward(TINY_INPUTS, { signal: controller.signal });
  setImmediate(() => setImmediate(() => controller.abort()));
  await expectError(() => pending, 'ERR_ABORTED');
  const again = await model.forward(TINY_INPUTS, { signal: new AbortController().signal });
  assert.equal(again.pooler_output.data, golden);
});

forward('other parameters serve one call', async () => {
  await using a = await AlbertForMaskedLM.from_config(TINY, { seed: 1 });
  await using b = await AlbertForMaskedLM.from_config(TINY, { seed: 2 });
  const mine = (await a.forward(TINY_INPUTS)).logits.data;
  const others = (await b.forward(TINY_INPUTS)).logits.data;
  assert.not.equal(mine, others);
  assert.equal((await a.forward(TINY_INPUTS, { params: b.params })).logits.data, others);
  assert.equal((await a.forward(TINY_INPUTS)).logits.data, mine);
});

forward('other parameters may come as an object', async () => {
  await using a = await AlbertModel.from_config(TINY, { seed: 1 });
  await using b = await AlbertModel.from_config(TINY, { seed: 2 });
  const { pooler_output } = await a.forward(TINY_INPUTS, { params: Object.fromEntries(b.params) });
  assert.equal(pooler_output.data, (await b.forward(TINY_INPUTS)).pooler_output.data);
  const short = { ...Object.fromEntries(a.params), 'pooler.bias': { shape: [36], data: new Float32Array(3) } };
  await expectError(() => a.forward(TINY_INPUTS, { params: short as never }), 'ERR_PARAMETER', 'pooler.bias');
  const integers = new Map<string, Tensor>(a.params).set('pooler.bias', new Tensor(new Int32Array(36), [36]));
  await expectError(() => a.forward(TINY_INPUTS, { params: integers }), 'ERR_PARAMETER', 'got "int32 [36]"');
  for (const params of ['', 0, null]) {
    await expectError(() => a.forward(TINY_INPUTS, { params: params as never }), 'ERR_INPUT', 'params');
  }
});

forward('unknown options are refused', async () => {
  await using model = await AlbertModel.from_config(TINY);
  await expectError(() => model.forward(TINY_INPUTS, null as never), 'ERR_INPUT', 'options');
  await expectError(() => model.forward(TINY_INPUTS, { signal: 5 as never }), 'ERR_INPUT', 'signal');
  await expectError(() => AlbertModel.from_config(TINY, null as never), 'ERR_INPUT', 'options');
  for (const maxMemoryBytes of [Number.NaN, 0, -1, '1' as never]) {
    await expectError(() => AlbertModel.from_config(TINY, { maxMemoryBytes }), 'ERR_INPUT', 'maxMemoryBytes');
  }
  await expectError(() => AlbertModel.from_config(TINY, { wasmUrl: './x.wasm' }), 'ERR_INPUT', 'wasmUrl');
});

forward('outputs fall under the memory limit, before any kernel', async () => {
  await using model = await AlbertForMaskedLM.from_config(
    { ...TINY, vocab_size: 100_000 },
    { maxMemoryBytes: 2 ** 28 },
  );
  const batch = Array.from({ length: 100 }, () => Array.from({ length: 24 }, () => 5));
  await expectError(() => model.forward({ input_ids: batch }), 'ERR_MEMORY', String(100 * 24 * 100_000 * 4));
  assert.is((await model.forward({ input_ids: [[5]] })).logits.data.length, 100_000);
});

forward('the event loop has its turn between queued forwards', async () => {
  await using model = await AlbertModel.from_config({ ...TINY, num_hidden_layers: 50 });
  let turns = 0;
  let ticking = setImmediate(function tick() {
    turns++;
    ticking = setImmediate(tick);
  });
  await Promise.all(Array.from({ length: 50 }, () => model.forward(TINY_INPUTS)));
  clearImmediate(ticking);
  assert.ok(turns >= 49, `${turns} turns`);
});

forward('other parameters are checked, all faults at once', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const golden = (await model.forward(TINY_INPUTS)).pooler_output.data;
  const params = new Map(model.params);
  params.delete('pooler.bias');
  params.set('embeddings.LayerNorm.weight', new Tensor(new Float32Array(12), [12]));
  await expectError(
    () => model.forward(TINY_INPUTS, { params }),
    'ERR_PARAMETER',
    'pooler.bias',
    'embeddings.LayerNorm.weight',
    '[13]',
  );
  assert.equal((await model.forward(TINY_INPUTS)).pooler_output.data, golden);
});

forward('too little memory is an error before any kernel, and the model works on', async () => {
  await using model = await AlbertForMaskedLM.from_config(TINY, { maxMemoryBytes: 3 * 65_536 });
  const golden = (await model.forward({ input_ids: [[2, 5, 3]] })).logits.data;
  const batch = Array.from({ length: 64 }, () => Array.from({ length: 24 }, () => 5));
  await expectError(() => model.forward({ input_ids: batch }), 'ERR_MEMORY', '196608', 'maxMemoryBytes');
  assert.equal((await model.forward({ input_ids: [[2, 5, 3]] })).logits.data, golden);
  await expectError(() => AlbertForMaskedLM.from_config(TINY, { maxMemoryBytes: 65_536 }), 'ERR_MEMORY');
});

forward('the limit of the memory, to the page: all that a forward needs, and one byte less', async () => {
  const inputs = { input_ids: Array.from({ length: 64 }, () => Array.from({ length: 24 }, () => 5)) };
  await using free = await AlbertModel.from_config(TINY, { seed: 1 });
  const wanted = (await free.forward(inputs)).last_hidden_state.data;
  const needed = free.info().memoryBytes;
  for (const maxMemoryBytes of [needed, needed + 1]) {
    await using model = await AlbertModel.from_config(TINY, { seed: 1, maxMemoryBytes });
    assert.equal((await model.forward(inputs)).last_hidden_state.data, wanted);
    assert.is(model.info().memoryBytes, needed);
  }
  await using less = await AlbertModel.from_config(TINY, { seed: 1, maxMemoryBytes: needed - 65_536 });
  await expectError(() => less.forward(inputs), 'ERR_MEMORY', String(needed - 65_536));
});

forward('1 GiB unless raised: what needs more is told before it is claimed', async () => {
  await using model = await AlbertModel.from_config(TINY, { seed: 1 });
  const before = model.info().memoryBytes;
  const input_ids = { data: new Int32Array(300_000 * 24), shape: [300_000, 24] };
  await expectError(() => model.forward({ input_ids }), 'ERR_MEMORY', String(2 ** 30));
  assert.is(model.info().memoryBytes, before);
});

forward('memory grows at most once in a forward, and not again for the same size', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const grow = WebAssembly.Memory.prototype.grow;
  let grown = 0;
  WebAssembly.Memory.prototype.grow = function (pages) {
    grown++;
    return grow.call(this, pages);
  };
  try {
    const batch = Array.from({ length: 40 }, () => Array.from({ length: 24 }, () => 5));
    await model.forward({ input_ids: batch }, { output_attentions: true, output_hidden_states: true });
    assert.is(grown, 1);
    await model.forward({ input_ids: batch }, { output_attentions: true, output_hidden_states: true });
    assert.is(grown, 1);
    await model.forward({ input_ids: [...batch, ...batch] }, { params: model.params });
    assert.is(grown, 2);
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
});

forward('shared layers share one packed copy', async () => {
  await using few = await AlbertModel.from_config({ ...TINY, num_hidden_layers: 2 });
  await using many = await AlbertModel.from_config({ ...TINY, num_hidden_layers: 24 });
  assert.is(few.info().weightBytes, many.info().weightBytes);
  assert.is(few.params.size, many.params.size);
});

forward('question answering needs two labels', async () => {
  await expectError(
    () => AlbertForQuestionAnswering.from_config({ ...TINY, num_labels: 3 }),
    'ERR_CONFIG',
    'num_labels',
  );
});

forward('dispose is idempotent, lets the running call end and refuses what follows', async () => {
  const model = await AlbertModel.from_config({ ...TINY, num_hidden_layers: 20 });
  const running = model.forward(TINY_INPUTS, { signal: new AbortController().signal });
  // A call begins a turn of the event loop after it is made; between layers the loop has its turn too.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  // Listened to at once: it may be refused before the running call has been looked at.
  const queued = expectError(() => model.forward(TINY_INPUTS), 'ERR_DISPOSED');
  const ends = [model.dispose(), model.dispose()];
  assert.ok((await running).pooler_output.data.every(Number.isFinite));
  await queued;
  await Promise.all(ends);
  await expectError(() => model.forward(TINY_INPUTS), 'ERR_DISPOSED');
  await expectError(() => model.params, 'ERR_DISPOSED');
  await expectError(() => model.info(), 'ERR_DISPOSED');
  await model.dispose();
});

forward.run();
