/** WordPiece: pieces, offsets, decoding, and every malformed `vocab.txt` or `tokenizer.json`. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { AlbertTokenizer } from '../../src/tokenizer/tokenizer.js';
import { wordPieceJson } from './layouts.js';
import { multilingualLines } from './lines.js';
import { fails, seeded } from './support.js';

const test = suite('WordPiece');

const PIECES =
  "[PAD] [UNK] [CLS] [SEP] [MASK] 巴 黎 是 法 国 hello world ##s un ##want ##ed runn ##ing , . ' t do not cafe é caf".split(
    ' ',
  );
const load = (files: Record<string, string | Uint8Array>, options = {}) =>
  AlbertTokenizer.from_pretrained(files, options);
const vocabulary = (pieces: readonly string[] = PIECES) => `${pieces.join('\n')}\n`;
const tokenizer = await load({ 'vocab.txt': vocabulary() });

test('pieces, their source and where words begin', () => {
  assert.is(tokenizer.kind, 'wordpiece');
  assert.equal([tokenizer.pad_token, tokenizer.unk_token, tokenizer.vocab_size], ['[PAD]', '[UNK]', PIECES.length]);
  const text = ' UNWANTED\t 巴黎,  Café\u0301 😀x [MASK] runnings\u0000';
  const { tokens, offsets } = tokenizer.encode(text, { add_special_tokens: false });
  assert.equal(
    tokens.map((token, i) => [token, text.slice(...(offsets[i] as [number, number]))]),
    [
      ['un', 'UN'],
      ['##want', 'WANT'],
      ['##ed', 'ED'],
      ['巴', '巴'],
      ['黎', '黎'],
      [',', ','],
      ['cafe', 'Café\u0301'],
      ['[UNK]', '😀x'],
      ['[MASK]', '[MASK]'],
      ['runn', 'runn'],
      ['##ing', 'ing'],
      ['##s', 's\u0000'],
    ],
  );
  assert.equal(tokens.map((token) => tokenizer.startsWord(token)).filter((starts) => !starts).length, 4);
});

test('case and accents as files and options say', async () => {
  const cased = await load({ 'vocab.txt': vocabulary(), 'tokenizer_config.json': '{"do_lower_case":false}' });
  assert.equal(cased.encode('Hello hello café').tokens.slice(1, -1), ['[UNK]', 'hello', '[UNK]']);
  const kept = await load({ 'vocab.txt': vocabulary() }, { keep_accents: true });
  assert.equal(kept.encode('É é').tokens.slice(1, -1), ['é', 'é']);
  const json = { 'tokenizer.json': JSON.stringify(wordPieceJson({}, PIECES)) };
  assert.equal((await load(json)).encode('É Hello').tokens.slice(1, -1), ['[UNK]', 'hello']);
  assert.equal((await load(json, { keep_accents: true })).encode('É').tokens.slice(1, -1), ['é']);
  assert.equal((await load(json, { do_lower_case: false })).encode('Hello').tokens.slice(1, -1), ['[UNK]']);
  // transformers lets tokenizer_config.json change the normalizer where the class is BertTokenizer.
  const beside = (tokenizer_class: string) => ({
    ...json,
    'tokenizer_config.json': JSON.stringify({ tokenizer_class, do_lower_case: false }),
  });
  assert.equal((await load(beside('BertTokenizer'))).encode('Hello').tokens.slice(1, -1), ['[UNK]']);
  const albert = {
    ...JSON.parse(beside('AlbertTokenizer')['tokenizer_config.json']),
    pad_token: '[PAD]',
    unk_token: '[UNK]',
  };
  const other = await load({ ...json, 'tokenizer_config.json': JSON.stringify(albert) });
  assert.equal(other.encode('Hello').tokens.slice(1, -1), ['hello']);
});

test('decoding puts pieces together and takes the spaces before punctuation away', () => {
  const { input_ids } = tokenizer.encode("Hello worlds, do not unwanted. 't");
  assert.is(tokenizer.decode(input_ids, { skip_special_tokens: true }), "hello worlds, do not unwanted. ' t");
});

test('vocab.txt and tokenizer.json of one vocabulary encode alike', async () => {
  const json = await load({ 'tokenizer.json': JSON.stringify(wordPieceJson({}, PIECES)) });
  const lines = multilingualLines(seeded(11), 500);
  for (const line of lines) assert.equal(tokenizer.encode(line), json.encode(line), line);
  assert.is(lines.length, 500);
});

test('lines of vocab.txt: CRLF, no final newline, empty and equal ones', async () => {
  for (const text of [PIECES.join('\r\n'), PIECES.join('\n'), PIECES.join('\r'), `${PIECES.join('\r\n')}\r\n`]) {
    const read = await load({ 'vocab.txt': text });
    assert.is(read.vocab_size, PIECES.length);
    assert.equal(read.encode('hello worlds').input_ids, tokenizer.encode('hello worlds').input_ids);
  }
  const odd = await load({ 'vocab.txt': vocabulary([...PIECES, '', 'hello', 'last']) });
  assert.is(odd.token_to_id('hello'), PIECES.length + 1, 'the last of equal lines');
  assert.equal(odd.encode('hello').input_ids.slice(1, -1), [PIECES.length + 1]);
  assert.is(odd.token_to_id('last'), PIECES.length + 2);
  assert.is(odd.token_to_id(''), undefined);
  assert.is(odd.decode([PIECES.length, odd.token_to_id('last') as number]), 'last');
  assert.is(odd.decode([10, PIECES.length + 1]), 'hello hello');
});

test('a vocab.txt at its limits, and what is refused', async () => {
  const many = (count: number) => [...PIECES, ...Array.from({ length: count - PIECES.length }, (_, i) => `x${i}`)];
  assert.is((await load({ 'vocab.txt': vocabulary(many(1_000_000)) })).vocab_size, 1_000_000);
  const long = (bytes: number) => vocabulary([...PIECES, 'y'.repeat(bytes)]);
  assert.is((await load({ 'vocab.txt': long(512) })).vocab_size, PIECES.length + 1);
  const cases: [RegExp, string | Uint8Array][] = [
    [/"unk_token" expected a token of the vocabulary, got "\[UNK\]" at vocab.txt/, ''],
    [/"unk_token" expected a token of the vocabulary/, '\n\n\n'],
    [/"unk_token" expected a token of the vocabulary/, vocabulary(PIECES.filter((piece) => piece !== '[UNK]'))],
    [/"mask_token" expected a token of the vocabulary/, vocabulary(PIECES.filter((piece) => piece !== '[MASK]'))],
    [/"vocab.txt" expected text in UTF-8/, Uint8Array.of(0x61, 0xff, 0x0a)],
    [/"pieces" expected at most 1000000, got "more" at vocab.txt/, vocabulary(many(1_000_001))],
    [/"piece" expected 1 to 512 bytes, got "513 bytes"/, long(513)],
    [/"vocab.txt" expected at most 16777216 bytes/, new Uint8Array((16 << 20) + 1)],
  ];
  for (const [message, file] of cases) await fails('ERR_TOKENIZER', message, () => load({ 'vocab.txt': file }));
});

test('a WordPiece tokenizer.json that is malformed is refused by the component', async () => {
  // biome-ignore lint/suspicious/noExplicitAny: a file to be broken
  const cases: [RegExp, (file: any) => void][] = [
    [/"pre_tokenizer" expected BertPreTokenizer/, (f) => (f.pre_tokenizer.type = 'Metaspace')],
    [/"pre_tokenizer" expected an object/, (f) => (f.pre_tokenizer = null)],
    [/"decoder" expected WordPiece/, (f) => (f.decoder.prefix = '@@')],
    [/"continuing_subword_prefix" expected ##/, (f) => (f.model.continuing_subword_prefix = '')],
    [/"max_input_chars_per_word" expected an integer from 1 to 10000/, (f) => (f.model.max_input_chars_per_word = 1e9)],
    [/"model.vocab\["un"\]" expected an id < 1000000, got 1000000/, (f) => (f.model.vocab.un = 1_000_000)],
    [/"model.vocab\[.*un.*\]" expected an id < 1000000, got -1/, (f) => (f.model.vocab.un = -1)],
    [/expected no id twice, got 0/, (f) => (f.model.vocab.un = 0)],
    [/"model.vocab" expected an object/, (f) => (f.model.vocab = [])],
    [/"unk_token" expected a token of the vocabulary/, (f) => (f.model.unk_token = 'none')],
    [/"BertNormalizer.lowercase" expected true or false/, (f) => (f.normalizer.lowercase = 1)],
    [
      /"post_processor" expected BertProcessing/,
      (f) => (f.post_processor = { type: 'BertProcessing', sep: [], cls: [] }),
    ],
  ];
  for (const [message, change] of cases) {
    const file = wordPieceJson({}, PIECES);
    change(file);
    await fails('ERR_TOKENIZER', message, () => load({ 'tokenizer.json': JSON.stringify(file) }));
  }
  const skipped = wordPieceJson({}, PIECES) as { model: { vocab: Record<string, number> }; post_processor: object };
  skipped.model.vocab.far = 99;
  skipped.post_processor = { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] };
  const read = await load({ 'tokenizer.json': JSON.stringify(skipped) });
  assert.equal([read.vocab_size, read.id_to_token(50), read.decode([50, 99])], [100, undefined, 'far']);
});

test('a word past the limit is unknown, and takes linear time', async () => {
  assert.equal(tokenizer.encode(`runn${'s'.repeat(97)}`).tokens.slice(1, -1), ['[UNK]']);
  assert.is(tokenizer.encode(`runn${'s'.repeat(96)}`).tokens.length, 2 + 97);
  assert.equal(tokenizer.encode('s'.repeat(1 << 20)).tokens.slice(1, -1), ['[UNK]']);
});

test.run();
