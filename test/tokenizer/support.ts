/** What the tokenizer's tests share: the shipped files, tokenizers made from them, and a check for errors. */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';

import { AlbertError, type AlbertErrorCode } from '../../src/ground/errors.js';
import { AlbertTokenizer } from '../../src/tokenizer/tokenizer.js';

export const MODEL = new URL('../../models/albert-mini-en/', import.meta.url);
export const SPIECE: Uint8Array = readFileSync(new URL('spiece.model', MODEL));
export const CONFIG: Uint8Array = readFileSync(new URL('tokenizer_config.json', MODEL));

export const fromJson = await AlbertTokenizer.from_pretrained(MODEL);
export const fromSpiece = await AlbertTokenizer.from_pretrained({
  'spiece.model': SPIECE,
  'tokenizer_config.json': CONFIG,
});

/** The texts and C++ ids of `fixtures/tokenizer/spm-golden.json`. */
export const GOLDEN: readonly { text: string; ids: number[] }[] = readJson('tokenizer/spm-golden.json');

export function readJson(fixture: string) {
  return JSON.parse(readFileSync(new URL(`../fixtures/${fixture}`, import.meta.url), 'utf8'));
}

/** A fresh copy of the shipped `tokenizer.json` with only its first pieces, to be changed by a test. */
export function smallTokenizerJson(pieces = 300) {
  const file = JSON.parse(readFileSync(new URL('tokenizer.json', MODEL), 'utf8'));
  file.model.vocab = file.model.vocab.slice(0, pieces);
  return file;
}

/** Runs `action`, which must fail with this code and a message that matches. */
export async function fails(code: AlbertErrorCode, message: RegExp, action: () => unknown): Promise<void> {
  let error: unknown;
  try {
    await action();
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, AlbertError, `expected ${code} matching ${message}`);
  assert.is((error as AlbertError).code, code, (error as AlbertError).message);
  assert.match((error as AlbertError).message, message);
}

/** A seeded source of whole numbers below a bound (numerical recipes' generator). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A seeded text of up to `length` units that mixes words with what breaks tokenizers. */
export function hostileText(random: (below: number) => number, length: number): string {
  let text = '';
  while (text.length < length) {
    const kind = random(10);
    if (kind < 4) text += WORDS[random(WORDS.length)];
    else if (kind < 6) text += ODDITIES[random(ODDITIES.length)];
    else if (kind < 8) text += String.fromCodePoint(random(random(2) ? 0x3000 : 0x20000));
    else text += ' ';
  }
  return text.slice(0, length);
}

const WORDS = [
  'The',
  'quick',
  'BROWN',
  ' fox',
  'jumped',
  ' over',
  '1,000',
  ' 2008,',
  "don't",
  ' naïve',
  '.',
  ', ',
  '--',
];
const ODDITIES =
  "``|''|\u0301|\u0345|\ufe0f|\u200d|\ufdfa|ﬁ|Σ|İ|ß|\u0000|\u001c|\u0085|\u200b|\u00ad|\u2581|\t|\u3000|…|½|ｆ|😀|\ud83d|\ude00|각|[MASK]|[CLS]|<pad>".split(
    '|',
  );
