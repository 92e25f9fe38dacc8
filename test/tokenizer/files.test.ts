/** Tokenizer files: real shapes are accepted, malformed or hostile ones are ERR_TOKENIZER and say what is wrong. */
import { PbfWriter } from 'pbf';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { AlbertError } from '../../src/ground/errors.js';
import { AlbertTokenizer } from '../../src/tokenizer/tokenizer.js';
import { CONFIG, fails, fromJson, fromSpiece, GOLDEN, MODEL, SPIECE, seeded, smallTokenizerJson } from './support.js';

const test = suite('tokenizer files');
const load = (files: Record<string, string | Uint8Array>) => AlbertTokenizer.from_pretrained(files);
const loadJson = (file: unknown) => load({ 'tokenizer.json': JSON.stringify(file) });
const loadSpiece = (bytes: Uint8Array) => load({ 'spiece.model': bytes });

test('a source needs one of the files', async () => {
  await fails(
    'ERR_SOURCE',
    /"source" expected tokenizer.json, spiece.model or vocab.txt, got "none of them" at the given files/,
    () => load({}),
  );
  await fails('ERR_SOURCE', /"source" expected an existing directory/, () =>
    AlbertTokenizer.from_pretrained('/no/such/directory'),
  );
  const controller = new AbortController();
  controller.abort();
  await fails('ERR_ABORTED', /aborted/, () => AlbertTokenizer.from_pretrained(MODEL, { signal: controller.signal }));
});

test('older and newer spellings of ALBERT’s tokenizer.json encode alike', async () => {
  const metaspace = { type: 'Metaspace', replacement: '▁', str_rep: '▁', add_prefix_space: true };
  const variants: ((file: ReturnType<typeof smallTokenizerJson>) => void)[] = [
    (file) => {
      file.pre_tokenizer = { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace] };
      file.decoder = metaspace;
      file.normalizer.normalizers.pop();
    },
    (file) => delete file.model.type,
    (file) => Object.assign(file, { truncation: { max_length: 4 }, padding: { pad_id: 0 } }),
  ];
  for (const change of variants) {
    const file = smallTokenizerJson(16000);
    change(file);
    const tokenizer = await loadJson(file);
    for (const { text } of GOLDEN) assert.equal(tokenizer.encode(text), fromJson.encode(text), text);
  }
  assert.is(variants.length * GOLDEN.length, 900);
});

test('without a character map the other steps remain', async () => {
  const file = smallTokenizerJson(16000);
  file.normalizer.normalizers.splice(5, 1);
  const tokenizer = await loadJson(file);
  assert.equal(tokenizer.encode("``The ''\tCÁT").tokens, ['[CLS]', '▁"', 'the', '▁"', '▁cat', '[SEP]']);
});

test('with accents kept, the one capital whose small letter is longer keeps its place', async () => {
  const tokenizer = await load({ 'spiece.model': SPIECE, 'tokenizer_config.json': '{"keep_accents":true}' });
  const text = 'Aİİ Bé';
  const { tokens, offsets } = tokenizer.encode(text);
  assert.is(tokens.slice(1, -1).join('').replaceAll('▁', ' '), ' ai\u0307i\u0307 bé');
  const of = (part: string) => offsets[tokens.findIndex((token) => token.includes(part))];
  assert.equal(of('b'), [4, 5]);
  // Both halves of the small letter are the one capital.
  assert.ok(offsets.some(([start, end]) => start <= 1 && end === 2) && offsets.some(([, end]) => end === 3));
});

test('tokenizer_config.json sets case, accents, white space, names and length', async () => {
  const config = {
    do_lower_case: false,
    keep_accents: true,
    remove_space: false,
    model_max_length: 1e30,
    mask_token: { content: '[CLS]' },
  };
  const tokenizer = await load({ 'spiece.model': SPIECE, 'tokenizer_config.json': JSON.stringify(config) });
  assert.equal(tokenizer.encode('aÉb').tokens.slice(2, -1), ['É', 'b']);
  assert.equal(tokenizer.encode('a\x1cb').tokens, ['[CLS]', '▁ab', '[SEP]']);
  assert.equal(fromSpiece.encode('a\x1cb').tokens, ['[CLS]', '▁a', '▁b', '[SEP]']);
  assert.equal(fromJson.encode('a\x1cb').tokens, ['[CLS]', '▁ab', '[SEP]'], 'no file of the Rust library has it');
  assert.is(tokenizer.model_max_length, Number.POSITIVE_INFINITY);
  assert.is(tokenizer.mask_token_id, 2);
  const bad: [RegExp, string][] = [
    [/"tokenizer_config.json" expected JSON/, '{'],
    [/"tokenizer_config.json" expected an object/, '[]'],
    [/"do_lower_case" expected true or false, got "yes" at tokenizer_config.json/, '{"do_lower_case":"yes"}'],
    [/"mask_token" expected a token/, '{"mask_token":{}}'],
    [/"mask_token" expected a token of the vocabulary, got "<mask>"/, '{"mask_token":"<mask>"}'],
    [/"model_max_length" expected a number of tokens >= 1/, '{"model_max_length":-1}'],
  ];
  for (const [message, text] of bad) {
    await fails('ERR_TOKENIZER', message, () => load({ 'spiece.model': SPIECE, 'tokenizer_config.json': text }));
  }
});

test('a tokenizer.json that is not ALBERT’s is refused by the component', async () => {
  type File = ReturnType<typeof smallTokenizerJson>;
  const cases: [RegExp, (file: File) => void][] = [
    [
      /"normalizers\[6\]" expected .*got .*Regex: \\"\(a\+\)\+\$\\"/,
      (f) => (f.normalizer.normalizers[6].pattern.Regex = '(a+)+$'),
    ],
    [/"normalizers\[0\].content" expected a string, got 5/, (f) => (f.normalizer.normalizers[0].content = 5)],
    [
      /"piece" expected 1 to 512 bytes, .* at normalizers\[0\].pattern/,
      (f) => (f.normalizer.normalizers[0].pattern.String = ''),
    ],
    [/"normalizers\[2\]" expected Replace, NFC/, (f) => (f.normalizer.normalizers[2] = { type: 'ByteLevel' })],
    [/"normalizers\[2\].strip_left" expected true or false/, (f) => (f.normalizer.normalizers[2] = { type: 'Strip' })],
    [
      /"normalizers" expected at most 64, got/,
      (f) => f.normalizer.normalizers.push(...Array(60).fill({ type: 'NFC' })),
    ],
    [
      /"normalizers" expected at most 64/,
      (f) => f.normalizer.normalizers.push(...Array(300).fill({ type: 'Sequence', normalizers: [] })),
    ],
    [/"normalizer.normalizers" expected an array/, (f) => (f.normalizer.normalizers = {})],
    [/"precompiled_charsmap" expected base64/, (f) => (f.normalizer.normalizers[5].precompiled_charsmap = '*')],
    [/"precompiled_charsmap" expected base64/, (f) => (f.normalizer.normalizers[5].precompiled_charsmap = 7)],
    [/"pre_tokenizer" expected Metaspace/, (f) => (f.pre_tokenizer = { type: 'ByteLevel' })],
    [/"pre_tokenizer" expected Metaspace/, (f) => (f.pre_tokenizer = null)],
    [/"pre_tokenizer" expected Metaspace/, (f) => (f.pre_tokenizer.pretokenizers[1].prepend_scheme = 'last')],
    [/"pre_tokenizer" expected Metaspace/, (f) => f.pre_tokenizer.pretokenizers.push({ type: 'Digits' })],
    [
      /"decoder" expected Metaspace, got "{ type: \\"Metaspace\\", replacement: \\"_\\"/,
      (f) => (f.decoder.replacement = '_'),
    ],
    [/"decoder" expected an object/, (f) => (f.decoder = null)],
    [/"post_processor" expected TemplateProcessing of \[CLS\] A/, (f) => f.post_processor.single.pop()],
    [
      /"special_tokens.\[CLS\].ids" expected "\[2\]"|"special_tokens.\[CLS\].ids" expected \[2\]/,
      (f) => (f.post_processor.special_tokens['[CLS]'].ids = [7]),
    ],
    [/"model" expected Unigram or WordPiece/, (f) => (f.model.type = 'BPE')],
    [/"byte_fallback" expected false/, (f) => (f.model.byte_fallback = true)],
    [/"model.vocab" expected an array/, (f) => (f.model.vocab = { a: 1 })],
    [/"model.vocab\[9\]" expected \[piece, score\]/, (f) => (f.model.vocab[9] = ['x'])],
    [/"score" expected a finite float, got 1e\+300 at piece 9/, (f) => (f.model.vocab[9][1] = 1e300)],
    [/"piece" expected no piece twice, got ","/, (f) => (f.model.vocab[9][0] = ',')],
    [/"piece" expected 1 to 512 bytes/, (f) => (f.model.vocab[9][0] = '')],
    [/"unk_id" expected an id < 300, got 300/, (f) => (f.model.unk_id = 300)],
    [/"added_tokens\[4\].id" expected the id of "\[MASK\]", or 300, got 5/, (f) => (f.added_tokens[4].id = 5)],
    [
      /"added_tokens\[4\].content" expected no token twice/,
      (f) => Object.assign(f.added_tokens[4], { content: '[SEP]', id: 3 }),
    ],
    [/"added_tokens\[4\].content" expected a string/, (f) => (f.added_tokens[4].content = 1)],
    [/"added_tokens\[4\].single_word" expected true or false/, (f) => (f.added_tokens[4].single_word = 1)],
  ];
  for (const [message, change] of cases) {
    const file = smallTokenizerJson();
    change(file);
    await fails('ERR_TOKENIZER', message, () => loadJson(file));
  }
  const deep = JSON.stringify(smallTokenizerJson()).replace('"NFKD"', '['.repeat(1e5) + ']'.repeat(1e5));
  await fails('ERR_TOKENIZER', /"normalizers\[2\]" expected/, () => load({ 'tokenizer.json': deep }));
  await fails('ERR_TOKENIZER', /"tokenizer.json" expected JSON in UTF-8/, () => load({ 'tokenizer.json': '{"a":' }));
  await fails('ERR_TOKENIZER', /"tokenizer.json" expected JSON in UTF-8/, () =>
    load({ 'tokenizer.json': Uint8Array.of(0xff) }),
  );
  const huge = new Uint8Array((32 << 20) + 1);
  await fails('ERR_TOKENIZER', /"tokenizer.json" expected at most 33554432 bytes/, () =>
    load({ 'tokenizer.json': huge }),
  );
});

interface SpieceOptions {
  pieces?: [piece: string, score: number, type?: number][];
  modelType?: number;
  charsmap?: Uint8Array;
  dummyPrefix?: boolean;
}

const BASIC: [string, number, number?][] = [
  ['<pad>', 0, 3],
  ['<unk>', 0, 2],
  ['[CLS]', 0, 3],
  ['[SEP]', 0, 3],
  ['[MASK]', 0, 3],
  ['▁', -2],
  ['a', -3],
];

/** The bytes of a small `spiece.model`. */
function spiece({ pieces = BASIC, modelType = 1, charsmap, dummyPrefix = true }: SpieceOptions): Uint8Array {
  const writer = new PbfWriter();
  for (const [piece, score, type] of pieces) {
    writer.writeMessage(
      1,
      (_: unknown, message: PbfWriter) => {
        message.writeStringField(1, piece);
        message.writeFloatField(2, score);
        if (type !== undefined) message.writeVarintField(3, type);
      },
      undefined,
    );
  }
  writer.writeMessage(2, (_: unknown, message: PbfWriter) => message.writeVarintField(3, modelType), undefined);
  writer.writeMessage(
    3,
    (_: unknown, message: PbfWriter) => {
      if (charsmap !== undefined) message.writeBytesField(2, charsmap);
      message.writeBooleanField(3, dummyPrefix);
    },
    undefined,
  );
  return writer.finish();
}

test('piece types: unused and control pieces match no text, user-defined ones do', async () => {
  const pieces: [string, number, number?][] = [...BASIC, ['aa', -1, 5], ['(', 0, 4], ['1,', -1], ['1', -3], [',', -3]];
  const tokenizer = await loadSpiece(spiece({ pieces }));
  assert.equal(tokenizer.encode('aa (').tokens.slice(1, -1), ['▁', 'a', 'a', '▁', '(']);
  assert.equal(tokenizer.encode('1,').tokens.slice(1, -1), ['▁', '1', ','], 'digit and comma are dear');
  assert.equal(tokenizer.encode('[CLS').tokens.slice(1, -1), ['▁', '[cls']);
});

test('limits of spiece.model: at the limit it loads, past it not', async () => {
  const piece = (length: number) =>
    spiece({ pieces: [...BASIC, ['é'.repeat(length / 2) + 'x'.repeat(length % 2), -5]] });
  assert.is((await loadSpiece(piece(511))).vocab_size, 8);
  assert.is((await loadSpiece(piece(512))).vocab_size, 8);
  await fails('ERR_TOKENIZER', /"piece" expected 1 to 512 bytes, got "513 bytes" at piece 7/, () =>
    loadSpiece(piece(513)),
  );

  const padded = (length: number) => {
    const base = spiece({});
    const rest = length - base.length - 5; // field 4 (self_test_data), a tag and four bytes of length
    const bytes = new Uint8Array(length);
    bytes.set(base);
    bytes.set(
      [0x22, (rest & 0x7f) | 0x80, ((rest >> 7) & 0x7f) | 0x80, ((rest >> 14) & 0x7f) | 0x80, rest >> 21],
      base.length,
    );
    return bytes;
  };
  const limit = 16 << 20;
  for (const length of [limit - 1, limit]) assert.is((await loadSpiece(padded(length))).vocab_size, 7);
  await fails('ERR_TOKENIZER', /"spiece.model" expected at most 16777216 bytes/, () => loadSpiece(padded(limit + 1)));

  const many = (count: number) => {
    const pieces = Array.from({ length: count - BASIC.length }, (_, i) => `${i.toString(36)}!`);
    return spiece({ pieces: [...BASIC, ...pieces.map((text): [string, number] => [text, -9])] });
  };
  assert.is((await loadSpiece(many(1_000_000))).vocab_size, 1_000_000);
  await fails('ERR_TOKENIZER', /"pieces" expected at most 1000000, got "more"/, () => loadSpiece(many(1_000_001)));
});

test('a malformed spiece.model is refused by the field', async () => {
  const cases: [RegExp, Uint8Array][] = [
    [/"pieces" expected one unknown piece, got 0/, new Uint8Array(0)],
    [/"ModelProto" expected/, new Uint8Array(64).fill(0xff)],
    [/"ModelProto" expected a message of 3 bytes, got "an end at byte/, Uint8Array.of(0, 0, 0)],
    [/"pieces" expected wire type 2, got 0/, Uint8Array.of(0x08, 1)],
    [/"pieces" expected an end at byte 2 or before, got 102/, Uint8Array.of(0x0a, 100)],
    [/"piece" expected a protobuf message/, Uint8Array.of(0x0a, 3, 0x0a, 1, 0xff)],
    [/"piece" expected a message of 3 bytes|"piece" expected a protobuf message/, Uint8Array.of(0x0a, 3, 0x15, 0, 0)],
    [
      /"score" expected a finite float, got NaN at piece 6/,
      spiece({ pieces: [...BASIC.slice(0, 6), ['a', Number.NaN]] }),
    ],
    [/"score" expected a finite float, got -Infinity/, spiece({ pieces: [['a', Number.NEGATIVE_INFINITY]] })],
    [/"piece" expected no piece twice, got "a"/, spiece({ pieces: [...BASIC, ['a', -1]] })],
    [/"type" expected no byte pieces/, spiece({ pieces: [...BASIC, ['<0x00>', 0, 6]] })],
    [/"pieces" expected one unknown piece, got 2/, spiece({ pieces: [...BASIC, ['<unk2>', 0, 2]] })],
    [
      /"mask_token" expected a token of the vocabulary, got "\[MASK\]"/,
      spiece({ pieces: BASIC.filter(([piece]) => piece !== '[MASK]') }),
    ],
    [/"model_type" expected 1 \(unigram\), got 2/, spiece({ modelType: 2 })],
    [/"add_dummy_prefix" expected true, got false/, spiece({ dummyPrefix: false })],
  ];
  for (const [message, bytes] of cases) await fails('ERR_TOKENIZER', message, () => loadSpiece(bytes));
});

/** A character map of `units` with the given replacements. */
function charsmap(units: ArrayLike<number>, replacements = 'x\0'): Uint8Array {
  const text = new TextEncoder().encode(replacements);
  const bytes = new Uint8Array(4 + units.length * 4 + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, units.length * 4, true);
  for (let i = 0; i < units.length; i++) view.setUint32(4 + i * 4, units[i] as number, true);
  bytes.set(text, 4 + units.length * 4);
  return bytes;
}

test('a character map is checked before it is used', async () => {
  const trie = new Uint32Array(256);
  const changed = (index: number, unit: number) => Object.assign(trie.slice(), { [index]: unit });
  // 'b' -> 'a': a leaf unit labelled 'b' whose value unit is its neighbour at distance 1.
  const working = Object.assign(changed(0x62, (1 << 10) | 0x100 | 0x62), { 99: 0x80000000 });
  const tokenizer = await loadSpiece(spiece({ charsmap: charsmap(working, 'a\0') }));
  assert.equal(tokenizer.encode('ab').tokens.slice(1, -1), ['▁', 'a', 'a']);
  const cases: [RegExp, Uint8Array][] = [
    [/"precompiled_charsmap" expected a trie of 4 to/, Uint8Array.of(1)],
    [
      /"precompiled_charsmap" expected a trie of 4 to 4 bytes, in whole units, got "1000 bytes"/,
      Uint8Array.of(0xe8, 3, 0, 0, 0, 0, 0, 0),
    ],
    [/expected trie offsets that stay within 256 units, got 256 at unit 0/, charsmap(changed(0, 256 << 10))],
    [/expected trie offsets that stay within 100 units/, charsmap(trie.subarray(0, 100))],
    [/expected replacement offsets < 2, got 2 at unit 7/, charsmap(changed(7, 0x80000002))],
    [/expected replacements that end in NUL/, charsmap(trie, 'abc')],
    [/expected replacements of at most 512 bytes, got 513/, charsmap(trie, `${'y'.repeat(513)}\0`)],
  ];
  for (const [message, map] of cases)
    await fails('ERR_TOKENIZER', message, () => loadSpiece(spiece({ charsmap: map })));
});

/** A trie of one path of `a`s: the unit after so many of them leads back by `back` units, or to a leaf. */
function pathOfLetters(length: number, back = 0): Uint8Array {
  // Unit i has its child at i + 0x100, which is i ^ 0x100 ^ 0x61 ^ 0x61 with an offset that flips the right bits.
  const stride = 0x100;
  const units = new Uint32Array((length + 2) * stride);
  const at = (i: number) => i * stride + (i === 0 ? 0 : 0x61);
  for (let i = 0; i <= length; i++) {
    const target = i === length ? (back > 0 ? length + 1 - back : length + 1) : i + 1;
    // Children of a unit lie at unit ^ offset ^ byte; the child's index ends in 0x61, so its base ends in 0.
    const offset = at(i) ^ (target * stride);
    const label = i === 0 ? 0 : 0x61;
    units[at(i)] = ((offset & 0xff) === 0 ? ((offset >>> 8) << 10) | 0x200 : offset << 10) | label;
    if (i === length && back === 0) {
      units[at(i)]! |= 0x100;
      units[target * stride] = 0x80000000;
    }
  }
  return charsmap(units);
}

test('a character map whose trie has a cycle, or keys without end, is refused at once', async () => {
  const loadMap = (map: Uint8Array) => loadSpiece(spiece({ charsmap: map }));
  for (const back of [1, 2, 7]) {
    await fails('ERR_TOKENIZER', /expected keys of at most 256 bytes, got "longer ones or a cycle"/, () =>
      loadMap(pathOfLetters(8, back)),
    );
  }
  await fails('ERR_TOKENIZER', /expected keys of at most 256 bytes/, () => loadMap(pathOfLetters(257)));
  const longest = await loadMap(pathOfLetters(256));
  assert.equal(longest.encode('a'.repeat(257)).tokens.slice(1, -1), ['▁', 'x', 'a'], 'the longest key is one x');
  // Ninety thousand units, each of them a child of all the others.
  const dense = new Uint32Array(1 << 17).fill((1 << 10) | 0x61);
  await fails('ERR_TOKENIZER', /precompiled_charsmap/, () => loadMap(charsmap(dense)));
});

test('mutated files load or are ERR_TOKENIZER, and what loads encodes', async () => {
  const small = spiece({ charsmap: charsmap(new Uint32Array(512)) });
  const random = seeded(29);
  let refused = 0;
  const cases = 3000;
  for (let i = 0; i < cases; i++) {
    const bytes = small.slice(0, random(8) === 0 ? random(small.length) : small.length);
    for (let changes = 1 + random(4); changes > 0; changes--)
      bytes[random(random(2) ? 200 : bytes.length)] = random(256);
    try {
      const tokenizer = await loadSpiece(bytes);
      const { input_ids } = tokenizer.encode("Aa ``b'' ﬁ [MASK] \ufdfa 漢");
      assert.ok(input_ids.every((id) => id >= 0 && id < tokenizer.vocab_size));
    } catch (error) {
      assert.instance(error, AlbertError, `mutation ${i}: ${(error as Error).stack}`);
      assert.is((error as AlbertError).code, 'ERR_TOKENIZER');
      refused++;
    }
  }
  assert.ok(refused > cases / 4 && refused < cases, `${refused} of ${cases} refused`);
});

test('loading and encoding leave the caller’s bytes as they were', async () => {
  const [before, config] = [SPIECE.slice(), CONFIG.slice()];
  (await load({ 'spiece.model': SPIECE, 'tokenizer_config.json': CONFIG })).encode('The cat');
  assert.equal(Buffer.compare(SPIECE, before), 0);
  assert.equal(Buffer.compare(CONFIG, config), 0);
});

test.run();
