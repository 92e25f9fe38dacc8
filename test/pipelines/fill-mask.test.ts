/** Words of several pieces, and masks filled together: against forwards of the model itself. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type MaskedLMOutput, pipeline } from '../../src/entry/index.js';

import { fillTogether } from '../../src/pipelines/fill-together.js';
import { expectError } from '../support/expect-error.js';
import { randomFiles } from './checkpoint.js';

const test = suite('fill-mask');

const fill = await pipeline('fill-mask');
const { tokenizer, model } = fill;
const MASK = tokenizer.mask_token_id;

test.after(() => fill.dispose());

/** The probabilities of every piece at some positions of ids. */
async function probabilities(ids: readonly number[], positions: readonly number[]): Promise<Float64Array[]> {
  const { logits } = (await model.forward({ input_ids: [...ids] })) as MaskedLMOutput;
  const size = model.config.vocab_size;
  return positions.map((position) => {
    const row = logits.data.subarray(position * size, (position + 1) * size);
    const most = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const sum = row.reduce((total, logit) => total + Math.exp(logit - most), 0);
    return Float64Array.from(row, (logit) => Math.exp(logit - most) / sum);
  });
}

const near = (a: number, b: number, what: string) =>
  assert.ok(Math.abs(a - b) <= 1e-6 * Math.max(a, b), `${what}: ${a}, ${b}`);

test('a target of several pieces: as many masks in its place, the probabilities multiplied', async () => {
  const text = 'Paris is the [MASK] of [MASK].';
  const targets = ['capital', 'supercalifragilistic', 'two words', 'city'];
  const answers = await fill(text, { targets, top_k: 10 });
  const { input_ids } = tokenizer.encode(text);
  const masks = input_ids.flatMap((id, i) => (id === MASK ? [i] : []));
  assert.is(answers.length, 2);
  for (const [i, position] of masks.entries()) {
    const answer = answers[i] ?? [];
    assert.is(answer.length, 4);
    assert.ok(answer.every(({ score }, k) => k === 0 || score <= (answer[k - 1]?.score ?? 0)));
    for (const word of targets) {
      const pieces = tokenizer.encode(word, { add_special_tokens: false }).input_ids;
      const places = pieces.map((_, k) => position + k);
      const wide = [...input_ids.slice(0, position), ...pieces.map(() => MASK), ...input_ids.slice(position + 1)];
      const rows = await probabilities(wide, places);
      const wanted = pieces.reduce((product, id, k) => product * (rows[k]?.[id] as number), 1);
      const got = answer.find(({ token_str }) => token_str === word);
      near(got?.score ?? 0, wanted, word);
      assert.equal([got?.token, got?.tokens], [pieces[0], pieces.length > 1 ? pieces : undefined]);
      const filled = [...input_ids.slice(1, position), ...pieces, ...input_ids.slice(position + 1, -1)];
      assert.is(got?.sequence, tokenizer.decode(filled));
    }
  }
  assert.equal(
    await fill(text, { targets, top_k: 2 }),
    answers.map((answer) => answer.slice(0, 2)),
  );
  assert.equal(await fill([text, 'A [MASK].'], { targets }), [
    await fill(text, { targets }),
    await fill('A [MASK].', { targets }),
  ]);
  const longest = model.config.max_position_embeddings;
  const full = `${'a '.repeat(longest - 3)}[MASK]`;
  assert.is(tokenizer.encode(full).input_ids.length, longest);
  await fill(full, { targets: 'capital' });
  await expectError(
    () => fill(full, { targets: 'two words' }),
    'ERR_TOO_LONG',
    `at most ${longest} tokens with a target`,
  );
});

test('joint: each word with those before it in place, and no better text is missed by a greedy choice', async () => {
  const text = 'The [MASK] sat on the [MASK].';
  const answers = await fill(text, { joint: true, top_k: 3 });
  const { input_ids } = tokenizer.encode(text);
  const [first, second] = input_ids.flatMap((id, i) => (id === MASK ? [i] : [])) as [number, number];
  const [starts] = (await probabilities(input_ids, [first])) as [Float64Array];
  // By hand: the eight likeliest first words, and after each of them all second words.
  const all: { score: number; tokens: number[] }[] = [];
  const order = [...starts.keys()].sort((a, b) => (starts[b] as number) - (starts[a] as number)).slice(0, 8);
  for (const token of order) {
    const ids = input_ids.slice();
    ids[first] = token;
    const [ends] = (await probabilities(ids, [second])) as [Float64Array];
    ends.forEach((p, id) => {
      all.push({ score: (starts[token] as number) * p, tokens: [token, id] });
    });
  }
  all.sort((a, b) => b.score - a.score);
  assert.is(answers.length, 3);
  for (const [i, { score, tokens, token_strs, sequence }] of answers.entries()) {
    assert.equal(tokens, all[i]?.tokens);
    near(score, all[i]?.score as number, sequence);
    assert.equal(
      token_strs,
      tokens.map((id) => tokenizer.decode([id])),
    );
    const ids = input_ids.slice();
    [ids[first], ids[second]] = tokens as [number, number];
    assert.is(sequence, tokenizer.decode(ids.slice(1, -1)));
  }
  const targets = ['cat', 'dog', 'mat'];
  const among = await fill(text, { joint: true, targets, top_k: 20 });
  assert.is(among.length, 9);
  assert.ok(among.every(({ token_strs }) => token_strs.every((word) => targets.includes(word))));
  // One mask: the words that it has alone.
  const [alone = []] = await fill('A [MASK].', { top_k: 2 });
  const joint = await fill('A [MASK].', { joint: true, top_k: 2 });
  assert.equal(
    joint.map(({ tokens, score }) => [tokens[0], score]),
    alone.map(({ token, score }) => [token, score]),
  );
  assert.equal(await fill([text, 'A [MASK].'], { joint: true, top_k: 2 }), [answers.slice(0, 2), joint]);
  await expectError(
    () => fill(text, { joint: true, targets: 'two words' }),
    'ERR_INPUT',
    '"targets" expected words of one piece',
  );
  await expectError(() => fill(text, { joint: 1 as never }), 'ERR_INPUT', '"joint"');
  await expectError(() => fill(text, { joint: true, signal: AbortSignal.abort() }), 'ERR_ABORTED');
});

test('joint: the best text may begin with the second best word', async () => {
  // Two pieces: the first is likelier alone, and leaves the second mask undecided; after the other all is clear.
  const forward = async (inputs: readonly { input_ids: number[] }[]) =>
    inputs.map(({ input_ids: [id] }) => {
      const logits = Float32Array.from(id === 0 ? [0.5, 0.5] : [0.99, 0.01], Math.log);
      return { logits: { data: logits } } as unknown as MaskedLMOutput;
    });
  const first = Float32Array.from([0.6, 0.4], Math.log);
  const found = await fillTogether({ input_ids: [9, 9], masks: [0, 1], fillings: 1 }, first, forward);
  assert.equal(found[0]?.tokens, [1, 0]);
  near(found[0]?.score as number, 0.4 * 0.99, 'score');
});

test('a word whose vocabulary is WordPiece’s', async () => {
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'un', '##want', '##ed', 'hello', 'world', '.'];
  const files = await randomFiles('masked_lm', { vocab_size: words.length });
  const { 'tokenizer.json': _, ...rest } = files;
  const config = { tokenizer_class: 'BertTokenizer', do_lower_case: true, pad_token: '[PAD]', unk_token: '[UNK]' };
  const source = { ...rest, 'vocab.txt': words.join('\n'), 'tokenizer_config.json': JSON.stringify(config) };
  await using chinese = await pipeline('fill-mask', source);
  const [answer = []] = await chinese('hello [MASK].', { targets: ['unwanted', 'world'] });
  assert.equal(new Set(answer.map(({ token_str }) => token_str)), new Set(['unwanted', 'world']));
  assert.equal(answer.find(({ tokens }) => tokens !== undefined)?.tokens, [5, 6, 7]);
});

test('a target beyond the model’s vocabulary is refused: a tokenizer may know more words', async () => {
  const small = await pipeline('fill-mask', await randomFiles('masked_lm', { vocab_size: 200 }));
  const word = small.tokenizer.decode([15_000]);
  await expectError(() => small('[MASK]', { targets: [word] }), 'ERR_INPUT', 'targets', 'vocab_size of 200');
  await small.dispose();
});

test.run();
