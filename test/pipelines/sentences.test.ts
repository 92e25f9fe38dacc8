/** Tasks over several sentences: similarity with ranking, order, multiple choice; against forwards of the model itself. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AlbertForPreTraining,
  type MultipleChoiceOutput,
  pipeline,
  rankEmbeddings,
  stackEncodings,
  Tensor,
} from '../../src/entry/index.js';
import { expectError } from '../support/expect-error.js';
import { MODEL } from '../tokenizer/support.js';
import { randomFiles } from './checkpoint.js';

const sentences = suite('sentences');

const SENTENCES = ['A cat was sitting there.', 'Inflation rose in June.', '', 'The cat sat on the mat.'];
const SOURCE = { source_sentence: 'The cat sat on the mat.', sentences: SENTENCES };

sentences('similarity: the cosine of mean-pooled embeddings, in the order of the sentences', async () => {
  await using similarity = await pipeline('sentence-similarity');
  await using extract = await pipeline('feature-extraction');
  const scores = await similarity(SOURCE);
  const unit = { pooling: 'mean', normalize: true } as const;
  const source = await extract(SOURCE.source_sentence, unit);
  for (const [i, { data }] of (await extract(SENTENCES, unit)).entries()) {
    const cosine = source.data.reduce((sum, value, k) => sum + value * (data[k] as number), 0);
    assert.ok(Math.abs(cosine - (scores[i] as number)) < 1e-5, `${i}: ${scores[i]}, ${cosine}`);
  }
  assert.ok(Math.abs((scores[3] as number) - 1) < 1e-12);
  assert.ok((scores[0] as number) > (scores[1] as number));
  const other = { source_sentence: 'Prices went up.', sentences: ['Inflation rose.'] };
  const wanted = [await similarity(SOURCE), await similarity(other)];
  for (const batch_size of [1, 2, 32]) assert.equal(await similarity([SOURCE, other], { batch_size }), wanted);
  await expectError(() => similarity('a' as never), 'ERR_INPUT', '"input" expected an object with source_sentence');
  await expectError(
    () => similarity({ ...SOURCE, sentences: [] }),
    'ERR_INPUT',
    '"sentences" expected an array of texts',
  );
  await expectError(() => similarity({ ...SOURCE, sentences: 'a' as never }), 'ERR_INPUT', '"sentences"');
  await expectError(
    () => similarity([SOURCE, { ...SOURCE, sentences: ['a', 1 as never] }]),
    'ERR_INPUT',
    'inputs[1]',
    '[1]',
  );
});

sentences('ranking: the embeddings most like one, best first', async () => {
  const corpus = [[1, 0], [0, 1], [2, 2], Float32Array.of(-1, 0), new Tensor(Float32Array.of(3, 0), [2]), [0, 0]];
  // Cosines with (1, 0): 1, 0, √½, -1, 1, and 0 for a vector of zeros.
  assert.equal(
    rankEmbeddings([1, 0], corpus).map(({ index, score }) => [index, Number(score.toFixed(4))]),
    [
      [0, 1],
      [4, 1],
      [2, Number(Math.SQRT1_2.toFixed(4))],
      [1, 0],
      [5, 0],
      [3, -1],
    ],
  );
  assert.equal(rankEmbeddings(new Tensor(Float32Array.of(0, 5), [2]), corpus, { top_k: 1 }), [{ index: 1, score: 1 }]);
  assert.equal(rankEmbeddings([1, 0], []), []);
  assert.is(rankEmbeddings([1], Array(30).fill([1])).length, 10);
  await expectError(
    () => rankEmbeddings([1, 0], [[1, 0], [1]]),
    'ERR_INPUT',
    '"corpus" expected embeddings of 2 numbers, got 1 at [1]',
  );
  await expectError(() => rankEmbeddings([1], [], { top_k: 0 }), 'ERR_INPUT', '"top_k"');
  await expectError(() => rankEmbeddings([1], 'a' as never), 'ERR_INPUT', '"corpus"');
  await expectError(() => rankEmbeddings([1], [undefined as never]), 'ERR_INPUT', '"corpus"', '[0]');
});

sentences('order: the softmax of the model’s sentence-order logits', async () => {
  await using order = await pipeline('sentence-order');
  await using model = await AlbertForPreTraining.from_pretrained(MODEL);
  const pairs = [
    { first: 'The storm knocked out power across the city.', second: 'Crews worked through the night to restore it.' },
    { first: 'Crews worked through the night to restore it.', second: 'The storm knocked out power across the city.' },
    { first: 'He sat.', second: '' },
  ];
  const results = await order(pairs);
  for (const [i, { first, second }] of pairs.entries()) {
    const { input_ids, token_type_ids } = order.tokenizer.encode(first, { text_pair: second });
    const [a, b] = (await model.forward({ input_ids, token_type_ids })).sop_logits.data as unknown as [number, number];
    const { inOrder, swapped } = results[i] as { inOrder: number; swapped: number };
    // Logit 0 is the order as written, as FlaxAlbert was trained.
    assert.ok(Math.abs(inOrder - 1 / (1 + Math.exp(b - a))) < 1e-12);
    assert.ok(Math.abs(inOrder + swapped - 1) < 1e-12);
    assert.equal(await order({ first, second }), results[i]);
  }
  await expectError(() => order({ first: 'a' } as never), 'ERR_INPUT', '"second" expected a string, got undefined');
  const expected = '"input" expected an object with first and second, got ["a", "b"]';
  await expectError(() => order([['a', 'b']] as never), 'ERR_INPUT', expected);
  await expectError(() => order([pairs[0] as never, 'a' as never]), 'ERR_INPUT', 'inputs[1]: "input"');
});

sentences('multiple choice: what the model gives for all choices padded to one length', async () => {
  await using choose = await pipeline('multiple-choice', await randomFiles('multiple_choice'));
  const prompt = 'He opened the umbrella because';
  const choices = ['it rained.', 'the long and winding road was wet and cold.', 'of', 'it rained.'];
  const encodings = choices.map((choice) =>
    choose.tokenizer.encode(prompt, { text_pair: choice, max_length: 24, padding: 'max_length' }),
  );
  const { input_ids, attention_mask, token_type_ids } = stackEncodings(encodings);
  assert.is(new Set(attention_mask.map((mask) => mask.indexOf(0))).size, 3);
  const { logits } = (await choose.model.forward({
    input_ids: [input_ids],
    attention_mask: [attention_mask],
    token_type_ids: [token_type_ids],
  })) as MultipleChoiceOutput;
  assert.equal([...logits.shape], [1, 4]);
  const sum = logits.data.reduce((total, logit) => total + Math.exp(logit), 0);
  const wanted = Array.from(logits.data, (logit, index) => ({ index, score: Math.exp(logit) / sum }));
  wanted.sort((a, b) => b.score - a.score || a.index - b.index);
  const got = await choose({ prompt, choices });
  assert.equal(got.length, 4);
  got.forEach(({ index, choice, score }, i) => {
    assert.is(choice, choices[index]);
    assert.ok(Math.abs(score - (wanted.find((w) => w.index === index)?.score ?? 9)) < 1e-6);
    assert.ok(i === 0 || score <= (got[i - 1]?.score as number));
  });
  assert.ok((got[0]?.score ?? 0) > (got[3]?.score ?? 1) + 0.001);
  // The same choice twice: the same score, in order.
  const [first, last] = [0, 3].map((index) => got.findIndex((choice) => choice.index === index));
  assert.is(last, (first as number) + 1);
  assert.is(got[last as number]?.score, got[first as number]?.score);
  assert.equal(await choose({ prompt, choices }, { top_k: 2 }), got.slice(0, 2));
  const inputs = [
    { prompt, choices },
    { prompt: 'One', choices: ['two'] },
  ];
  assert.equal((await choose(inputs))[1], [{ index: 0, choice: 'two', score: 1 }]);
  for (const batch_size of [1, 3]) assert.equal(await choose(inputs, { batch_size }), await choose(inputs));
  await expectError(() => choose({ prompt } as never), 'ERR_INPUT', '"choices" expected an array of texts');
  await expectError(() => choose({ choices } as never), 'ERR_INPUT', '"prompt" expected a string');
  await expectError(
    () => choose({ prompt, choices: ['a', null as never] }),
    'ERR_INPUT',
    '"choices" expected a string',
    '[1]',
  );
});

sentences.run();
