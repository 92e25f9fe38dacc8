/** Special tokens, pairs, truncation with windows, padding, decoding, and the arguments that are refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { AlbertTokenizer, type Encoding, pieceRange, stackEncodings } from '../../src/tokenizer/tokenizer.js';
import { fails, fromJson, hostileText, seeded, smallTokenizerJson } from './support.js';

const test = suite('encode');
const spell = (encoding: Encoding) => encoding.tokens.join(' ');

test('the vocabulary and its special tokens', () => {
  assert.is(fromJson.vocab_size, 16000);
  assert.is(fromJson.model_max_length, 512);
  const roles = ['pad', 'unk', 'cls', 'sep', 'mask'] as const;
  assert.equal(
    roles.map((role) => fromJson[`${role}_token_id`]),
    [0, 1, 2, 3, 4],
  );
  assert.equal(
    roles.map((role) => fromJson[`${role}_token`]),
    ['<pad>', '<unk>', '[CLS]', '[SEP]', '[MASK]'],
  );
  assert.is(fromJson.token_to_id('▁the'), 5);
  assert.is(fromJson.id_to_token(5), '▁the');
  assert.is(fromJson.token_to_id('no such piece'), undefined);
  assert.is(fromJson.id_to_token(16000), undefined);
});

test('one text and a pair', () => {
  assert.equal(fromJson.encode('The cat'), {
    input_ids: [2, 5, fromJson.token_to_id('▁cat'), 3],
    attention_mask: [1, 1, 1, 1],
    token_type_ids: [0, 0, 0, 0],
    tokens: ['[CLS]', '▁the', '▁cat', '[SEP]'],
    offsets: [
      [0, 0],
      [0, 3],
      [4, 7],
      [0, 0],
    ],
    sequence_ids: [null, 0, 0, null],
    overflowing: [],
  });
  const pair = fromJson.encode('The', { text_pair: 'cat' });
  assert.is(spell(pair), '[CLS] ▁the [SEP] ▁cat [SEP]');
  assert.equal(pair.token_type_ids, [0, 0, 0, 1, 1]);
  assert.equal(pair.sequence_ids, [null, 0, null, 1, null]);
  assert.is(spell(fromJson.encode('', { text_pair: '' })), '[CLS] [SEP] [SEP]');
  assert.is(spell(fromJson.encode('The', { text_pair: 'cat', add_special_tokens: false })), '▁the ▁cat');
});

test('special tokens written in the text are those tokens', () => {
  assert.is(spell(fromJson.encode('a  [MASK][MASK] b[SEP]c<pad>')), '[CLS] ▁a [MASK] [MASK] ▁b [SEP] ▁c <pad> [SEP]');
  assert.not.ok(fromJson.encode('[mask] [Mask] ［MASK］').input_ids.includes(fromJson.mask_token_id));
});

test('added tokens: beyond the vocabulary, in normalised text, and the longest of several', async () => {
  const file = smallTokenizerJson();
  const added = (id: number, content: string, normalized: boolean) => ({ id, content, normalized, special: false });
  file.added_tokens.push(added(300, '<a>', false), added(301, '<a>b', false), added(302, 'Straße', true));
  const tokenizer = await AlbertTokenizer.from_pretrained({ 'tokenizer.json': JSON.stringify(file) });
  const text = '<a> <A> <a>b xSTRAẞEx';
  const { input_ids, offsets } = tokenizer.encode(text, { add_special_tokens: false });
  assert.equal(
    input_ids.filter((id) => id >= 300),
    [300, 301, 302],
  );
  assert.is(text.slice(...(offsets[input_ids.indexOf(302)] as [number, number])), 'STRAẞE');
  assert.is(tokenizer.vocab_size, 303);
  assert.is(tokenizer.decode([300, 5, 302]), '<a> theStraße');
});

const LETTERS = 'a b c d e f g h';

test('truncation keeps what cutting leaves in windows', () => {
  const options = { truncation: true, max_length: 5, stride: 1 } as const;
  const encoding = fromJson.encode(LETTERS, options);
  assert.is(spell(encoding), '[CLS] ▁a ▁b ▁c [SEP]');
  assert.equal(encoding.overflowing.map(spell), ['[CLS] ▁c ▁d ▁e [SEP]', '[CLS] ▁e ▁f ▁g [SEP]', '[CLS] ▁g ▁h [SEP]']);
  assert.equal(encoding.overflowing[0]?.offsets, [
    [0, 0],
    [4, 5],
    [6, 7],
    [8, 9],
    [0, 0],
  ]);
  assert.equal(fromJson.encode(LETTERS, { ...options, max_length: 10 }).overflowing, []);
  assert.is(spell(fromJson.encode(LETTERS, { max_length: 4 })), '[CLS] ▁a ▁b [SEP]');
  assert.is(fromJson.encode(LETTERS, { max_length: 4, padding: true }).input_ids.length, 10);
  assert.is(fromJson.encode('word '.repeat(2000), { truncation: true }).input_ids.length, 512);
});

test('truncation of a pair', () => {
  const cut = (
    truncation: 'longest_first' | 'only_first' | 'only_second',
    max_length: number,
    text = LETTERS,
    stride = 0,
  ) => fromJson.encode(text, { text_pair: '1 2 3 4', truncation, max_length, stride });
  assert.is(spell(cut('only_first', 9)), '[CLS] ▁a ▁b [SEP] ▁1 ▁2 ▁3 ▁4 [SEP]');
  assert.is(cut('only_first', 9).overflowing.length, 3);
  assert.is(spell(cut('only_second', 13)), '[CLS] ▁a ▁b ▁c ▁d ▁e ▁f ▁g ▁h [SEP] ▁1 ▁2 [SEP]');
  assert.equal(
    cut('only_second', 13, LETTERS, 1).overflowing.map((window) => window.tokens.slice(10).join(' ')),
    ['▁2 ▁3 [SEP]', '▁3 ▁4 [SEP]'],
  );
  assert.is(spell(cut('longest_first', 12)), '[CLS] ▁a ▁b ▁c ▁d ▁e [SEP] ▁1 ▁2 ▁3 ▁4 [SEP]');
  assert.is(spell(cut('longest_first', 8)), '[CLS] ▁a ▁b ▁c [SEP] ▁1 ▁2 [SEP]');
  assert.is(spell(cut('longest_first', 8, 'a b c')), '[CLS] ▁a ▁b [SEP] ▁1 ▁2 ▁3 [SEP]');
  assert.is(cut('longest_first', 8).overflowing.length, 3 * 2 - 1, 'every combination of windows');
});

test('windows together hold every piece, and share `stride` of them', () => {
  const random = seeded(17);
  let cases = 0;
  for (; cases < 300; cases++) {
    const text = hostileText(random, 20 + random(200));
    const whole = fromJson.encode(text, { add_special_tokens: false });
    const max_length = 5 + random(20);
    const stride = random(max_length - 2);
    const { overflowing, ...first } = fromJson.encode(text, { truncation: true, max_length, stride });
    const joined = [first, ...overflowing].flatMap((window, i) => window.input_ids.slice(i === 0 ? 1 : 1 + stride, -1));
    assert.equal(joined, whole.input_ids, text);
    assert.ok([first, ...overflowing].every((window) => window.input_ids.length <= max_length));
  }
  assert.is(cases, 300);
});

test('padding of one text, its windows and a batch', () => {
  const padded = fromJson.encode('a b', { padding: 'max_length', max_length: 6 });
  assert.equal(padded.input_ids, [2, 12, fromJson.token_to_id('▁b'), 3, 0, 0]);
  assert.equal(padded.attention_mask, [1, 1, 1, 1, 0, 0]);
  assert.equal(padded.token_type_ids, [0, 0, 0, 0, 0, 0]);
  assert.equal(padded.offsets.at(-1), [0, 0]);
  assert.is(padded.sequence_ids.at(-1), null);
  assert.is(padded.tokens.at(-1), '<pad>');
  assert.is(fromJson.encode('a b', { padding: true }).input_ids.length, 4);
  const windows = fromJson.encode(LETTERS, { truncation: true, max_length: 5, padding: true });
  assert.ok(windows.overflowing.every((window) => window.input_ids.length === 5));
  const batch = fromJson.encode_batch(['a', ['a b', 'c'], ''], { padding: true });
  assert.equal(
    batch.map(({ attention_mask }) => attention_mask.join('')),
    ['111000', '111111', '110000'],
  );
  assert.equal(stackEncodings(batch).token_type_ids, [
    [0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 1, 1],
    [0, 0, 0, 0, 0, 0],
  ]);
  assert.equal(fromJson.encode_batch([]), []);
});

test('a batch is its texts one by one', () => {
  const random = seeded(23);
  const texts = Array.from({ length: 200 }, () => hostileText(random, random(60)));
  const batch = fromJson.encode_batch(texts, { truncation: true, max_length: 16 });
  assert.equal(
    batch,
    texts.map((text) => fromJson.encode(text, { truncation: true, max_length: 16 })),
  );
  assert.is(batch.length, 200);
});

test('decode', () => {
  const { input_ids } = fromJson.encode('The [MASK] sat, on 2 mats.');
  assert.is(fromJson.decode(input_ids), '[CLS] the[MASK] sat, on 2 mats.[SEP]');
  assert.is(fromJson.decode(input_ids, { skip_special_tokens: true }), 'the sat, on 2 mats.');
  assert.is(fromJson.decode(Int32Array.from(input_ids)), fromJson.decode(BigInt64Array.from(input_ids, BigInt)));
  assert.is(fromJson.decode([]), '');
});

test('words that the caller has split: each is encoded alone, and every token tells its word', () => {
  const words = ['The', 'unbelievable', '', 'New York', '[MASK]', '😀'];
  const encoding = fromJson.encode(words, { is_split_into_words: true });
  const alone = words.map((word) => fromJson.encode(word, { add_special_tokens: false }));
  const joined = <T>(values: (part: Encoding) => T[]) => alone.flatMap(values);
  assert.equal(encoding.input_ids, [2, ...joined(({ input_ids }) => input_ids), 3]);
  assert.equal(
    encoding.offsets.slice(1, -1),
    joined(({ offsets }) => offsets),
  );
  assert.equal(encoding.word_ids, [null, ...alone.flatMap(({ tokens }, i) => tokens.map(() => i)), null]);
  assert.is(fromJson.encode('The').word_ids, undefined);

  const [, pair] = fromJson.encode_batch([['a'], [['a', 'b'], ['c']]], { is_split_into_words: true, padding: true });
  assert.is(spell(pair as Encoding), '[CLS] ▁a ▁b [SEP] ▁c [SEP]');
  assert.equal(pair?.word_ids, [null, 0, 1, null, 0, null]);
  const [short] = fromJson.encode_batch([['a'], ['a', 'b']], { is_split_into_words: true, padding: true });
  assert.equal(short?.word_ids, [null, 0, null, null]);
  const cut = fromJson.encode(['a b', 'c d'], { is_split_into_words: true, max_length: 4, stride: 1 });
  assert.equal(
    [cut, ...cut.overflowing].map(({ word_ids }) => word_ids),
    [
      [null, 0, 0, null],
      [null, 0, 1, null],
      [null, 1, 1, null],
    ],
  );
});

test('what pipelines ask instead of knowing marks and templates', () => {
  assert.equal(
    ['▁the', 's', '▁', '[MASK]'].map((token) => fromJson.startsWord(token)),
    [true, false, true, false],
  );
  assert.equal([fromJson.num_special_tokens_to_add(), fromJson.num_special_tokens_to_add(true)], [2, 3]);
  const pair = fromJson.encode('The cat', { text_pair: 'sat' });
  assert.equal(
    [pieceRange(pair), pieceRange(pair, 1)],
    [
      [1, 3],
      [4, 5],
    ],
  );
  assert.equal(pieceRange(fromJson.encode('')), [0, 0]);
});

test('bad arguments are ERR_INPUT and say which', async () => {
  const cases: [RegExp, () => unknown][] = [
    [/"text" expected a string, got 5/, () => fromJson.encode(5 as never)],
    [/"text_pair" expected a string, got null/, () => fromJson.encode('a', { text_pair: null as never })],
    [/"options" expected an object/, () => fromJson.encode('a', 'b' as never)],
    [/"truncation" expected one of/, () => fromJson.encode('a', { truncation: 'first' as never })],
    [/"padding" expected one of/, () => fromJson.encode('a', { padding: 'left' as never })],
    [/"max_length" expected a whole number/, () => fromJson.encode('a', { max_length: 2.5 })],
    [/"max_length" expected at least 3/, () => fromJson.encode('a', { max_length: 2 })],
    [/"max_length" expected at least 5/, () => fromJson.encode('a', { text_pair: 'b', max_length: 4 })],
    [/"stride" expected a whole number/, () => fromJson.encode('a', { stride: -1 })],
    [/"stride" expected a stride < 2/, () => fromJson.encode(LETTERS, { max_length: 4, stride: 2 })],
    [/"return_offsets" expected true or false/, () => fromJson.encode('a', { return_offsets: 1 as never })],
    [/"is_split_into_words" expected true or false/, () => fromJson.encode('a', { is_split_into_words: 1 as never })],
    [/"text" expected an array of words, got "a"/, () => fromJson.encode('a', { is_split_into_words: true })],
    [/"text" expected an array of words/, () => fromJson.encode(['a', 5 as never], { is_split_into_words: true })],
    [/"text" expected a string/, () => fromJson.encode(['a'])],
    [
      /"text_pair" expected an array of words/,
      () => fromJson.encode(['a'], { is_split_into_words: true, text_pair: 'b' }),
    ],
    [
      /"inputs" expected an array of words or two of them.* at \[1\]/,
      () => fromJson.encode_batch([['a'], [['b'], 'c'] as never], { is_split_into_words: true }),
    ],
    [/"truncation" expected a text_pair/, () => fromJson.encode('a', { truncation: 'only_second', max_length: 3 })],
    [
      /"truncation" expected a strategy that can cut 4 pieces, got "only_second, whose text has 1"/,
      () => fromJson.encode(LETTERS, { text_pair: 'x', truncation: 'only_second', max_length: 8 }),
    ],
    [/"inputs" expected an array/, () => fromJson.encode_batch('a' as never)],
    [
      /"inputs" expected a text or \[text, text_pair\].* at \[1\]/,
      () => fromJson.encode_batch(['a', ['b', 3] as never]),
    ],
    [/"ids" expected ids < 16000, got 16000 at \[1\]/, () => fromJson.decode([5, 16000])],
    [/"ids" expected ids < 16000, got 1.5/, () => fromJson.decode([1.5])],
    [/"ids" expected ids < 16000, got -1n/, () => fromJson.decode([-1n])],
    [/"ids" expected an array/, () => fromJson.decode(5 as never)],
  ];
  for (const [message, action] of cases) await fails('ERR_INPUT', message, action);
  const endless = await AlbertTokenizer.from_pretrained({ 'tokenizer.json': JSON.stringify(smallTokenizerJson()) });
  assert.is(endless.model_max_length, Number.POSITIVE_INFINITY);
  await fails('ERR_INPUT', /no model_max_length/, () => endless.encode('a', { truncation: true }));
  await fails('ERR_INPUT', /no model_max_length/, () => endless.encode('a', { padding: 'max_length' }));
});

test('limits are ERR_TOO_LONG', async () => {
  for (const length of [(1 << 20) - 1, 1 << 20]) assert.is(fromJson.encode(' '.repeat(length)).input_ids.length, 2);
  await fails('ERR_TOO_LONG', /at most 1048576 characters, got 1048577/, () =>
    fromJson.encode(' '.repeat((1 << 20) + 1)),
  );
  await fails('ERR_TOO_LONG', /4194304 characters after normalisation/, () => fromJson.encode('\ufdfa'.repeat(1e6)));
  // Six characters each, which no piece has.
  const grown = (beside: number) => () =>
    fromJson.encode(`${'\u3316'.repeat(699_050)}${'x'.repeat(beside)}`, { truncation: true }).input_ids.length;
  const room = (1 << 22) - 6 * 699_050;
  for (const beside of [room - 1, room]) assert.ok(grown(beside)() > 3);
  await fails('ERR_TOO_LONG', /4194304 characters after normalisation/, grown(room + 1));
  // Special tokens and words do not begin a new count.
  const words = (count: number) => new Array<string>(count).fill('\u3316'.repeat(7000));
  const split = (count: number) => fromJson.encode(words(count), { is_split_into_words: true }).input_ids.length;
  const parts = (count: number) => fromJson.encode(words(count).join('[SEP]')).input_ids.length;
  for (const count of [split, parts]) {
    assert.ok(count(3) > 3);
    await fails('ERR_TOO_LONG', /4194304 characters after normalisation/, () => count(100));
  }
  await fails('ERR_TOO_LONG', /"tokens"/, () => fromJson.encode('a', { padding: 'max_length', max_length: 1e9 }));
  await fails('ERR_TOO_LONG', /"tokens"/, () => fromJson.encode('a '.repeat(2e5), { max_length: 512, stride: 509 }));
});

test.run();
