/** However a batch is cut, packed, recomputed or divided among threads: its loss and gradients. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinearMemory } from '../../src/engine/memory.js';
import type { AlbertModel } from '../../src/model/models.js';
import type { TrainingInputs } from '../../src/training/inputs.js';
import type { Labels } from '../../src/training/labels.js';
import { type GradientOptions, valueAndGrad } from '../../src/training/value-and-grad.js';
import type { HEADS } from '../support/fixtures.js';
import { TINY } from '../support/tiny.js';
import { assertClose, assertSame, DROPS, padded, texts, tinyModel } from './models.js';

const test = suite('micro-batches');

const LENGTHS = [5, 11, 24, 1, 17, 11];

/** Inputs and labels of every head, over texts of any lengths. */
const BATCHES: Readonly<Partial<Record<keyof typeof HEADS, { inputs: TrainingInputs; labels: Labels }>>> = {
  sequence_classification: { inputs: texts(LENGTHS), labels: { labels: [0, 1, 1, -100, 0, 1] } },
  token_classification: {
    inputs: texts(LENGTHS),
    labels: { labels: LENGTHS.map((length) => Array.from({ length }, (_, i) => (i % 3 === 2 ? -100 : i % 2))) },
  },
  masked_lm: {
    inputs: texts(LENGTHS),
    labels: { labels: LENGTHS.map((length) => Array.from({ length }, (_, i) => (i % 4 === 1 ? (7 * i) % 97 : -100))) },
  },
  pretraining: {
    inputs: texts(LENGTHS),
    labels: {
      labels: LENGTHS.map((length) => Array.from({ length }, (_, i) => (i % 4 === 1 ? (7 * i) % 97 : -100))),
      sentence_order_label: [0, 1, 0, 0, 1, 1],
    },
  },
  question_answering: {
    inputs: texts(LENGTHS),
    labels: { start_positions: [1, 3, 30, 0, 5, -100], end_positions: [4, 9, 20, 0, 9, 2] },
  },
  multiple_choice: {
    inputs: [
      [5, 3],
      [7, 2],
      [11, 4],
    ].map(([seq, choices]) => ({
      input_ids: [texts(Array(choices).fill(seq), seq).map(({ input_ids }) => (input_ids as number[][])[0]!)],
    })),
    labels: { labels: [2, 0, 3] },
  },
  model: { inputs: { sentence1: texts(LENGTHS), sentence2: texts([...LENGTHS].reverse(), 2) }, labels: {} },
};

const HEAD_BATCHES = Object.entries(BATCHES) as [keyof typeof HEADS, { inputs: TrainingInputs; labels: Labels }][];

/** The bytes that each call claims at once, at most. */
async function peak<T>(work: () => Promise<T>): Promise<{ result: T; bytes: number; claims: number }> {
  const { claim } = LinearMemory.prototype;
  let [bytes, claims] = [0, 0];
  LinearMemory.prototype.claim = function (region) {
    bytes = Math.max(bytes, region.end);
    claims++;
    claim.call(this, region);
  };
  try {
    return { result: await work(), bytes, claims };
  } finally {
    LinearMemory.prototype.claim = claim;
  }
}

/** Fills all memory with NaN when it is claimed. */
async function poisoned<T>(work: () => Promise<T>): Promise<T> {
  const { claim } = LinearMemory.prototype;
  LinearMemory.prototype.claim = function (region) {
    claim.call(this, region);
    new Uint8Array(this.wasm.buffer, region.start, region.end - region.start).fill(0xff);
  };
  try {
    return await work();
  } finally {
    LinearMemory.prototype.claim = claim;
  }
}

/** A limit under which the batch is cut, though everything of a micro-batch is kept or each layer is computed again. */
async function cutInto(model: AlbertModel, inputs: TrainingInputs, labels: Labels, options: GradientOptions) {
  const whole = await peak(() => valueAndGrad(model, inputs, labels, options));
  const least = await expectLimit(model, inputs, labels, options);
  assert.ok(least < whole.bytes, 'the whole batch needs no more than one example');
  const part = await peak(() => valueAndGrad(model, inputs, labels, { ...options, maxMemoryBytes: least }));
  assert.ok(part.bytes <= least, `${part.bytes} bytes were claimed, allowed were ${least}`);
  return { whole: whole.result, part: part.result };
}

/** What the error of a limit that is too small asks for. */
async function expectLimit(model: AlbertModel, inputs: TrainingInputs, labels: Labels, options: GradientOptions) {
  let limit = 1;
  for (let tries = 0; tries < 3; tries++) {
    try {
      await valueAndGrad(model, inputs, labels, { ...options, maxMemoryBytes: limit });
      return limit;
    } catch (error) {
      const [, bytes] = /at least (\d+)/.exec((error as Error).message) ?? [];
      if (bytes === undefined) throw error;
      limit = Number(bytes);
    }
  }
  throw new Error('the limit that the error names is not enough');
}

for (const [head, { inputs, labels }] of HEAD_BATCHES) {
  for (const dropout_rng of [undefined, 11]) {
    const config = dropout_rng === undefined ? TINY : DROPS;
    const drops = dropout_rng === undefined ? '' : ', dropout';
    const options = { ...(dropout_rng !== undefined && { dropout_rng }) };

    test(`${head}${drops}: recomputed layers give the same bits`, async () => {
      await using model = await tinyModel(head, config);
      const kept = await valueAndGrad(model, inputs, labels, { ...options, recompute: false });
      const recomputed = await valueAndGrad(model, inputs, labels, { ...options, recompute: true });
      assert.is(recomputed.loss, kept.loss);
      assertSame(recomputed.grads, kept.grads);
    });

    for (const recompute of [true, false]) {
      test(`${head}${drops}: as much memory as one example needs, recompute ${recompute}`, async () => {
        await using model = await tinyModel(head, config);
        const { whole, part } = await cutInto(model, inputs, labels, { ...options, recompute });
        assert.ok(Math.abs(part.loss - whole.loss) < 2e-6 * whole.loss, `${part.loss} instead of ${whole.loss}`);
        assertClose(part.grads, whole.grads);
      });
    }

    test(`${head}${drops}: what lies in memory before does not matter`, async () => {
      await using model = await tinyModel(head, config);
      const wanted = await valueAndGrad(model, inputs, labels, options);
      const found = await poisoned(() => valueAndGrad(model, inputs, labels, options));
      assert.is(found.loss, wanted.loss);
      assertSame(found.grads, wanted.grads);
    });
  }
}

// Between them they run every kernel.
for (const head of ['pretraining', 'question_answering', 'model'] as const) {
  test(`${head}: two threads give the same bits as one`, async () => {
    const { inputs, labels } = BATCHES[head]!;
    // Large enough for every operation to be divided.
    const config = { ...DROPS, hidden_size: 192, intermediate_size: 400 };
    await using one = await tinyModel(head, config);
    await using two = await tinyModel(head, config, { threads: 2 });
    const wanted = await valueAndGrad(one, inputs, labels, { dropout_rng: 4 });
    const found = await valueAndGrad(two, inputs, labels, { dropout_rng: 4 });
    assert.is(found.loss, wanted.loss);
    assertSame(found.grads, wanted.grads);
  });
}

test('a list of texts is their padded batch, and the mean of its texts one by one', async () => {
  for (const head of ['sequence_classification', 'token_classification', 'masked_lm', 'pretraining'] as const) {
    const { inputs, labels } = BATCHES[head]!;
    const list = inputs as ReturnType<typeof texts>;
    await using model = await tinyModel(head);
    const found = await valueAndGrad(model, list, labels);
    const longest = Math.max(...LENGTHS);
    const pad = (row: readonly number[]) => [...row, ...Array(longest - row.length).fill(-100)];
    const { labels: rows } = labels as { labels: number[][] };
    const paddedLabels = head === 'sequence_classification' ? labels : { ...labels, labels: rows.map(pad) };
    const batch = await valueAndGrad(model, padded(list), paddedLabels);
    assert.ok(Math.abs(found.loss - batch.loss) < 2e-6 * batch.loss, `${found.loss} instead of ${batch.loss}`);
    assertClose(found.grads, batch.grads);
  }
});

test('one by one: the mean loss and the mean gradient', async () => {
  const { inputs } = BATCHES.sequence_classification!;
  await using model = await tinyModel('sequence_classification');
  const list = inputs as ReturnType<typeof texts>;
  const labels = [0, 1, 1, 0, 0, 1];
  const all = await valueAndGrad(model, list, { labels });
  const each: Awaited<ReturnType<typeof valueAndGrad>>[] = [];
  for (const [i, text] of list.entries()) each.push(await valueAndGrad(model, text, { labels: [labels[i]!] }));
  const mean = each.reduce((sum, { loss }) => sum + loss, 0) / each.length;
  assert.ok(Math.abs(all.loss - mean) < 2e-6 * mean);
  const grads = new Map(
    [...all.grads].map(([name, tensor]) => {
      const data = tensor.data.map((_, i) => {
        return each.reduce((sum, one) => sum + one.grads.get(name)!.data[i]!, 0) / each.length;
      });
      return [name, { ...tensor, data }];
    }),
  );
  assertClose(all.grads, grads as never);
});

test('more labelled tokens than have logits at once', async () => {
  const inputs = texts(Array(8).fill(24));
  const labels = { labels: inputs.map(() => Array.from({ length: 24 }, (_, i) => 4 * i)) };
  await using model = await tinyModel('masked_lm');
  const { whole, part } = await cutInto(model, inputs, labels, { recompute: true });
  assert.ok(Math.abs(part.loss - whole.loss) < 2e-6 * whole.loss);
  assertClose(part.grads, whole.grads);
});

test('pairs: padding is not in the mean of a text', async () => {
  const [first, second] = [texts([5, 9, 3]), texts([4, 8, 9], 2)];
  const { input_ids, token_type_ids, attention_mask } = padded(first) as unknown as Record<string, number[][]>;
  const each = input_ids!.map((ids, i) => ({
    input_ids: ids,
    token_type_ids: token_type_ids![i]!,
    attention_mask: attention_mask![i]!,
  }));
  await using model = await tinyModel('model');
  for (const labels of [{}, { labels: [0.1, 0.7, -0.3] }]) {
    const wanted = await valueAndGrad(model, { sentence1: first, sentence2: second }, labels);
    const found = await valueAndGrad(model, { sentence1: each, sentence2: second }, labels);
    assert.ok(Math.abs(found.loss - wanted.loss) < 2e-6 * wanted.loss);
    assertClose(found.grads, wanted.grads);
  }
});

test('a text of one label is the same alone and among texts whose labels do not count', async () => {
  await using model = await tinyModel('masked_lm');
  const [text, other] = texts([9, 14]) as [ReturnType<typeof texts>[number], ReturnType<typeof texts>[number]];
  const of = (length: number, at: number, word: number) => Array.from({ length }, (_, i) => (i === at ? word : -100));
  const alone = await valueAndGrad(model, [text], { labels: [of(9, 3, 8)] });
  const among = await valueAndGrad(model, [text, other], { labels: [of(9, 3, 8), of(14, -1, 0)] });
  assert.is(among.loss, alone.loss);
  assertClose(among.grads, alone.grads, 1e-7);
});

test.run();
