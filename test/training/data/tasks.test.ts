/** What each task makes of its examples: ids, types, labels at the right tokens, windows, masks. */
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AlbertConfig, parseConfig } from '../../../src/model/config.js';
import { AlbertTokenizer } from '../../../src/tokenizer/tokenizer.js';
import { loadDataset } from '../../../src/training/data/dataset.js';
import type { TaskExamples, TrainingTask } from '../../../src/training/data/examples.js';
import { maskWords } from '../../../src/training/tasks/fill-mask.js';
import { TASKS } from '../../../src/training/tasks/index.js';
import { crossEntropy, labelIdsOf, type TaskContext } from '../../../src/training/tasks/task.js';
import { prepare } from '../../../src/training/trainer/evaluation.js';
import { expectError } from '../../support/expect-error.js';
import { TINY } from '../../support/tiny.js';

const test = suite('examples as inputs and labels');

const MODEL = fileURLToPath(new URL('../../../models/albert-mini-en', import.meta.url));
const tokenizer = await AlbertTokenizer.from_pretrained(MODEL);

function contextOf(config: Partial<AlbertConfig>, max_seq_length = 64): TaskContext {
  const whole = parseConfig({ ...TINY, vocab_size: tokenizer.vocab_size, ...config });
  return { tokenizer, config: whole, labels: labelIdsOf(whole), max_seq_length };
}

/** The features of examples, and the batch that they make. */
async function featuresOf<T extends TrainingTask>(
  task: T,
  examples: readonly TaskExamples[T][],
  context: TaskContext,
  options = {},
) {
  const dataset = await loadDataset(task, examples, options);
  const { features } = await prepare(dataset, TASKS[task], context, undefined);
  return { dataset, features, batch: TASKS[task].batch(features, context, 7) };
}

test('texts and pairs: ids and types as the tokenizer has them, cut to the most tokens', async () => {
  const context = contextOf({ id2label: { 0: 'no', 1: 'yes' } }, 8);
  const { batch } = await featuresOf(
    'text-classification',
    [
      { text: 'A cat.', label: 'yes' },
      { text: 'A cat sat.', text_pair: 'A dog lay there, and there, and there.', label: 'no' },
    ],
    context,
  );
  const one = tokenizer.encode('A cat.');
  const inputs = batch.inputs as { input_ids: number[]; token_type_ids: number[] }[];
  assert.equal(inputs[0], { input_ids: one.input_ids, token_type_ids: one.token_type_ids });
  assert.is(inputs[1]?.input_ids.length, 8);
  assert.ok(inputs[1]?.token_type_ids.includes(1));
  assert.equal(batch.labels, { labels: [1, 0] });
});

test('values and several classes', async () => {
  const regression = contextOf({ num_labels: 1, id2label: { 0: 'LABEL_0' } });
  const values = await featuresOf(
    'text-classification',
    [
      { text: 'a', label: '2.5' },
      { text: 'b', label: 1 },
    ],
    regression,
  );
  assert.equal(values.batch.labels, { labels: [2.5, 1] });
  const multi = contextOf({ problem_type: 'multi_label_classification', id2label: { 0: 'x', 1: 'y', 2: 'z' } });
  const several = await featuresOf(
    'text-classification',
    [
      { text: 'a', label: ['z', 'x'] },
      { text: 'b', label: [] },
    ],
    multi,
  );
  assert.equal(several.batch.labels, {
    labels: [
      [1, 0, 1],
      [0, 0, 0],
    ],
  });
});

test('a label that the model does not have: the place and its labels', async () => {
  const context = contextOf({ id2label: { 0: 'ham', 1: 'spam' } });
  const examples = [
    { text: 'a', label: 'ham' },
    { text: 'b', label: 'eggs' },
  ];
  await expectError(
    () => featuresOf('text-classification', examples, context),
    'ERR_INPUT',
    'examples[1]',
    'ham, spam',
    'eggs',
  );
  const numbers = [
    { text: 'a', label: '1.5' },
    { text: 'b', label: 'high' },
  ];
  const regression = contextOf({ num_labels: 1, id2label: { 0: 'LABEL_0' } });
  await expectError(() => featuresOf('text-classification', numbers, regression), 'ERR_INPUT', 'examples[1]', 'high');
  const lists = [{ text: 'a', label: ['ham'] }];
  await expectError(() => featuresOf('text-classification', lists, context), 'ERR_INPUT', 'examples[0]', '"label"');
  await expectError(
    () => featuresOf('text-classification', [{ text: '\u200b', label: 'ham' }], context),
    'ERR_INPUT',
    'examples[0]',
    'token',
  );
});

test('tags: the first piece of each word, in every window once', async () => {
  const context = contextOf({ id2label: { 0: 'O', 1: 'B-LOC' } }, 6);
  const tokens = ['Unbelievableness', 'in', 'Berkeley', ',', 'California', 'today'];
  const tags = ['O', 'O', 'B-LOC', 'O', 'B-LOC', 'O'];
  const { dataset, features, batch } = await featuresOf('token-classification', [{ tokens, tags }], context);
  const whole = tokenizer.encode(tokens, { is_split_into_words: true });
  const words = whole.word_ids as (number | null)[];
  const wanted = words.map((word, i) => (word === null || word === words[i - 1] ? -100 : tags[word] === 'O' ? 0 : 1));
  assert.ok(
    words.some((word, i) => word !== null && word === words[i - 1]),
    'a word of several pieces',
  );
  assert.ok(features.length > 1, 'several windows');
  const labels = (batch.labels.labels as number[][]).flatMap((window) => window.slice(1, -1));
  assert.equal(labels, wanted.slice(1, -1));
  // Predictions come back in the words' order.
  const counts = (batch.labels.labels as number[][]).map((window) => window.filter((label) => label !== -100));
  const { predictions, label_ids, metrics } = TASKS['token-classification'].summarize(
    dataset,
    features,
    counts,
    context,
  );
  assert.equal(predictions, [tags]);
  assert.equal(label_ids, [tags]);
  assert.is(metrics.f1, 1);
  const unknown = [{ tokens: ['a'], tags: ['B-PER'] }];
  await expectError(
    () => featuresOf('token-classification', unknown, context),
    'ERR_INPUT',
    'examples[0]',
    '"tags"',
    'B-PER',
  );
});

test('an answer that a window cuts is none of that window', async () => {
  const context = 'It rained all day. Then Clara Barton came home to Oxford, and slept. The garden was wet and green.';
  const answer = 'Clara Barton came home to Oxford';
  const answers = { text: [answer], answer_start: [context.indexOf(answer)] };
  const examples = [{ question: 'Who came?', context, answers }];
  const { batch } = await featuresOf('question-answering', examples, contextOf({}, 18));
  const { start_positions: starts, end_positions: ends } = batch.labels as Record<string, number[]>;
  const found = (batch.inputs as { input_ids: number[] }[]).map(({ input_ids }, i) => {
    const tokens = input_ids.slice(starts?.[i], (ends?.[i] as number) + 1);
    return starts?.[i] === 0 ? '' : tokenizer.decode(tokens);
  });
  assert.equal([...new Set(found)].sort(), ['', answer.toLowerCase()]);
});

test('answers: the first and last token in the windows that have them, [CLS] in others', async () => {
  const context = 'It rained all day. Then Clara Barton came home to Oxford, and slept. The garden was wet and green.';
  const answer = 'Clara Barton';
  const answers = { text: [answer], answer_start: [context.indexOf(answer)] };
  const question = 'Who came?';
  const { dataset, features, batch } = await featuresOf(
    'question-answering',
    [{ question, context, answers }],
    contextOf({}, 20),
  );
  assert.ok(features.length > 2);
  const { start_positions: starts, end_positions: ends } = batch.labels as Record<string, number[]>;
  const inputs = batch.inputs as { input_ids: number[] }[];
  let found = 0;
  inputs.forEach(({ input_ids }, i) => {
    const [start, end] = [starts?.[i] as number, ends?.[i] as number];
    if (start === 0) assert.is(end, 0);
    else assert.is(tokenizer.decode(input_ids.slice(start, end + 1)), answer.toLowerCase());
    found += Number(start > 0);
  });
  assert.ok(found > 0 && found < features.length);
  // Logits that are sure of the right tokens give the right answer.
  const outcomes = features.map((feature, i) => {
    const {
      range: [from, to],
      offsets,
    } = feature as unknown as { range: [number, number]; offsets: [number, number][] };
    const sure = (position: number) =>
      Float32Array.from({ length: 1 + to - from }, (_, at) => Number((at === 0 ? 0 : from + at - 1) === position) * 20);
    return { offsets, start_logits: sure(starts?.[i] as number), end_logits: sure(ends?.[i] as number) };
  });
  const { predictions, metrics } = TASKS['question-answering'].summarize(
    dataset,
    features,
    outcomes,
    contextOf({}, 20),
  );
  assert.equal(predictions, [answer]);
  assert.is(metrics.exact_match, 1);
  const none = await featuresOf('question-answering', [{ question, context, answers: [] }], contextOf({}, 20));
  assert.equal([...new Set(none.batch.labels.start_positions)], [0]);
});

test('choices: one rectangle per example, padded', async () => {
  const example = { prompt: 'It rains, so', choices: ['we stay.', 'we go out and stay there for hours.'], label: 1 };
  const { batch } = await featuresOf('multiple-choice', [example], contextOf({}));
  const [{ input_ids, attention_mask, token_type_ids }] = batch.inputs as unknown as [Record<string, number[][]>];
  const [first, second] = example.choices.map((text_pair) => tokenizer.encode(example.prompt, { text_pair }));
  assert.equal(input_ids?.[1], second?.input_ids);
  assert.equal(token_type_ids?.[1], second?.token_type_ids);
  const length = first?.input_ids.length as number;
  assert.equal(input_ids?.[0]?.slice(0, length), first?.input_ids);
  assert.equal(
    attention_mask?.[0]?.map((_, i) => Number(i < length)),
    attention_mask?.[0],
  );
  assert.is(input_ids?.[0]?.length, input_ids?.[1]?.length);
  assert.equal(batch.labels, { labels: [1] });
});

test('pairs of sentences: labels up to 5 become cosines up to 1', async () => {
  const pairs = [
    { sentence1: 'A cat.', sentence2: 'A cat sat.', label: 5 },
    { sentence1: 'A cat.', sentence2: 'Rain.', label: 2.5 },
  ];
  const { batch } = await featuresOf('sentence-similarity', pairs, contextOf({}));
  assert.equal(batch.labels, { labels: [1, 0.5] });
  const halves = await featuresOf('sentence-similarity', pairs, contextOf({}), { max_score: 10 });
  assert.equal(halves.batch.labels, { labels: [0.5, 0.25] });
  const unlabelled = pairs.map(({ sentence1, sentence2 }) => ({ sentence1, sentence2 }));
  assert.equal((await featuresOf('sentence-similarity', unlabelled, contextOf({}))).batch.labels, {});
});

test('masks: 15 % of the tokens, of which 80 % are [MASK], 10 % another, 10 % the same; by the seed', async () => {
  const context = contextOf({}, 512);
  const positions = Array.from({ length: 500 }, (_, i) => i + 1);
  const feature = { example: 0, tokens: 502, positions, input_ids: [2, ...positions.map((i) => 1000 + i), 3] };
  let [chosen, masks, same] = [0, 0, 0];
  for (let seed = 0; seed < 40; seed++) {
    const masked = maskWords(feature, context, seed);
    masked.positions.forEach((position, i) => {
      const id = masked.input_ids[position] as number;
      assert.is(masked.originals[i], 1000 + position);
      chosen++;
      masks += Number(id === tokenizer.mask_token_id);
      same += Number(id === 1000 + position);
    });
    const others = masked.input_ids.filter((id, i) => id !== feature.input_ids[i] && !masked.positions.includes(i));
    assert.equal(others, [], 'nothing else has changed');
    assert.equal(maskWords(feature, context, seed), masked, 'the same seed');
  }
  // Of 20,000 tokens about 3,000: four standard deviations are 200 of those, 90 of the masks, 66 of the others.
  assert.ok(Math.abs(chosen - 3000) < 200, `${chosen}`);
  assert.ok(Math.abs(masks / chosen - 0.8) < 0.03, `${masks / chosen}`);
  assert.ok(Math.abs(same / chosen - 0.1) < 0.022, `${same / chosen}`);
});

test('masked words: a text of one word has one, and labels are -100 elsewhere', async () => {
  const { batch, features } = await featuresOf('fill-mask', [{ text: 'cat' }], contextOf({}));
  const { input_ids } = features[0] as unknown as { input_ids: number[] };
  assert.equal(batch.labels, { labels: [[-100, input_ids[1], -100]] });
});

test('cross-entropy does not overflow', () => {
  assert.ok(Math.abs(crossEntropy([1000, 0], 0)) < 1e-12);
  assert.ok(Math.abs(crossEntropy([-1000, 0], 0) - 1000) < 1e-9);
  assert.ok(Math.abs(crossEntropy([0, 0, 0], 1) - Math.log(3)) < 1e-12);
});

test.run();
