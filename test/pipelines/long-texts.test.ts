/** Texts past the model's positions: read in windows, cut with one warning, or refused; against forwards of the model itself. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertModel, AlbertTokenizer, pipeline, type SequenceClassificationOutput } from '../../src/entry/index.js';
import { expectError } from '../support/expect-error.js';
import { randomFiles } from './checkpoint.js';

const test = suite('long texts');

const MOST = 24;
const SIZE = 36;
const LONG = Array.from({ length: 50 }, (_, i) => `word${i}`).join(' ');
const classifier = await randomFiles('sequence_classification', { id2label: { 0: 'a', 1: 'b', 2: 'c' } });
const body = await randomFiles('model');
const tokenizer = await AlbertTokenizer.from_pretrained(body);

function windowsOf(text: string, stride: number, text_pair?: string) {
  const encoding = tokenizer.encode(text, { text_pair, truncation: true, max_length: MOST, stride });
  return [encoding, ...encoding.overflowing];
}

test('classification: the mean of the windows’ logits', async () => {
  await using classify = await pipeline('text-classification', classifier);
  for (const [input, windows] of [
    [LONG, windowsOf(LONG, 5)],
    [{ text: LONG, text_pair: LONG }, windowsOf(LONG, 5, LONG)],
  ] as const) {
    assert.ok(windows.length > 4);
    const sums = [0, 0, 0];
    for (const { input_ids, token_type_ids } of windows) {
      const { logits } = (await classify.model.forward({ input_ids, token_type_ids })) as SequenceClassificationOutput;
      logits.data.forEach((logit, i) => {
        (sums[i] as number) += logit / windows.length;
      });
    }
    const got = await classify(input, { stride: 5, top_k: null, function_to_apply: 'none' });
    for (const { label, score } of got) {
      assert.ok(Math.abs(score - (sums['abc'.indexOf(label)] as number)) < 1e-6, label);
    }
  }
  // A text that fits answers as without.
  assert.equal(await classify('short', { stride: 5 }), await classify('short'));
  await expectError(() => classify(LONG, { stride: MOST }), 'ERR_INPUT', '"stride"');
  await expectError(() => classify(LONG, { stride: -1 }), 'ERR_INPUT', '"stride"');
});

test('embeddings: over all tokens, each once; first and last tokens of the windows as their mean', async () => {
  await using extract = await pipeline('feature-extraction', body);
  await using model = await AlbertModel.from_pretrained(body);
  const stride = 4;
  const windows = windowsOf(LONG, stride);
  const states: number[][][] = [];
  for (const { input_ids } of windows) {
    const { data } = (await model.forward({ input_ids })).last_hidden_state;
    states.push(input_ids.map((_, i) => Array.from(data.subarray(i * SIZE, (i + 1) * SIZE))));
  }
  // [CLS], all pieces, [SEP]; of the four that two windows share, each has the two that lie further from its edge.
  const all = states.flatMap((rows, i) => {
    const from = i === 0 ? 0 : 1 + stride / 2;
    return rows.slice(from, i === states.length - 1 ? rows.length : rows.length - 1 - stride / 2);
  });
  const whole = tokenizer.encode(LONG).input_ids.length;
  assert.is(all.length, whole);
  const none = await extract(LONG, { stride });
  assert.equal([...none.shape], [whole, SIZE]);
  const off = none.data.findIndex((value, i) => value !== all[Math.floor(i / SIZE)]?.[i % SIZE]);
  assert.is(off, -1);
  const column = (rows: readonly number[][], reduce: (values: number[]) => number) =>
    Array.from({ length: SIZE }, (_, k) => reduce(rows.map((row) => row[k] as number)));
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  for (const [pooling, wanted] of [
    ['mean', column(all, mean)],
    ['max', column(all, (values) => Math.max(...values))],
    [
      'cls',
      column(
        states.map((rows) => rows[0] as number[]),
        mean,
      ),
    ],
    [
      'lasttoken',
      column(
        states.map((rows) => rows.at(-1) as number[]),
        mean,
      ),
    ],
  ] as const) {
    const { data } = await extract(LONG, { pooling, stride });
    wanted.forEach((value, i) => {
      assert.ok(Math.abs((data[i] as number) - value) < 1e-6, `${pooling} ${i}`);
    });
  }
  await using similarity = await pipeline('sentence-similarity', body);
  const input = { source_sentence: LONG, sentences: [`${LONG} more`, 'short'] };
  const scores = await similarity(input, { stride });
  assert.ok((scores[0] as number) > (scores[1] as number));
  for (const batch_size of [1, 3])
    assert.equal(await similarity([input, input], { stride, batch_size }), [scores, scores]);
});

test('a cut is said once for a pipeline, by onWarning, or refused', async () => {
  const files = {
    'text-classification': classifier,
    'token-classification': await randomFiles('token_classification'),
    'multiple-choice': await randomFiles('multiple_choice'),
    'fill-mask': await randomFiles('masked_lm'),
    'sentence-order': await randomFiles('pretraining'),
    'feature-extraction': body,
    'sentence-similarity': body,
  } as const;
  const inputs: Record<keyof typeof files, unknown> = {
    'text-classification': LONG,
    'token-classification': LONG,
    'multiple-choice': { prompt: LONG, choices: ['a'] },
    'fill-mask': `[MASK] ${LONG}`,
    'sentence-order': { first: LONG, second: 'a' },
    'feature-extraction': LONG,
    'sentence-similarity': { source_sentence: 'a', sentences: [LONG] },
  };
  for (const task of Object.keys(files) as (keyof typeof files)[]) {
    const warnings: string[] = [];
    await using pipe = await pipeline(task, files[task], { onWarning: (message) => warnings.push(message) });
    const run = pipe as unknown as (input: unknown, options?: object) => Promise<unknown>;
    const input = inputs[task];
    await run(input);
    await run([input, input]);
    assert.is(warnings.length, 1, `${task}: ${warnings.join('; ')}`);
    assert.ok(/^a text of \d+ tokens was cut to the 24 that are read: /.test(warnings[0] ?? ''), warnings[0]);
    assert.is(warnings[0]?.includes('`stride`'), !/choice|mask|order/.test(task), warnings[0]);
    await expectError(() => run(input, { truncation: false }), 'ERR_TOO_LONG', '"text" expected at most 24 tokens');
    await expectError(() => run(input, { truncation: 'no' }), 'ERR_INPUT', '"truncation" expected true or false');
  }
});

test.run();
