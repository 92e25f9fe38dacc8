/** Checks of what pipelines are given. */
import { mismatch } from '../ground/errors.js';

/** @throws ERR_INPUT unless an input is an object with a text under each of these keys */
export function checkTexts(input: unknown, ...keys: readonly string[]): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw mismatch('ERR_INPUT', 'input', `an object with ${keys.join(' and ')}`, input);
  }
  for (const key of keys) {
    const text = (input as Readonly<Record<string, unknown>>)[key];
    if (typeof text !== 'string') throw mismatch('ERR_INPUT', key, 'a string', text);
  }
}

/** The most texts of one input, such as choices: the result of each is held until the last one is there. */
const MAX_TEXTS = 1 << 20;

/** @throws ERR_INPUT unless an input's list is an array of texts, at least one; ERR_TOO_LONG past 1 Mi of them */
export function checkTextList(title: string, texts: unknown): void {
  if (!Array.isArray(texts) || texts.length === 0) {
    throw mismatch('ERR_INPUT', title, 'an array of texts, at least one', texts);
  }
  if (texts.length > MAX_TEXTS) throw mismatch('ERR_TOO_LONG', title, `at most ${MAX_TEXTS} texts`, texts.length);
  texts.forEach((text, i) => {
    if (typeof text !== 'string') throw mismatch('ERR_INPUT', title, 'a string', text, `[${i}]`);
  });
}

/** Checks an option that is a count, such as `top_k`. */
export function checkCount(title: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) throw mismatch('ERR_INPUT', title, 'an integer from 1', count);
}

/** Checks a `top_k` that may be `null`, for all. @returns how many */
export function checkTopK(top_k: number | null): number {
  if (top_k !== null) checkCount('top_k', top_k);
  return top_k ?? Number.POSITIVE_INFINITY;
}
