/**
 * Hostile text against C++ SentencePiece (Debian's `spm_encode`): the ids are equal, line by line. `FUZZ_SEED` and
 * `FUZZ_CASES` choose another or a longer run.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stateCases } from '../cases.js';
import { fromJson, fromSpiece, GOLDEN, hostileText, SPIECE, seeded } from '../tokenizer/support.js';

const test = suite('tokenizer and SentencePiece');

const SEED = Number(process.env.FUZZ_SEED ?? 20260101);
const CASES = Number(process.env.FUZZ_CASES ?? 6000);
const LEAST = process.env.FUZZ_CASES === undefined ? 6000 : 1;

/** ALBERT's `preprocess_text` (tokenization.py), which `spiece.model` does not hold. */
function preprocess(text: string): string {
  const wellFormed = Buffer.from(text).toString();
  // Python's str.split() without an argument.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point
  const words = wellFormed.split(/[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/);
  const quoted = words.filter(Boolean).join(' ').replaceAll('``', '"').replaceAll("''", '"');
  return Array.from(quoted.normalize('NFKD'))
    .filter((character) => !isCombining(character))
    .join('')
    .toLowerCase();
}

/** unicodedata.combining(): classes sort, so a mark trades places with one of class 230 before or of 220 after it. */
function isCombining(character: string): boolean {
  const pairs = /\p{M}/u.test(character) ? [`\u0300${character}`, `${character}\u0323`] : [];
  return pairs.some((pair) => pair.normalize('NFD') !== pair);
}

/** The model with 100 off the score of each piece that ends in a digit and a comma, as Hugging Face's conversion does. */
function lowered(model: Uint8Array): Uint8Array {
  const bytes = model.slice();
  const view = new DataView(bytes.buffer);
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      value |= (bytes[at]! & 127) << shift;
      if (bytes[at++]! < 128) return value;
    }
  };
  while (at < bytes.length) {
    const field = varint() >> 3;
    const end = varint() + at;
    if (field === 1) {
      at++;
      const length = varint();
      const piece = new TextDecoder().decode(bytes.subarray(at, at + length));
      const score = at + length + 1;
      if (/\p{Nd},$/u.test(piece)) view.setFloat32(score, view.getFloat32(score, true) - 100, true);
    }
    at = end;
  }
  return bytes;
}

/** The ids that C++ SentencePiece gives each line; `undefined` where it is not installed. */
function spmEncode(lines: readonly string[]): number[][] | undefined {
  const folder = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    writeFileSync(`${folder}/spiece.model`, lowered(SPIECE));
    const { error, status, stdout, stderr } = spawnSync(
      'spm_encode',
      [`--model=${folder}/spiece.model`, '--output_format=id'],
      { input: lines.map((line) => `${line}\n`).join(''), maxBuffer: 2 ** 30, encoding: 'utf8' },
    );
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
    assert.is(status, 0, stderr || String(error));
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' ').filter(Boolean).map(Number));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Lines of words among oddities, of any code points, of whole graphemes, and neighbours of the golden ones. */
function hostileLines(): string[] {
  const random = seeded(SEED);
  const numRuns = Math.ceil(CASES / 4);
  const options = { seed: SEED, numRuns };
  const spliced = (text: string) => text.slice(random(text.length)) + hostileText(random, random(20)) + text;
  return [
    ...Array.from({ length: numRuns }, () => hostileText(random, random(120))),
    ...fc.sample(fc.string({ unit: 'binary', maxLength: 80 }), options),
    ...fc.sample(fc.string({ unit: 'grapheme', maxLength: 80 }), options),
    ...Array.from({ length: numRuns }, () => spliced(GOLDEN[random(GOLDEN.length)]!.text)),
    // Special tokens that are written out are SentencePiece's text, but this library's tokens.
  ].map((line) => line.replace(/\[(MASK|CLS|SEP)\]|<(pad|unk)>/g, '$1'));
}

test(`${CASES} lines from seed ${SEED}`, () => {
  const lines = hostileLines().slice(0, CASES);
  const wanted = spmEncode(lines.map(preprocess));
  if (wanted === undefined) {
    console.log('\nskipped: there is no spm_encode (apt-get install sentencepiece)');
    return;
  }
  assert.is(wanted.length, lines.length);
  let pieces = 0;
  for (const [i, line] of lines.entries()) {
    for (const tokenizer of [fromJson, fromSpiece]) {
      const { input_ids } = tokenizer.encode(line, { add_special_tokens: false });
      assert.equal(input_ids, wanted[i], `line ${i} of FUZZ_SEED=${SEED}: ${JSON.stringify(line)}`);
    }
    pieces += wanted[i]!.length;
  }
  assert.ok(pieces > 10 * lines.length, `${pieces} pieces`);
  stateCases(lines.length, LEAST);
});

test.run();
