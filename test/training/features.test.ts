/** With the encoder frozen, its output is computed once per text, and every step has the bits that it has without. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/engine/engine.js';
import { LinearMemory, type Matrix } from '../../src/engine/memory.js';
import type { AlbertPreTrainedModel } from '../../src/model/albert.js';
import {
  AlbertForMultipleChoice,
  AlbertForPreTraining,
  AlbertForQuestionAnswering,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
} from '../../src/model/models.js';
import { Features } from '../../src/training/network/features.js';
import { adamw } from '../../src/training/optimizers.js';
import { TrainState } from '../../src/training/state.js';
import { TINY } from '../support/tiny.js';

const OPTIMIZER = adamw({ learning_rate: 1e-2 });
const ORDERS = [
  [0, 1, 2],
  [3, 4, 5],
  [5, 0, 3],
  [4, 2, 1],
];

/** Six texts, of which two each are the same tokens and differ in their types. */
const TEXTS = Array.from({ length: 6 }, (_, i) => ({
  input_ids: Array.from({ length: 5 + (i >> 1) }, (_, j) => (j < 4 ? j : ((i >> 1) * 31 + j * 7) % 97)),
  token_type_ids: Array.from({ length: 5 + (i >> 1) }, (_, j) => Number(i % 2 === 0 && j > 2)),
}));
const lengthOf = (i: number) => TEXTS[i]!.input_ids.length;
const words = (i: number) => TEXTS[i]!.input_ids.map((id, j) => (j % 2 ? id : -100));

type Class = { from_config(config: object): Promise<AlbertPreTrainedModel<object>> };
const HEADS: Record<string, { Class: Class; inputs?: (i: number) => object; labels: (of: number[]) => object }> = {
  'sequence classification': {
    Class: AlbertForSequenceClassification,
    labels: (of) => ({ labels: of.map((i) => i % 2) }),
  },
  'multiple choice': {
    Class: AlbertForMultipleChoice,
    inputs: (i) => ({ input_ids: [TEXTS[i]!.input_ids, TEXTS[i]!.input_ids.map((id) => (id + i) % 97)] }),
    labels: (of) => ({ labels: of.map((i) => i % 2) }),
  },
  'token classification': {
    Class: AlbertForTokenClassification,
    labels: (of) => ({ labels: of.map((i) => Array.from({ length: lengthOf(i) }, (_, j) => (i + j) % 2)) }),
  },
  'question answering': {
    Class: AlbertForQuestionAnswering,
    labels: (of) => ({ start_positions: of, end_positions: of.map((i) => lengthOf(i) - 1) }),
  },
  'pre-training': {
    Class: AlbertForPreTraining,
    labels: (of) => ({ labels: of.map(words), sentence_order_label: of.map((i) => i % 2) }),
  },
};

/** Four steps, twice: what they return, the weights at the end, and how often attention was computed. */
async function train(
  { Class, inputs = (i) => TEXTS[i]!, labels }: (typeof HEADS)[string],
  config: object,
  dropout_rng?: number,
) {
  const { attention } = Engine.prototype;
  let count = 0;
  Engine.prototype.attention = function (...args) {
    count += args[0].sequences.length;
    attention.apply(this, args);
  };
  try {
    await using model = await Class.from_config({ ...TINY, ...config });
    await using state = await TrainState.create(model, OPTIMIZER, { freeze: 'encoder' });
    const results: unknown[] = [];
    for (const of of [...ORDERS, ...ORDERS]) {
      const options = dropout_rng === undefined ? {} : { dropout_rng };
      results.push(await state.step(of.map(inputs) as never, labels(of) as never, options));
    }
    return { results, params: [...model.params], layers: count / 6 };
  } finally {
    Engine.prototype.attention = attention;
  }
}

async function without<T>(work: () => Promise<T>): Promise<T> {
  const { read } = Features.prototype;
  Features.prototype.read = () => false;
  try {
    return await work();
  } finally {
    Features.prototype.read = read;
  }
}

for (const [name, head] of Object.entries(HEADS)) {
  test(`${name}: once per text, bit for bit`, async () => {
    const sequences = name === 'multiple choice' ? 12 : 6;
    for (const dropout_rng of [undefined, 7]) {
      // The classifier's dropout comes after the encoder.
      const config = { classifier_dropout_prob: 0.2, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };
      const kept = await train(head, config, dropout_rng);
      const { results, params, layers } = await without(() => train(head, config, dropout_rng));
      assert.equal(kept.results, results);
      assert.equal(kept.params, params);
      assert.is(kept.layers, sequences);
      assert.is(layers, 4 * sequences);
    }
  });
}

test('dropout in the encoder makes its output anew', async () => {
  for (const config of [{ hidden_dropout_prob: 0.2 }, { hidden_dropout_prob: 0, attention_probs_dropout_prob: 0.2 }]) {
    const { layers } = await train(HEADS['token classification']!, config, 3);
    assert.is(layers, 24, JSON.stringify(config));
  }
});

test('what is kept takes at most half as much as training may use, outside of it; the others are computed again', async () => {
  const texts = Array.from({ length: 200 }, (_, i) => ({
    input_ids: Array.from({ length: 24 }, (_, j) => (i * 31 + j * 7) % 97),
    token_type_ids: Array.from({ length: 24 }, (_, j) => (i >> (j % 8)) & 1),
  }));
  const { read } = LinearMemory.prototype;
  const { write } = Features.prototype;
  const { attention } = Engine.prototype;
  let [bytes, computed] = [0, 0];
  Features.prototype.write = function (memory, ...rest) {
    const counting = Object.create(memory);
    counting.read = (matrix: Matrix) => {
      const data = read.call(memory, matrix);
      bytes += data.byteLength;
      return data;
    };
    return write.call(this, counting, ...rest);
  };
  Engine.prototype.attention = function (...args) {
    computed += args[0].sequences.length;
    attention.apply(this, args);
  };
  const maxMemoryBytes = 2 ** 20;
  try {
    await using model = await AlbertForTokenClassification.from_config(TINY);
    await using state = await TrainState.create(model, OPTIMIZER, { freeze: 'encoder', maxMemoryBytes });
    const epoch = async () => {
      computed = 0;
      for (let from = 0; from < texts.length; from += 10) {
        const batch = texts.slice(from, from + 10);
        await state.step(batch, { labels: batch.map(({ input_ids }) => input_ids.map((id) => id % 2)) });
      }
      return computed / 6;
    };
    assert.is(await epoch(), 200);
    const kept = bytes / (24 * TINY.hidden_size * 4);
    assert.ok(bytes <= maxMemoryBytes / 2 && bytes > maxMemoryBytes / 4, `${bytes}`);
    // A batch of which a text is missing is computed as a whole.
    const again = await epoch();
    assert.ok(again >= 200 - kept && again < 200 - kept + 10, `${again}, ${kept} are kept`);
    assert.ok(model.info().memoryBytes <= maxMemoryBytes);
  } finally {
    Features.prototype.write = write;
    Engine.prototype.attention = attention;
  }
});

test('the memory of what is kept is bounded', async () => {
  const memory = { read: () => new Float32Array(0) };
  const hidden = { address: 0, rows: 40, cols: 10, stride: 64 };
  const inputOf = (seed: number) => {
    const row = new Int32Array(4).fill(seed);
    return { leading: [1], batch: 1, seq: 4, ids: row, mask: row, types: row, positions: row };
  };
  const features = new Features('AlbertForTokenClassification', 5_000);
  for (let seed = 0; seed < 100; seed++) features.write(memory as never, [inputOf(seed)], hidden);
  const known = Array.from({ length: 100 }, (_, seed) => {
    return features.read({ write: () => {} } as never, [inputOf(seed)], hidden);
  });
  const count = known.filter(Boolean).length;
  // Of each text 160 bytes of numbers, its key and the entry.
  assert.ok(count >= 5_000 / 500 && count <= 5_000 / 360, `${count} kept`);
  assert.equal(known.indexOf(false), count, 'those that came first');
});

test.run();
