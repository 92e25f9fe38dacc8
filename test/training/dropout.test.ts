/** With a seed of dropout, the loss is that of `forward` with `train` and the same seed, and the gradient is its slope. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../src/ground/tensor.js';
import { valueAndGrad } from '../../src/training/value-and-grad.js';
import { HEADS } from '../support/fixtures.js';
import { DROPS, modelWith, padded, texts, tinyModel } from './models.js';

const test = suite('dropout in training');

const INPUTS = padded(texts([5, 11, 8], 3));
const LABELS = { labels: [1, 0, 1] };

/** The mean of -log softmax at each row's label. */
function crossEntropy(logits: readonly number[][], labels: readonly number[]): number {
  const terms = logits.map((row, i) => Math.log(row.reduce((sum, v) => sum + Math.exp(v - row[labels[i]!]!), 0)));
  return terms.reduce((sum, term) => sum + term, 0) / terms.length;
}

test('the loss is that of what forward with train answers', async () => {
  await using model = await tinyModel('sequence_classification', DROPS);
  const losses = new Set<number>();
  for (const dropout_rng of [0, 1, 2 ** 52]) {
    const { logits } = (await model.forward(INPUTS, { train: true, dropout_rng })) as unknown as { logits: Tensor };
    const rows = [0, 1, 2].map((i) => Array.from(logits.data.subarray(2 * i, 2 * i + 2) as Float32Array));
    const { loss } = await valueAndGrad(model, INPUTS, LABELS, { dropout_rng });
    const wanted = crossEntropy(rows, LABELS.labels);
    assert.ok(Math.abs(loss - wanted) < 1e-6, `${dropout_rng}: ${loss}, not ${wanted}`);
    losses.add(loss);
  }
  assert.is(losses.size, 3, 'each seed drops other elements');
});

// A loss of about 1 that moves by 0.4 % either way: float32 leaves the difference of the two four digits.
const CHANGE = 0.004;
const TOLERANCE = 0.005;

test('the gradient is the slope of the loss under the same masks', async () => {
  const { grads, params } = await gradients();
  let largest = 0;
  for (const group of ['embeddings', 'attention', 'ffn', 'pooler', 'classifier', '']) {
    const names = [...grads.keys()].filter((name) => name.includes(group));
    const square = names.reduce((sum, name) => sum + grads.get(name)!.data.reduce((s, g) => s + g * g, 0), 0);
    const norm = Math.sqrt(square);
    const h = CHANGE / norm;
    // Along the gradient itself, where the slope is its length.
    const at = async (step: number) => {
      const moved = names.map((name) => {
        const { data } = grads.get(name)!;
        return [name, params.get(name)!.map((v, i) => v + (step * data[i]!) / norm)] as const;
      });
      await using model = await modelWith('sequence_classification', DROPS, new Map(moved));
      return (await valueAndGrad(model, INPUTS, LABELS, { dropout_rng: 7 })).loss;
    };
    const slope = ((await at(h)) - (await at(-h))) / (2 * h);
    assert.ok(Math.abs(slope / norm - 1) < TOLERANCE, `${group || 'all'}: length ${norm}, slope ${slope}`);
    largest = Math.max(largest, norm);
  }
  assert.ok(largest > 0.1, `a gradient of length ${largest} shows nothing`);
});

async function gradients() {
  await using model = await tinyModel('sequence_classification', DROPS);
  const { grads } = await valueAndGrad(model, INPUTS, LABELS, { dropout_rng: 7 });
  const params = new Map([...model.params].map(([name, { data }]) => [name, data.slice()]));
  return { grads, params };
}

test('without a seed nothing is dropped', async () => {
  await using dropping = await tinyModel('sequence_classification', DROPS);
  await using plain = await HEADS.sequence_classification.from_config(
    { ...DROPS, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, classifier_dropout_prob: 0 },
    { seed: 5 },
  );
  const [{ loss }, wanted] = [await valueAndGrad(dropping, INPUTS, LABELS), await valueAndGrad(plain, INPUTS, LABELS)];
  assert.is(loss, wanted.loss);
});

test.run();
