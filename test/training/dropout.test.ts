/** Dropout in training: the elements that the model's forward drops, and gradients that match the slope of the loss. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/ground/tensor.js';
import type { AlbertInputs } from '../../src/model/inputs.js';
import type { Labels } from '../../src/training/labels.js';
import { valueAndGrad } from '../../src/training/value-and-grad.js';
import { Random } from '../assembly/reference.js';
import type { HEADS } from '../support/fixtures.js';
import { TINY_INPUTS } from '../support/tiny.js';
import { assertSame, DROPS, modelWith, texts, tinyModel } from './models.js';

const test = suite('dropout in training');

type Output = Record<string, { data: Float32Array; shape: readonly number[] }>;

/** Cross-entropy in float64, the mean over the rows whose label counts. */
function entropy(logits: ArrayLike<number>, cols: number, labels: readonly number[]): number {
  const losses = labels.flatMap((label, row) => {
    if (label < 0) return [];
    const scores = Array.from({ length: cols }, (_, c) => logits[row * cols + c]!);
    const most = Math.max(...scores);
    return [most + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - most), 0)) - scores[label]!];
  });
  return losses.reduce((a, b) => a + b) / losses.length;
}

const tokens = [
  [1, 0, -100, 1, 0],
  [0, 1, 1, -100, -100],
];
const choices: AlbertInputs = { input_ids: [TINY_INPUTS.input_ids, TINY_INPUTS.input_ids] as never };

interface Case {
  readonly inputs: AlbertInputs;
  readonly labels: Labels;
  lossOf(output: Output): number;
}

const CASES: Readonly<Partial<Record<keyof typeof HEADS, Case>>> = {
  sequence_classification: {
    inputs: TINY_INPUTS,
    labels: { labels: [1, 0] },
    lossOf: ({ logits }) => entropy(logits!.data, 2, [1, 0]),
  },
  multiple_choice: {
    inputs: choices,
    labels: { labels: [1, 0] },
    lossOf: ({ logits }) => entropy(logits!.data, 2, [1, 0]),
  },
  token_classification: {
    inputs: TINY_INPUTS,
    labels: { labels: tokens },
    lossOf: ({ logits }) => entropy(logits!.data, 2, tokens.flat()),
  },
  masked_lm: {
    inputs: TINY_INPUTS,
    labels: { labels: tokens },
    lossOf: ({ logits }) => entropy(logits!.data, 97, tokens.flat()),
  },
  pretraining: {
    inputs: TINY_INPUTS,
    labels: { labels: tokens, sentence_order_label: [0, 1] },
    lossOf: ({ prediction_logits, sop_logits }) =>
      entropy(prediction_logits!.data, 97, tokens.flat()) + entropy(sop_logits!.data, 2, [0, 1]),
  },
  question_answering: {
    inputs: TINY_INPUTS,
    labels: { start_positions: [1, 2], end_positions: [3, 0] },
    lossOf: ({ start_logits, end_logits }) =>
      (entropy(start_logits!.data, 5, [1, 2]) + entropy(end_logits!.data, 5, [3, 0])) / 2,
  },
};

const RATES = ['hidden_dropout_prob', 'attention_probs_dropout_prob', 'classifier_dropout_prob'] as const;

for (const [head, { inputs, labels, lossOf }] of Object.entries(CASES) as [keyof typeof HEADS, Case][]) {
  test(`${head}: the loss is that of forward with train, whatever the rates`, async () => {
    for (const zero of [undefined, ...RATES]) {
      const config = zero === undefined ? DROPS : { ...DROPS, [zero]: 0 };
      await using model = await tinyModel(head, config);
      const { loss: without } = await valueAndGrad(model, inputs, labels);
      for (const dropout_rng of [0, 1, 2 ** 40 + 3]) {
        const { loss } = await valueAndGrad(model, inputs, labels, { dropout_rng });
        const output = (await model.forward(inputs, { train: true, dropout_rng })) as unknown as Output;
        assert.ok(Math.abs(loss - lossOf(output)) < 2e-6 * loss, `${zero} ${loss} instead of ${lossOf(output)}`);
        assert.ok(Math.abs(loss - without) > 1e-4 * loss, 'nothing was dropped');
      }
    }
  });

  test(`${head}: the gradient is the slope of the loss of forward with train`, async () => {
    await using model = await tinyModel(head, DROPS);
    const dropout_rng = 7;
    const { grads } = await valueAndGrad(model, inputs, labels, { dropout_rng });
    const { params } = model;
    const random = new Random(3);
    let steep = 0;
    for (const [name, grad] of grads) {
      const { data, shape } = params.get(name)!;
      const direction = random.uniform(data.length);
      const step = 0.002 / Math.sqrt(data.length);
      const at = async (h: number) => {
        const moved = new Tensor(
          data.map((value, i) => value + h * direction[i]!),
          shape,
        );
        const options = { train: true, dropout_rng, params: { [name]: moved } };
        return lossOf(
          (await model.forward(inputs, { ...options, params: new Map([...params, [name, moved]]) })) as never,
        );
      };
      const slope = ((await at(step)) - (await at(-step))) / (2 * step);
      const along = grad.data.reduce((sum, value, i) => sum + value * direction[i]!, 0);
      const size = Math.sqrt(grad.data.reduce((sum, value) => sum + value ** 2, 0));
      const allowed = 2e-2 * size + 1e-5 / step;
      assert.ok(Math.abs(slope - along) < allowed, `${name}: slope ${slope}, gradient ${along}, allowed ${allowed}`);
      if (Math.abs(along) > 3 * allowed) steep++;
    }
    assert.ok(steep > grads.size / 3, `only ${steep} of ${grads.size} slopes say anything`);
  });
}

test('texts of equal lengths drop alike in a list and in a batch', async () => {
  await using model = await tinyModel('token_classification', DROPS);
  const list = texts([9, 9, 9]);
  const batch = { input_ids: list.map(({ input_ids }) => (input_ids as number[][])[0]!) };
  const types = { token_type_ids: list.map(({ token_type_ids }) => (token_type_ids as number[][])[0]!) };
  const labels = { labels: list.map(() => [0, 1, 0, 1, 1, 1, 0, 0, 1]) };
  const found = await valueAndGrad(model, list, labels, { dropout_rng: 3 });
  const wanted = await valueAndGrad(model, { ...batch, ...types }, labels, { dropout_rng: 3 });
  assert.is(found.loss, wanted.loss);
  assertSame(found.grads, wanted.grads);
});

test('texts of several lengths: the gradient is the slope of the loss', async () => {
  const list = texts([4, 9, 4, 13]);
  const labels = { labels: [0, 1, 1, 0] };
  const options = { dropout_rng: 12 };
  await using model = await tinyModel('sequence_classification', DROPS);
  const { grads } = await valueAndGrad(model, list, labels, options);
  const { params } = model;
  for (const name of [
    'albert.embeddings.word_embeddings.weight',
    'albert.encoder.albert_layer_groups.0.albert_layers.1.attention.query.weight',
    'albert.encoder.albert_layer_groups.0.albert_layers.0.attention.value.weight',
    'albert.encoder.albert_layer_groups.1.albert_layers.0.ffn.weight',
  ]) {
    const { data } = params.get(name)!;
    const grad = grads.get(name)!.data;
    const size = Math.sqrt(grad.reduce((sum, value) => sum + value ** 2, 0));
    // Along the gradient itself the slope is its length.
    const step = 1e-4;
    const at = async (h: number) => {
      const moved = data.map((value, i) => value + (h * grad[i]!) / size);
      await using changed = await modelWith('sequence_classification', DROPS, new Map([[name, moved]]));
      return (await valueAndGrad(changed, list, labels, options)).loss;
    };
    const slope = ((await at(step)) - (await at(-step))) / (2 * step);
    assert.ok(Math.abs(slope - size) < 1e-2 * size, `${name}: slope ${slope}, gradient ${size}`);
  }
});

test.run();
