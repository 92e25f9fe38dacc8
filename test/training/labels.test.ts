/** Labels: their forms, the losses that transformers makes of them, and every fault, before any kernel runs. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/ground/tensor.js';
import type { AlbertInputs } from '../../src/model/inputs.js';
import type { Labels } from '../../src/training/labels.js';
import { valueAndGrad } from '../../src/training/value-and-grad.js';
import { expectError } from '../support/expect-error.js';
import type { HEADS } from '../support/fixtures.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { assertSame, texts, tinyModel } from './models.js';

const test = suite('labels');

const THREE = { ...TINY, num_labels: 3, id2label: { 0: 'a', 1: 'b', 2: 'c' } };
const ONE = { ...TINY, id2label: { 0: 'a' } };

type Output = Record<string, { data: Float32Array }>;

/** The loss, the logits that it was computed from, and the gradient of the classifier's bias: the sum of the logits' over the rows. */
async function lossAndLogits(
  head: keyof typeof HEADS,
  config: object,
  labels: Labels,
  inputs: AlbertInputs = TINY_INPUTS,
) {
  await using model = await tinyModel(head, config);
  const { loss, grads } = await valueAndGrad(model, inputs, labels);
  const output = (await model.forward(inputs)) as unknown as Output;
  return { loss, logits: [...output.logits!.data], slopes: [...grads.get('classifier.bias')!.data] };
}

const near = (found: number, wanted: number) =>
  assert.ok(Math.abs(found - wanted) <= 1e-5 * Math.abs(wanted), `${found} instead of ${wanted}`);

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const logOfSum = (scores: readonly number[]) => Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0));

test('without problem_type as transformers: one label is a number, integers are classes, rows are several labels', async () => {
  const regression = await lossAndLogits('sequence_classification', ONE, { labels: [0.5, -2] });
  const errors = [regression.logits[0]! - 0.5, regression.logits[1]! + 2];
  near(regression.loss, mean(errors.map((error) => error ** 2)));
  near(regression.slopes[0]!, mean(errors.map((error) => 2 * error)));

  const single = await lossAndLogits('sequence_classification', THREE, { labels: [2, 0] });
  const row = (i: number) => single.logits.slice(3 * i, 3 * i + 3);
  near(single.loss, mean([logOfSum(row(0)) - row(0)[2]!, logOfSum(row(1)) - row(1)[0]!]));

  const rows = [
    [0, 1, 1],
    [1, 0, 0.25],
  ];
  const multi = await lossAndLogits('sequence_classification', THREE, { labels: rows });
  const terms = rows.flat().map((t, i) => {
    const p = 1 / (1 + Math.exp(-multi.logits[i]!));
    return -(t * Math.log(p) + (1 - t) * Math.log(1 - p));
  });
  near(multi.loss, mean(terms));
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  for (const c of [0, 1, 2]) {
    const errors = rows.map((row, i) => sigmoid(multi.logits[3 * i + c]!) - row[c]!);
    near(multi.slopes[c]!, mean(errors) / 3);
  }
});

test('problem_type decides where it is given', async () => {
  const rows = [
    [0, 1, 1],
    [1, 0, 2.5],
  ];
  const found = await lossAndLogits(
    'sequence_classification',
    { ...THREE, problem_type: 'regression' },
    { labels: rows },
  );
  near(found.loss, mean(rows.flat().map((t, i) => (t - found.logits[i]!) ** 2)));
  const config = { ...THREE, problem_type: 'multi_label_classification' };
  await using model = await tinyModel('sequence_classification', config);
  await expectError(() => valueAndGrad(model, TINY_INPUTS, { labels: [1, 2] }), 'ERR_INPUT', '"labels"', 'rows');
});

test('label smoothing as transformers: a share of the probability goes to all classes', async () => {
  await using model = await tinyModel('token_classification', THREE);
  const labels = [
    [2, 0, -100, 1, 0],
    [0, -100, -100, 2, 1],
  ];
  const smoothing = 0.3;
  const { loss } = await valueAndGrad(model, TINY_INPUTS, { labels }, { label_smoothing_factor: smoothing });
  const { logits } = (await model.forward(TINY_INPUTS)) as unknown as Output;
  const terms = labels.flat().flatMap((label, i) => {
    const scores = [...logits!.data.subarray(3 * i, 3 * i + 3)];
    const losses = scores.map((score) => logOfSum(scores) - score);
    return label < 0 ? [] : [(1 - smoothing) * losses[label]! + smoothing * mean(losses)];
  });
  near(loss, mean(terms));
});

test('positions beyond the end of a text do not count', async () => {
  await using model = await tinyModel('question_answering');
  const wanted = await valueAndGrad(model, TINY_INPUTS, { start_positions: [1, -100], end_positions: [-100, 3] });
  const found = await valueAndGrad(model, TINY_INPUTS, { start_positions: [1, 5], end_positions: [400, 3] });
  assert.is(found.loss, wanted.loss);
  assertSame(found.grads, wanted.grads);
});

test('sentence similarity: cosines of means', async () => {
  await using model = await tinyModel('model');
  const [sentence1, sentence2] = [texts([4, 9, 2]), texts([6, 3, 8], 2)];
  const vector = async (input: AlbertInputs) => {
    const { last_hidden_state } = await model.forward(input);
    const { data, shape } = last_hidden_state;
    const [, seq, size] = shape as [number, number, number];
    const sum = Array.from({ length: size }, (_, i) =>
      mean(Array.from({ length: seq }, (_, t) => data[t * size + i]!)),
    );
    const length = Math.sqrt(sum.reduce((total, value) => total + value ** 2, 0));
    return sum.map((value) => value / length);
  };
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const first = await Promise.all(sentence1.map(vector));
  const second = await Promise.all(sentence2.map(vector));
  const wanted = [0.9, -0.5, 0.1];
  const scored = await valueAndGrad(model, { sentence1, sentence2 }, { labels: wanted });
  near(scored.loss, mean(wanted.map((cosine, i) => (dot(first[i]!, second[i]!) - cosine) ** 2)));
  const negatives = await valueAndGrad(model, { sentence1, sentence2 }, {});
  const rows = first.map((u) => second.map((v) => 20 * dot(u, v)));
  near(negatives.loss, mean(rows.map((scores, i) => logOfSum(scores) - scores[i]!)));
});

test('arrays, typed arrays and tensors mean the same', async () => {
  const same = async (
    head: keyof typeof HEADS,
    config: object,
    forms: readonly Labels[],
    inputs: AlbertInputs = TINY_INPUTS,
  ) => {
    await using model = await tinyModel(head, config);
    const [wanted, ...others] = await Promise.all(forms.map((labels) => valueAndGrad(model, inputs, labels)));
    for (const { loss, grads } of others) {
      assert.is(loss, wanted!.loss);
      assertSame(grads, wanted!.grads);
    }
  };
  await same('sequence_classification', THREE, [
    { labels: [2, 0] },
    { labels: [2n, 0n] },
    { labels: Int32Array.of(2, 0) },
    { labels: BigInt64Array.of(2n, 0n) },
    { labels: Uint8Array.of(2, 0) as never },
    { labels: new Tensor(Int32Array.of(2, 0), [2]) },
    { labels: { data: [2, 0], shape: [2] } },
  ]);
  const rows = [
    [1, 0, -100, 2, 0],
    [0, 1, 1, -100, -100],
  ];
  await same('token_classification', THREE, [
    { labels: rows },
    { labels: rows.map((row) => Int32Array.from(row)) },
    { labels: new Tensor(BigInt64Array.from(rows.flat(), BigInt), [2, 5]) },
  ]);
  await same('sequence_classification', ONE, [
    { labels: [0.5, 0.25] },
    { labels: Float32Array.of(0.5, 0.25) },
    { labels: Float64Array.of(0.5, 0.25) },
    { labels: [[0.5], [0.25]] },
    { labels: new Tensor(Float32Array.of(0.5, 0.25), [2, 1]) },
  ]);
  await same(
    'token_classification',
    THREE,
    [{ labels: [1, 0, 2] }, { labels: [[1, 0, 2]] }, { labels: Int32Array.of(1, 0, 2) }],
    { input_ids: [2, 7, 3] },
  );
});

/** What each call is given, and words of its message. */
const FAULTS: readonly (readonly [head: keyof typeof HEADS, labels: unknown, ...words: string[]])[] = [
  ['sequence_classification', undefined, '"labels"', 'an object with labels'],
  ['sequence_classification', {}, '"labels"', '2 numbers'],
  ['sequence_classification', { labels: [0, 1], label: [] }, 'no other keys than labels', '"label"'],
  ['sequence_classification', { labels: 'ab' }, '2 numbers'],
  ['sequence_classification', { labels: [0] }, '2 numbers, one per example', '[1]'],
  ['sequence_classification', { labels: [0, 1, 1] }, '2 numbers'],
  ['sequence_classification', { labels: [0, 3] }, 'classes from 0 to 2, or -100', '3 at [1]'],
  ['sequence_classification', { labels: [-1, 0] }, '-1 at [0]'],
  ['sequence_classification', { labels: [0, 1.5] }, 'integers', '1.5 at [1]'],
  ['sequence_classification', { labels: [0, Number.NaN] }, 'integers', 'NaN at [1]'],
  ['sequence_classification', { labels: [0, '1'] }, 'integers', 'at [1]'],
  ['sequence_classification', { labels: [0, 10n ** 40n] }, 'at [1]'],
  ['sequence_classification', { labels: [-100, -100] }, 'at least one that counts'],
  [
    'sequence_classification',
    {
      labels: [
        [1, 0, 0],
        [1, 0],
      ],
    },
    'rows of 3 numbers',
    '[1]',
  ],
  [
    'sequence_classification',
    {
      labels: [
        [1, 0, 0],
        [1, 0, 2],
      ],
    },
    'from 0 to 1',
    '2 at [1, 2]',
  ],
  [
    'sequence_classification',
    {
      labels: [
        [1, 0, 0],
        [1, 0, Number.NaN],
      ],
    },
    'NaN at [1, 2]',
  ],
  ['sequence_classification', { labels: { data: [0, 1], shape: [3] } }, '2 numbers'],
  ['sequence_classification', { labels: Array(2) }, 'integers', 'undefined at [0]'],
  ['multiple_choice', { labels: [0, 2] }, 'classes from 0 to 1', '2 at [1]'],
  ['token_classification', { labels: [[0, 1, 1, 0, 0]] }, '2 rows'],
  [
    'token_classification',
    {
      labels: [
        [0, 1, 1, 0, 0],
        [0, 1, 1],
      ],
    },
    'rows of 5 numbers',
    '[1]',
  ],
  [
    'token_classification',
    {
      labels: [
        [0, 1, 1, 0, 0],
        [0, 1, 1, 3, 0],
      ],
    },
    '3 at [1, 3]',
  ],
  ['token_classification', { labels: [0, 1] }, 'rows of 5 numbers'],
  ['token_classification', { labels: new Tensor(new Int32Array(10), [5, 2]) }, '2 rows'],
  [
    'masked_lm',
    {
      labels: [
        [0, 1, 1, 0, 97],
        [0, 1, 1, 3, 0],
      ],
    },
    'classes from 0 to 96',
    '97 at [0, 4]',
  ],
  ['masked_lm', { labels: [Array(5).fill(-100), Array(5).fill(-100)] }, 'at least one that counts'],
  ['pretraining', { labels: [Array(5).fill(1), Array(5).fill(-100)] }, '"sentence_order_label"', '2 numbers'],
  [
    'pretraining',
    { labels: [Array(5).fill(1), Array(5).fill(-100)], sentence_order_label: [0, 2] },
    '"sentence_order_label"',
    '2 at [1]',
  ],
  ['question_answering', { labels: [0, 1] }, 'no other keys than start_positions, end_positions'],
  ['question_answering', { start_positions: [0, 1] }, '"end_positions"', '2 numbers'],
  ['question_answering', { start_positions: [0, -1], end_positions: [1, 1] }, '"start_positions"', '-1 at [1]'],
  ['question_answering', { start_positions: [9, 9], end_positions: [1, 1] }, 'at least one that counts'],
];

test('faults of labels name the place, and no kernel runs', async () => {
  const two = { ...TINY, num_labels: 2 };
  for (const [head, labels, ...words] of FAULTS) {
    await using model = await tinyModel(head, head === 'question_answering' ? two : THREE);
    const inputs =
      head === 'multiple_choice' ? { input_ids: [TINY_INPUTS.input_ids, TINY_INPUTS.input_ids] as never } : TINY_INPUTS;
    const { memoryBytes } = model.info();
    await expectError(() => valueAndGrad(model, inputs, labels as Labels), 'ERR_INPUT', ...words);
    assert.is(model.info().memoryBytes, memoryBytes);
  }
  await using model = await tinyModel('model');
  const pairs = { sentence1: [{ input_ids: [2, 3] }], sentence2: [{ input_ids: [2, 4] }] };
  await expectError(() => valueAndGrad(model, pairs, { labels: [1.5] }), 'ERR_INPUT', 'from -1 to 1', '1.5 at [0]');
  await expectError(() => valueAndGrad(model, pairs, { labels: [0, 0] }), 'ERR_INPUT', '1 numbers');
  const hostile = {
    get labels(): never {
      throw new Error('no');
    },
  };
  await expectError(() => valueAndGrad(model, pairs, hostile), 'ERR_INPUT', '"labels" cannot be read');
});

test.run();
