/** Zero-shot classification: against forwards of the model itself, and what transformers refuses. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline, type SequenceClassificationOutput } from '../../src/entry/index.js';
import { expectError } from '../support/expect-error.js';
import { randomFiles } from './checkpoint.js';

const test = suite('zero-shot classification');

const NLI = { 0: 'Contradiction', 1: 'neutral', 2: 'ENTAILMENT' };
const nli = (id2label: object = NLI, config: object = {}) =>
  randomFiles('sequence_classification', { id2label, max_position_embeddings: 32, ...config });
const TEXT = 'The team won the match.';
const LABELS = ['sports', 'politics', 'food', 'sports and games'];

const classify = await pipeline('zero-shot-classification', await nli());
test.after(() => classify.dispose());

/** The logits of a text and a label's sentence. */
async function logitsOf(text: string, text_pair: string): Promise<number[]> {
  const { input_ids, token_type_ids } = classify.tokenizer.encode(text, { text_pair });
  const output = (await classify.model.forward({ input_ids, token_type_ids })) as SequenceClassificationOutput;
  return [...output.logits.data];
}

const softmax = (logits: readonly number[]) => {
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
  return logits.map((logit) => Math.exp(logit) / sum);
};

function check(
  got: { sequence: string; labels: readonly string[]; scores: readonly number[] },
  wanted: Map<string, number>,
) {
  assert.equal(Object.keys(got), ['sequence', 'labels', 'scores']);
  assert.is(got.sequence, TEXT);
  const order = [...wanted].sort((a, b) => b[1] - a[1]);
  assert.equal(
    got.labels,
    order.map(([label]) => label),
  );
  got.scores.forEach((score, i) => {
    assert.ok(Math.abs(score - (order[i]?.[1] ?? 9)) < 1e-7, `${got.labels[i]}: ${score}`);
  });
}

test('one label fits: the softmax of the entailments over the labels', async () => {
  const logits = await Promise.all(LABELS.map((label) => logitsOf(TEXT, `This example is ${label}.`)));
  const scores = softmax(logits.map((each) => each[2] as number));
  const wanted = new Map(LABELS.map((label, i) => [label, scores[i] as number]));
  check(await classify(TEXT, { candidate_labels: LABELS }), wanted);
  check(await classify(TEXT, { candidate_labels: ` ${LABELS.join(' ,, ')},` }), wanted);
  const two = await classify([TEXT, 'Prices rose.'], { candidate_labels: LABELS });
  check(two[0] as never, wanted);
  assert.is(two[1]?.sequence, 'Prices rose.');
  for (const batch_size of [1, 3]) {
    assert.equal(await classify([TEXT, 'Prices rose.'], { candidate_labels: LABELS, batch_size }), two);
  }
});

test('several may fit: entailment against contradiction, of each label alone', async () => {
  const options = { hypothesis_template: 'It is about {}, only {}.', multi_label: true };
  const logits = await Promise.all(LABELS.map((label) => logitsOf(TEXT, `It is about ${label}, only ${label}.`)));
  const wanted = new Map(
    LABELS.map((label, i) => [label, softmax([logits[i]?.[0] ?? 0, logits[i]?.[2] ?? 0])[1] as number]),
  );
  check(await classify(TEXT, { ...options, candidate_labels: LABELS }), wanted);
  // One label alone is scored so in any case.
  const sports = new Map([['sports', wanted.get('sports') as number]]);
  check(await classify(TEXT, { ...options, multi_label: false, candidate_labels: 'sports' }), sports);
  // What a label holds is a text, not a pattern.
  const odd = await classify(TEXT, { candidate_labels: ["$&$'"], multi_label: true });
  const [contradiction = 0, , entailment = 0] = await logitsOf(TEXT, "This example is $&$'.");
  assert.ok(Math.abs((odd.scores[0] as number) - (softmax([contradiction, entailment])[1] as number)) < 1e-7);
});

test('the labels are found by their names', async () => {
  for (const [id2label, entailment, contradiction] of [
    [{ 0: 'entailment', 1: 'neutral', 2: 'contradiction' }, 0, 2],
    [{ 0: 'neutral', 1: 'entails', 2: 'contradicts' }, 1, 2],
    [{ 0: 'entailment', 1: 'not_entailment' }, 0, 1],
    [{ 0: 'not_entailment', 1: 'entailment' }, 1, 0],
    [{ 0: 'x', 1: 'y', 2: 'Entail' }, 2, 0],
  ] as const) {
    await using other = await pipeline('zero-shot-classification', await nli(id2label));
    const { scores } = await other(TEXT, { candidate_labels: 'sports', multi_label: true });
    const { input_ids, token_type_ids } = other.tokenizer.encode(TEXT, { text_pair: 'This example is sports.' });
    const output = (await other.model.forward({ input_ids, token_type_ids })) as SequenceClassificationOutput;
    const [, wanted] = softmax([output.logits.data[contradiction] as number, output.logits.data[entailment] as number]);
    assert.ok(Math.abs((scores[0] as number) - (wanted as number)) < 1e-7, JSON.stringify(id2label));
  }
  const unnamed = nli({ 0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2' });
  await expectError(
    async () => pipeline('zero-shot-classification', await unnamed),
    'ERR_CONFIG',
    'one of them "entailment"',
    'label_0, label_1',
  );
  await expectError(
    async () => pipeline('zero-shot-classification', await nli({ 0: 'entailment' })),
    'ERR_CONFIG',
    'two labels',
  );
  await expectError(() => pipeline('zero-shot-classification'), 'ERR_INPUT', '"source" expected a checkpoint');
});

test('a long text is cut and not the label, or read in windows', async () => {
  const long = 'word '.repeat(60);
  const warnings: string[] = [];
  await using run = await pipeline('zero-shot-classification', await nli(), {
    onWarning: (message) => warnings.push(message),
  });
  await run([long, long], { candidate_labels: 'sports, food' });
  assert.is(warnings.length, 1);
  await expectError(() => run(long, { candidate_labels: 'a', truncation: false }), 'ERR_TOO_LONG');
  const { scores } = await run(long, { candidate_labels: 'sports', stride: 2 });
  const encoding = run.tokenizer.encode(long, {
    text_pair: 'This example is sports.',
    truncation: 'only_first',
    max_length: 32,
    stride: 2,
  });
  const windows = [encoding, ...encoding.overflowing];
  assert.ok(windows.length > 2);
  const logits = await Promise.all(
    windows.map(async ({ input_ids, token_type_ids }) => {
      const output = (await run.model.forward({ input_ids, token_type_ids })) as SequenceClassificationOutput;
      return [...output.logits.data];
    }),
  );
  const mean = (id: number) => logits.reduce((sum, each) => sum + (each[id] as number), 0) / logits.length;
  assert.ok(Math.abs((scores[0] as number) - (softmax([mean(0), mean(2)])[1] as number)) < 1e-6);
});

test('the text is cut even where the label is longer', async () => {
  const [text, label] = ['word '.repeat(14), 'word '.repeat(18).trim()];
  const { input_ids, token_type_ids } = classify.tokenizer.encode(text, {
    text_pair: `This example is ${label}.`,
    truncation: 'only_first',
    max_length: 32,
  });
  assert.is(input_ids.length, 32);
  const output = (await classify.model.forward({ input_ids, token_type_ids })) as SequenceClassificationOutput;
  const [, wanted] = softmax([output.logits.data[0] as number, output.logits.data[2] as number]);
  const { scores } = await classify(text, { candidate_labels: [label] });
  assert.ok(Math.abs((scores[0] as number) - (wanted as number)) < 1e-7);
});

test('bad calls are refused', async () => {
  for (const [options, ...words] of [
    [{}, '"candidate_labels" expected an array of texts'],
    [{ candidate_labels: [] }, '"candidate_labels"'],
    [{ candidate_labels: ' , ' }, '"candidate_labels"'],
    [{ candidate_labels: ['a', 7] }, '"candidate_labels" expected a string, got 7 at [1]'],
    [{ candidate_labels: 'a', hypothesis_template: 'no place' }, '"hypothesis_template" expected a sentence with {}'],
    [{ candidate_labels: 'a', multi_label: 1 }, '"multi_label"'],
    [{ candidate_labels: 'a', multi_class: true }, '"options" expected no other keys'],
  ] as const) {
    await expectError(() => classify(TEXT, options as never), 'ERR_INPUT', ...words);
  }
  await expectError(() => classify(undefined as never, undefined as never), 'ERR_INPUT', '"text"');
  await expectError(() => classify([TEXT, 7 as never], { candidate_labels: 'a' }), 'ERR_INPUT', 'inputs[1]: "text"');
});

test.run();
