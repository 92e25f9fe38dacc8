/**
 * `tokenizer.json` against Hugging Face's Rust library itself (the package `@anush008/tokenizers`): ids and decoded text of
 * hostile and multilingual lines, in every layout that ALBERT's files have had. `FUZZ_SEED` and `FUZZ_CASES` choose others.
 */
import { existsSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bertSteps, isPunctuation, isWhiteSpace } from '../../src/tokenizer/bert.js';
import {
  lowercase,
  nmt,
  replaceMatches,
  type Step,
  strip,
  stripAccents,
  unicodeForm,
} from '../../src/tokenizer/normalizer.js';
import { alignText } from '../../src/tokenizer/offsets.js';
import { AlbertTokenizer } from '../../src/tokenizer/tokenizer.js';
import { stateCases } from '../support/cases.js';
import { layouts, readSpiece, wordPieceJson } from './layouts.js';
import { multilingualLines } from './lines.js';
import { MODEL, SPIECE, seeded } from './support.js';

const test = suite('tokenizer.json and the Rust library');

const SEED = Number(process.env.FUZZ_SEED ?? 20260101);
/** Lines of each layout; the first ones get all 30,000 where the run is a long one. */
const CASES = Number(process.env.FUZZ_CASES ?? 2000);
const LEAST = process.env.FUZZ_CASES === undefined ? 2000 : 1;

/** The official vocabulary, which is not part of this repository; the small model's stands in for it. */
const OFFICIAL = new URL('../../../shared/tokenizers/albert-30k-clean.model', import.meta.url);
const VOCABULARY = existsSync(OFFICIAL) ? readFileSync(OFFICIAL) : SPIECE;

/** The library has binaries for some platforms, as optional dependencies. */
const rust = await import('@anush008/tokenizers').catch((error: Error) => {
  console.log(`\nskipped: ${error.message}`);
  return undefined;
});

const FILES: Record<string, object> = {
  ...layouts(readSpiece(VOCABULARY)),
  'albert-mini-en': JSON.parse(readFileSync(new URL('tokenizer.json', MODEL), 'utf8')),
  WordPiece: wordPieceJson(),
  'WordPiece, cased': wordPieceJson({ lowercase: false }),
  'WordPiece, as written': wordPieceJson({ clean_text: false, handle_chinese_chars: false, strip_accents: true }),
};

if (rust !== undefined) {
  for (const [name, file] of Object.entries(FILES)) {
    test(`${name}: ids and text of ${CASES} lines from seed ${SEED}`, async () => {
      const json = JSON.stringify(file);
      const lines = multilingualLines(seeded(SEED), CASES);
      const theirs = rust.Tokenizer.fromString(json);
      const ours = await AlbertTokenizer.from_pretrained({ 'tokenizer.json': json });
      const encodings = await theirs.encodeBatch(lines);
      let tokens = 0;
      for (const [i, line] of lines.entries()) {
        const ids = encodings[i]?.getIds() as number[];
        const { input_ids, offsets } = ours.encode(line);
        assert.equal(input_ids, ids, `line ${i} of FUZZ_SEED=${SEED}: ${JSON.stringify(line)}`);
        let last = 0;
        for (const [start, end] of offsets.slice(1, -1)) {
          assert.ok(start >= last && end >= start && end <= line.length, `offsets of ${JSON.stringify(line)}`);
          last = start;
        }
        tokens += ids.length;
      }
      for (const skip of [true, false]) {
        const wanted = await theirs.decodeBatch(encodings.map((encoding) => encoding.getIds()).slice(0, 500), skip);
        for (const [i, text] of wanted.entries()) {
          const ids = encodings[i]?.getIds() as number[];
          assert.is(ours.decode(ids, { skip_special_tokens: skip }), text, JSON.stringify(lines[i]));
        }
      }
      assert.ok(tokens > 8 * lines.length, `${tokens} tokens`);
      stateCases(lines.length, LEAST);
    });
  }

  test('pairs, windows and spellings: as the library makes them', async () => {
    const json = JSON.stringify(FILES.WordPiece);
    const lines = multilingualLines(seeded(SEED + 1), 300);
    const theirs = rust.Tokenizer.fromString(json);
    const ours = await AlbertTokenizer.from_pretrained({ 'tokenizer.json': json });
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const [a, b] = [lines[i] as string, lines[i + 1] as string];
      const pair = await theirs.encode(a, b);
      const encoding = ours.encode(a, { text_pair: b });
      assert.equal(encoding.input_ids, pair.getIds(), a);
      assert.equal(encoding.token_type_ids, pair.getTypeIds(), a);
      assert.equal(encoding.tokens, pair.getTokens(), a);
    }
    theirs.setTruncation(8, { stride: 2 });
    for (const line of lines) {
      const cut = await theirs.encode(line);
      const encoding = ours.encode(line, { truncation: true, max_length: 8, stride: 2 });
      assert.equal(
        [encoding, ...encoding.overflowing].map(({ input_ids }) => input_ids),
        [cut, ...cut.getOverflowing()].map((window) => window.getIds()),
        line,
      );
    }
  });

  /** Every code point alone, in lines that begin and end with a letter, against one of the library's steps. */
  const everyCharacter = (normalizer: { normalizeString(text: string): string }, steps: readonly Step[]) => {
    let cases = 0;
    for (let first = 0; first < 0x110000; first += 0x400) {
      if (first >= 0xd800 && first < 0xe000) continue;
      // Planes without a character, and the private ones but for their beginning.
      if ((first >= 0x32400 && first < 0xe0000) || (first >= 0xe1000 && first % 0x10000 !== 0)) continue;
      // Between letters that join nothing.
      const characters = Array.from({ length: 0x400 }, (_, i) => `x${String.fromCodePoint(first + i)}x`);
      const text = characters.join('');
      const wanted = normalizer.normalizeString(text);
      const got = steps.reduce((source, step) => step(source, 1 << 20), alignText(text, 0)).text;
      if (got !== wanted) {
        for (const character of characters) {
          const alone = steps.reduce((source, step) => step(source, 1 << 20), alignText(character, 0)).text;
          assert.is(alone, normalizer.normalizeString(character), `U+${character.codePointAt(1)?.toString(16)}`);
        }
      }
      cases += 0x400;
    }
    stateCases(cases, 200_000);
  };

  const bert = { cleanText: false, handleChineseChars: false, stripAccents: false, lowercase: false };
  const ours = { clean_text: false, handle_chinese_chars: false, strip_accents: false, lowercase: false };
  const STEPS: [string, { normalizeString(text: string): string }, Step[]][] = [
    ['NFC', rust.nfcNormalizer(), [unicodeForm('NFC')]],
    ['NFD', rust.nfdNormalizer(), [unicodeForm('NFD')]],
    ['NFKC', rust.nfkcNormalizer(), [unicodeForm('NFKC')]],
    ['NFKD', rust.nfkdNormalizer(), [unicodeForm('NFKD')]],
    ['StripAccents', rust.stripAccentsNormalizer(), [stripAccents()]],
    ['Nmt', rust.nmt(), nmt()],
    ['clean_text', rust.bertNormalizer({ ...bert, cleanText: true }), bertSteps({ ...ours, clean_text: true })],
    [
      'handle_chinese_chars',
      rust.bertNormalizer({ ...bert, handleChineseChars: true }),
      bertSteps({ ...ours, handle_chinese_chars: true }),
    ],
    [
      'strip_accents',
      rust.bertNormalizer({ ...bert, stripAccents: true }),
      bertSteps({ ...ours, strip_accents: true }),
    ],
  ];
  for (const [name, normalizer, steps] of STEPS) {
    test(`${name} of every character`, () => everyCharacter(normalizer, steps));
  }

  test('lower case of every character that both know', () => {
    // Letters of Unicode 16 and 17 have small ones only where the engine is as new as the library.
    const known: Step = replaceMatches(/[\u1c89\ua7cb-\ua7ff\u{10d50}-\u{10d65}\u{16ea0}-\u{16eb8}]/gu, '');
    const theirs = rust.lowercase();
    const without = (text: string) => known(alignText(text, 0), 1 << 20).text;
    everyCharacter({ normalizeString: (text) => theirs.normalizeString(without(text)) }, [known, lowercase]);
  });

  test('white space and punctuation of every character', () => {
    const split = rust.bertPreTokenizer();
    const words: string[] = [];
    for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
      if ((codePoint >= 0xd800 && codePoint < 0xe000) || (codePoint >= 0x32400 && codePoint < 0xe0000)) continue;
      words.push(`x${String.fromCodePoint(codePoint)}x`);
    }
    for (let from = 0; from < words.length; from += 0x1000) {
      const some = words.slice(from, from + 0x1000);
      const wanted = split.preTokenizeString(some.join('')).map(([word]) => word);
      const got: string[] = [];
      let word = '';
      for (const character of some.join('')) {
        const codePoint = character.codePointAt(0) as number;
        if (!isWhiteSpace(codePoint) && !isPunctuation(codePoint)) word += character;
        else {
          if (word !== '') got.push(word);
          if (isPunctuation(codePoint)) got.push(character);
          word = '';
        }
      }
      if (word !== '') got.push(word);
      assert.equal(got, wanted, `from U+${from.toString(16)}`);
    }
    const stripped = strip(true, true).reduce((text, step) => step(text, 99), alignText('\u00a0 a\u2003b\t\u3000', 0));
    assert.is(stripped.text, rust.stripNormalizer(true, true).normalizeString('\u00a0 a\u2003b\t\u3000'));
  });
}

test.run();
