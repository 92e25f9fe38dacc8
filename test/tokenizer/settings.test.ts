/** The settings beside a tokenizer file, which file wins, and what the caller says instead. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { AlbertTokenizer } from '../../src/tokenizer/tokenizer.js';
import { addedToken, layouts, readSpiece, template, wordPieceJson, wordPieces } from './layouts.js';
import { fails, SPIECE, smallTokenizerJson } from './support.js';

const test = suite('tokenizer settings');
const load = (files: Record<string, string | Uint8Array>, options = {}) =>
  AlbertTokenizer.from_pretrained(files, options);
const json = (value: unknown) => JSON.stringify(value);
const spiece = { 'spiece.model': SPIECE };
const NEXT = 16000;

test('added_tokens.json: words of their own ids, in any tokenizer', async () => {
  const added = { 'added_tokens.json': json({ kiltrim: NEXT + 1, Mewhomp: NEXT }) };
  const unigram = await load({ ...spiece, ...added });
  assert.equal(unigram.encode('the mewhomp KILTRIM').input_ids, [2, 5, NEXT, NEXT + 1, 3]);
  assert.is(unigram.vocab_size, NEXT + 2);
  assert.is(unigram.decode([5, NEXT]), 'theMewhomp');
  const small = await load({ 'tokenizer.json': json(smallTokenizerJson()), 'added_tokens.json': '{"mewhomp":300}' });
  assert.ok(small.encode('a mewhomp').input_ids.includes(300));
  const pieces = wordPieces();
  const words = await load({ 'vocab.txt': pieces.join('\n'), 'added_tokens.json': json({ kiltrim: pieces.length }) });
  assert.equal(words.encode('the KilTrim').input_ids.slice(1, -1), [pieces.indexOf('the'), pieces.length]);
});

test('added_tokens_decoder: properties of each token, and the older files are left aside', async () => {
  const token = (content: string, more = {}) => ({ content, special: false, normalized: false, ...more });
  const decoder = {
    [NEXT]: token('日本', { lstrip: true, rstrip: true }),
    [NEXT + 1]: token('qzx', { single_word: true }),
    [NEXT + 2]: token('<end>', { special: true }),
  };
  const files = {
    ...spiece,
    'added_tokens.json': '{"mewhomp":20000}',
    'special_tokens_map.json': '{"unk_token":"none"}',
  };
  const tokenizer = await load({ ...files, 'tokenizer_config.json': json({ added_tokens_decoder: decoder }) });
  const { input_ids } = tokenizer.encode('qzxa qzx 日本 <end>');
  assert.equal(
    input_ids.filter((id) => id >= NEXT),
    [NEXT + 1, NEXT, NEXT + 2],
  );
  assert.is(tokenizer.decode([NEXT + 2, 5], { skip_special_tokens: true }), 'the');
  assert.is(tokenizer.vocab_size, NEXT + 3);
  // lstrip and rstrip take the white space that Metaspace would mark.
  const marks = layouts(readSpiece(SPIECE))['transformers 4'];
  const stripped = await load({
    'tokenizer.json': json(marks),
    'tokenizer_config.json': json({ added_tokens_decoder: { [NEXT]: token('日本', { lstrip: true, rstrip: true }) } }),
  });
  assert.equal(stripped.encode('the 日本 the').input_ids.slice(1, -1), [5, NEXT, 5]);
  const kept = await load({ 'tokenizer.json': json(marks), 'added_tokens.json': json({ 日本: NEXT }) });
  assert.equal(kept.encode('the 日本 the').tokens.slice(1, -1), ['▁the', '▁', '日本', '▁the']);
});

test('a piece across words is taken where Metaspace does not split, and there alone', async () => {
  const file = smallTokenizerJson();
  file.model.vocab.push(['▁the▁c', 0]);
  const tokens = async (split: boolean | undefined, text: string) => {
    file.pre_tokenizer = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split };
    return (await load({ 'tokenizer.json': json(file) })).encode(text).tokens.slice(1, -1);
  };
  // As the Rust library answers.
  for (const text of ['the cat', 'the▁cat']) {
    for (const split of [true, undefined]) assert.equal(await tokens(split, text), ['▁the', '▁c', 'a', 't']);
    assert.equal(await tokens(false, text), ['▁the▁c', 'a', 't']);
  }
});

test('saved files say what the caller has set', async () => {
  const text = 'Élan THE the élan '.repeat(20);
  const sources: Record<string, string | Uint8Array>[] = [
    spiece,
    { 'vocab.txt': wordPieces().join('\n') },
    { 'tokenizer.json': json(wordPieceJson()), 'tokenizer_config.json': '{"tokenizer_class":"BertTokenizer"}' },
    { 'tokenizer.json': json(smallTokenizerJson()), 'tokenizer_config.json': '{"model_max_length":512}' },
    ...Object.values(layouts(readSpiece(SPIECE))).map((layout) => ({ 'tokenizer.json': json(layout) })),
  ];
  for (const source of sources) {
    for (const given of [
      {},
      { do_lower_case: false, model_max_length: 30 },
      { keep_accents: true },
      { do_lower_case: true, keep_accents: false },
    ]) {
      const tokenizer = await load(source, given);
      const files = Object.fromEntries(await AlbertTokenizer.filesOf(tokenizer));
      const again = await load(files);
      const what = `${Object.keys(source)} ${json(given)}`;
      assert.is(again.model_max_length, tokenizer.model_max_length, what);
      const of = (one: AlbertTokenizer) => one.encode(text, { truncation: true, max_length: 25 }).input_ids;
      assert.equal(of(again), of(tokenizer), what);
    }
  }
});

test('special_tokens_map.json names special tokens, before tokenizer_config.json', async () => {
  const map = { mask_token: { content: '[SEP]', lstrip: true }, pad_token: '<unk>' };
  const tokenizer = await load({
    ...spiece,
    'special_tokens_map.json': json(map),
    'tokenizer_config.json': json({ mask_token: '[CLS]', max_len: 77 }),
  });
  assert.equal([tokenizer.mask_token, tokenizer.pad_token_id, tokenizer.cls_token], ['[SEP]', 1, '[CLS]']);
  assert.is(tokenizer.model_max_length, 77, 'the key of the first versions');
});

test('which file wins: tokenizer.json, then that of the class', async () => {
  const pieces = wordPieces();
  const texts = { 'vocab.txt': pieces.join('\n'), ...spiece };
  const kindOf = async (files: Record<string, string | Uint8Array>) => (await load(files)).kind;
  assert.is(await kindOf(texts), 'unigram');
  assert.is(
    await kindOf({ ...texts, 'tokenizer_config.json': '{"tokenizer_class":"BertTokenizerFast"}' }),
    'wordpiece',
  );
  assert.is(await kindOf({ ...texts, 'tokenizer_config.json': '{"tokenizer_class":"AlbertTokenizer"}' }), 'unigram');
  assert.is(await kindOf({ ...texts, 'tokenizer.json': json(wordPieceJson()) }), 'wordpiece');
  assert.is(await kindOf({ 'vocab.txt': pieces.join('\n') }), 'wordpiece');
});

test('options of the caller come before the files', async () => {
  const said = {
    ...spiece,
    'tokenizer_config.json': '{"do_lower_case":true,"keep_accents":false,"model_max_length":512}',
  };
  const tokenizer = await load(said, { do_lower_case: false, keep_accents: true, model_max_length: 64 });
  assert.is(tokenizer.model_max_length, 64);
  assert.ok(tokenizer.encode('É').tokens.includes('É'));
  const files = { 'tokenizer.json': json(smallTokenizerJson(16000)) };
  const spelled = async (options: object) => (await load(files, options)).encode('Éé').tokens.slice(1, -1).join('');
  assert.is(await spelled({}), '▁ee');
  assert.is(await spelled({ keep_accents: true }), '▁éé');
  assert.is(await spelled({ keep_accents: true, do_lower_case: false }), '▁Éé');
  const bare = { 'tokenizer.json': json({ ...smallTokenizerJson(16000), normalizer: null }) };
  const given = await load(bare, { keep_accents: false, do_lower_case: true });
  assert.is(given.encode('Éé').tokens.slice(1, -1).join(''), '▁ee');
  for (const [message, options] of [
    [/"do_lower_case" expected true or false, got 1/, { do_lower_case: 1 }],
    [/"keep_accents" expected true or false/, { keep_accents: 'no' }],
    [/"model_max_length" expected an integer from 1, got 0/, { model_max_length: 0 }],
    [/"options" expected .*keep_accents|unknown|"keep_accent"/, { keep_accent: true }],
  ] as [RegExp, object][]) {
    await fails('ERR_INPUT', message, () => load(spiece, options));
  }
});

test('settings that are malformed are refused by file and key', async () => {
  const cases: [RegExp, Record<string, string>][] = [
    [
      /"id" expected an id without a token, got "5, which is ▁the" at .*x.* of added_tokens.json/,
      { 'added_tokens.json': '{"x y":5}' },
    ],
    [/"id" expected 5, its id, got 16000/, { 'added_tokens.json': '{"▁the":16000}' }],
    [/"id" expected an id < 1000000, got 1000000/, { 'added_tokens.json': '{"x y":1000000}' }],
    [/"id" expected an id < 1000000, got "7"/, { 'added_tokens.json': '{"x y":"7"}' }],
    [
      /"id" expected an id without a token, got "16000, which is x y"/,
      { 'added_tokens.json': '{"x y":16000,"y z":16000}' },
    ],
    [/expected a token, got "" at added_tokens.json/, { 'added_tokens.json': '{"":16000}' }],
    [/"piece" expected 1 to 512 bytes/, { 'added_tokens.json': json({ ['x'.repeat(513)]: 16000 }) }],
    [/"added_tokens.json" expected an object/, { 'added_tokens.json': '[]' }],
    [/"special_tokens_map.json" expected JSON/, { 'special_tokens_map.json': '{' }],
    [
      /"mask_token" expected a token, got 5 at special_tokens_map.json/,
      { 'special_tokens_map.json': '{"mask_token":5}' },
    ],
    [
      /"added_tokens_decoder\[7\]" expected a token, got null/,
      { 'tokenizer_config.json': '{"added_tokens_decoder":{"7":null}}' },
    ],
    [/"added_tokens_decoder" expected an object/, { 'tokenizer_config.json': '{"added_tokens_decoder":[]}' }],
    [
      /"id" expected an id < 1000000, got NaN/,
      { 'tokenizer_config.json': '{"added_tokens_decoder":{"x":{"content":"x y"}}}' },
    ],
    [
      /"added_tokens_decoder\[16000\].lstrip" expected true or false/,
      { 'tokenizer_config.json': '{"added_tokens_decoder":{"16000":{"content":"x y","lstrip":1}}}' },
    ],
  ];
  for (const [message, files] of cases) await fails('ERR_TOKENIZER', message, () => load({ ...spiece, ...files }));
});

test('added tokens are as long when normalised as when written', async () => {
  const file = { ...smallTokenizerJson(), post_processor: template() };
  const content = '\ufdfa'.repeat(28);
  file.added_tokens.push(addedToken(300, content, { normalized: true, special: false }));
  assert.is((await load({ 'tokenizer.json': json(file) })).vocab_size, 301, '504 characters');
  file.added_tokens.at(-1).content = content.repeat(2);
  await fails('ERR_TOKENIZER', /"added token" expected at most 512 characters after normalisation/, () =>
    load({ 'tokenizer.json': json(file) }),
  );
});

test.run();
