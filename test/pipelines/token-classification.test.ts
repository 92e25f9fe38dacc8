/** Token classification end to end: against forwards of the model itself, windows, hostile text. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline, type TokenClassificationOutput } from '../../src/entry/index.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { hostileText, seeded } from '../tokenizer/support.js';
import { randomFiles } from './checkpoint.js';

const tags = suite('token classification');

const LABELS = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
const tag = await pipeline('ner', await randomFiles('token_classification', { id2label: { ...LABELS } }));
const EVERYTHING = { ignore_labels: [] };
const TEXT = 'Zoë O’Brien went to São Paulo, 𝒩ew York & ﬁnland.';

/** Of each piece of a sequence, its likeliest label and that label's probability. */
async function best(pieces: number[]): Promise<{ entity: string; score: number }[]> {
  const input_ids = [tag.tokenizer.cls_token_id, ...pieces, tag.tokenizer.sep_token_id];
  const { logits } = (await tag.model.forward({ input_ids })) as TokenClassificationOutput;
  const rows = (logits.tolist() as number[][][])[0]?.slice(1, -1) ?? [];
  return rows.map((row) => {
    const most = Math.max(...row);
    const sum = row.reduce((total, logit) => total + Math.exp(logit - most), 0);
    return { entity: LABELS[row.indexOf(most)] as string, score: 1 / sum };
  });
}

tags('none: each token as the model labels it, with its place in the text', async () => {
  const { input_ids, offsets } = tag.tokenizer.encode(TEXT, { add_special_tokens: false });
  assert.ok(input_ids.length <= 22);
  const wanted = await best(input_ids);
  const got = await tag(TEXT, EVERYTHING);
  assert.is(got.length, wanted.length);
  got.forEach((entity, i) => {
    assert.is(entity.entity, wanted[i]?.entity);
    assert.ok(Math.abs(entity.score - (wanted[i]?.score ?? 9)) < 1e-12);
    assert.is(entity.index, i + 1);
    assert.equal([entity.start, entity.end], offsets[i]);
    assert.is(entity.word, TEXT.slice(entity.start, entity.end));
  });
  assert.equal(Object.keys(got[0] ?? {}), ['entity', 'score', 'index', 'word', 'start', 'end']);
});

tags('ignore_labels: O by default', async () => {
  const all = await tag(TEXT, EVERYTHING);
  const labels = new Set(all.map(({ entity }) => entity));
  assert.ok(labels.has('O') && labels.size > 2, [...labels].join());
  assert.equal(
    await tag(TEXT),
    all.filter(({ entity }) => entity !== 'O'),
  );
  assert.equal(
    await tag(TEXT, { ignore_labels: ['B-PER', 'I-LOC'] }),
    all.filter(({ entity }) => entity !== 'B-PER' && entity !== 'I-LOC'),
  );
  const groups = await tag(TEXT, { aggregation_strategy: 'simple', ignore_labels: ['PER'] });
  assert.ok(groups.length > 0);
  assert.not(groups.some(({ entity_group }) => entity_group === 'PER'));
});

tags('simple: groups cover the text’s tokens in order', async () => {
  const tokens = await tag(TEXT, EVERYTHING);
  const groups = await tag(TEXT, { aggregation_strategy: 'simple', ...EVERYTHING });
  assert.equal(Object.keys(groups[0] ?? {}), ['entity_group', 'score', 'word', 'start', 'end']);
  let next = 0;
  for (const group of groups) {
    const members = tokens.filter(({ start, end }) => start >= group.start && end <= group.end && start < end);
    assert.is(members[0]?.start, group.start);
    assert.is(members.at(-1)?.end, group.end);
    assert.ok(members.every(({ entity }) => entity.replace(/^[BI]-/, '') === group.entity_group));
    assert.ok(group.start >= next);
    next = group.end;
  }
});

tags('words: first is the label of the first token of each word', async () => {
  const tokens = await tag(TEXT, EVERYTHING);
  for (const strategy of ['first', 'average', 'max'] as const) {
    const groups = await tag(TEXT, { aggregation_strategy: strategy, ...EVERYTHING });
    // No word is cut: at no edge of a group do two letters touch.
    for (const { start, end, word } of groups) {
      assert.is(word, TEXT.slice(start, end));
      assert.is(word, word.trim());
      for (const at of [start, end])
        assert.not(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]/u.test(TEXT.slice(at - 1, at + 1)), word);
    }
    if (strategy !== 'first') continue;
    for (const { entity_group, start } of groups) {
      const first = tokens.find((token) => token.start === start);
      assert.is(first?.entity.replace(/^[BI]-/, ''), entity_group);
    }
  }
});

const LONG = Array.from({ length: 12 }, (_, i) => `Anna ${i} went from Paris to Rome.`).join(' ');

tags('stride: windows over all of a long text, each piece from the window that has more around it', async () => {
  const { input_ids, offsets } = tag.tokenizer.encode(LONG, { add_special_tokens: false });
  const room = tag.model.config.max_position_embeddings - 2;
  const cut = await tag(LONG, EVERYTHING);
  assert.is(cut.length, room);
  for (const stride of [0, 1, 6, 7]) {
    const wanted: { entity: string; score: number }[] = [];
    for (let start = 0; ; start += room - stride) {
      const labels = await best(input_ids.slice(start, start + room));
      const half = Math.floor(stride / 2);
      // The first half of an overlap is the earlier window's.
      wanted.splice(start === 0 ? 0 : start + stride - half, half, ...labels.slice(start === 0 ? 0 : stride - half));
      if (start + room >= input_ids.length) break;
    }
    const got = await tag(LONG, { stride, ...EVERYTHING });
    assert.is(got.length, input_ids.length);
    got.forEach(({ entity, score, index, start, end }, i) => {
      assert.is(entity, wanted[i]?.entity, `${i}, stride ${stride}`);
      assert.ok(Math.abs(score - (wanted[i]?.score ?? 9)) < 1e-12);
      assert.equal([index, start, end], [i + 1, ...(offsets[i] as [number, number])]);
    });
  }
});

tags('hostile texts: words are slices of the text, arrays equal singles', async () => {
  const random = seeded(17);
  const texts = Array.from({ length: 150 }, () => hostileText(random, 1 + random(150)));
  let entities = 0;
  for (const aggregation_strategy of ['none', 'simple', 'first', 'average', 'max'] as const) {
    const options = { aggregation_strategy, stride: 5, ...EVERYTHING };
    const many = await tag(texts, options);
    for (const [i, text] of texts.entries()) {
      if (i % 5 === 0) assert.equal(many[i], await tag(text, options));
      let before = 0;
      for (const { word, start, end, score } of many[i] ?? []) {
        assert.is(word, text.slice(start, end));
        assert.ok(score > 0 && score <= 1);
        if (aggregation_strategy !== 'none') assert.ok(start < end && word === word.trim(), JSON.stringify(word));
        assert.ok(start >= before);
        before = start;
        entities++;
      }
    }
  }
  stateCases(entities, 10_000);
});

tags('bad calls are refused, by name', async () => {
  await expectError(() => tag(7 as never), 'ERR_INPUT', '"text" expected a string, got 7');
  await expectError(
    () => tag('a', { aggregation_strategy: 'last' as never }),
    'ERR_INPUT',
    'simple, first, average, max',
  );
  await expectError(() => tag('a', { ignore_labels: 'O' as never }), 'ERR_INPUT', '"ignore_labels" expected an array');
  await expectError(() => tag('a', { stride: -1 }), 'ERR_INPUT', '"stride"');
  await expectError(() => tag(LONG, { stride: 22 }), 'ERR_INPUT', '"stride" expected a stride < 22');
  assert.equal(await tag(''), []);
  assert.equal(await tag('', { aggregation_strategy: 'first' }), []);
});

const WORDS = ['Zoë', 'O’Brien', 'went', '', 'to', 'São', 'Paulo', '.'];

tags('words that the caller has split: one label each, of its first token', async () => {
  const split = { is_split_into_words: true } as const;
  const { input_ids, word_ids } = tag.tokenizer.encode(WORDS, { ...split, add_special_tokens: false });
  const wanted = await best(input_ids);
  const got = await tag(WORDS, split);
  // The empty word has no token, so no label; O is a label like any other.
  assert.equal(
    got,
    WORDS.flatMap((word, index) => {
      const first = (word_ids ?? []).indexOf(index);
      return first < 0 ? [] : [{ ...(wanted[first] as { entity: string; score: number }), index, word }];
    }),
  );
  assert.is(got.length, 7);
  assert.equal(await tag([WORDS, ['Paris']], split), [got, await tag(['Paris'], split)]);
  assert.equal(await tag([], split), []);
  assert.equal(
    await tag(WORDS, { ...split, ignore_labels: ['O'] }),
    got.filter(({ entity }) => entity !== 'O'),
  );
  for (const aggregation_strategy of ['simple', 'first', 'average', 'max'] as const) {
    const groups = await tag(WORDS, { ...split, aggregation_strategy, ignore_labels: [] });
    groups.forEach(({ word, start, end }, i) => {
      assert.is(word, WORDS.slice(start, end).join(' '));
      // Groups follow one another, over the word that has none.
      assert.ok(start >= (groups[i - 1]?.end ?? 0) && start <= (groups[i - 1]?.end ?? 0) + 1);
    });
    assert.is(groups.at(-1)?.end, WORDS.length);
    if (aggregation_strategy === 'first') {
      assert.equal(groups, await tag(WORDS, { ...split, aggregation_strategy: 'simple', ignore_labels: [] }));
    }
  }
  // Past the model's positions, in windows: each word once.
  const long = Array.from({ length: 80 }, (_, i) => `word${i}`);
  assert.equal(
    (await tag(long, { ...split, stride: 4 })).map(({ index }) => index),
    long.map((_, i) => i),
  );
  await expectError(() => tag('a text' as never, split), 'ERR_INPUT', '"text" expected an array of words');
  await expectError(() => tag([['a', 7]] as never, split), 'ERR_INPUT', 'inputs[0]: "text" expected an array of words');
  await expectError(() => tag([['a']] as never), 'ERR_INPUT', 'inputs[0]: "text" expected a string');
  await expectError(() => tag(['a'], { is_split_into_words: 1 as never }), 'ERR_INPUT', '"is_split_into_words"');
});

tags('first: words by Unicode’s rules', async () => {
  const text = 'O’Brien paid 5.975,74 in the U.S. yesterday.';
  const words = await tag(text, { aggregation_strategy: 'first', ignore_labels: [] });
  // Groups begin and end where words do.
  const spans = ['O’Brien', 'paid', '5.975,74', 'in', 'the', 'U.S.', 'yesterday', '.'].map((word) =>
    text.indexOf(word),
  );
  for (const { start } of words) assert.ok(spans.includes(start), text.slice(start));
});

tags.run();
