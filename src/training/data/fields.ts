/** The fields of a row, checked and converted: of a CSV, all of them are written as texts. */
import { AlbertError, mismatch } from '../../ground/errors.js';
import type { Row } from './rows.js';

/** The name of a class, or its number. */
export type Label = string | number;

function take({ fields }: Row, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

/** Whether a row has a field; null does not count, nor does a field of a CSV with nothing but spaces. */
export function has(row: Row, key: string): boolean {
  const value = take(row, key);
  return value !== undefined && value !== null && !(row.written && (value as string).trim() === '');
}

/** @throws ERR_INPUT unless the field is a text with more than white space */
export function readText(row: Row, key: string): string {
  const value = take(row, key);
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw mismatch('ERR_INPUT', key, 'a text that is not empty', value);
}

/** A field that is a list: an array, or in a CSV the same as JSON. */
function readList(row: Row, key: string): unknown[] {
  const value = row.written ? parsed(row, key) : take(row, key);
  if (Array.isArray(value) && value.length > 0) return value;
  throw mismatch('ERR_INPUT', key, 'an array, at least one item', value);
}

/** A field that is JSON in a CSV. */
export function parsed(row: Row, key: string): unknown {
  const value = take(row, key);
  if (!row.written || typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw new AlbertError('ERR_INPUT', `"${key}" expected JSON: ${(cause as Error).message}`, { cause });
  }
}

/** The tags of words, without spaces around them. */
export function readTags(row: Row, key: string): string[] {
  const value = take(row, key);
  const number = Array.isArray(value) ? value.findIndex((tag) => typeof tag === 'number') : -1;
  if (number < 0) return readWords(row, key).map((tag) => tag.trim());
  const expected = 'names of tags, such as "O" and "B-PER", which other data sets list beside their numbers';
  throw mismatch('ERR_INPUT', key, expected, (value as unknown[])[number], `[${number}]`);
}

/** A list of texts; in a CSV also words with spaces between them. */
export function readWords(row: Row, key: string): string[] {
  const value = take(row, key);
  const isWords = row.written && typeof value === 'string' && !value.trimStart().startsWith('[');
  const words = isWords ? value.split(/\s+/).filter((word) => word !== '') : readList(row, key);
  if (words.length === 0) throw mismatch('ERR_INPUT', key, 'words', value);
  return checkTexts(words, key);
}

/** A list of texts. */
export function readTexts(row: Row, key: string): string[] {
  return checkTexts(readList(row, key), key);
}

function checkTexts(list: readonly unknown[], key: string): string[] {
  return list.map((text, i) => {
    if (typeof text === 'string' && text.trim() !== '') return text;
    throw mismatch('ERR_INPUT', key, 'a text that is not empty', text, `[${i}]`);
  });
}

/**
 * One label, or a list of labels: those that apply. Spaces around a label do not count: `a, yes` in a CSV has the label `yes`, not a
 * second class. Texts keep theirs, as with Python's csv and pandas.
 */
export function readLabels(row: Row, key: string): Label | Label[] {
  const value = take(row, key);
  const isList = row.written ? typeof value === 'string' && value.trimStart().startsWith('[') : Array.isArray(value);
  if (!isList) return checkLabel(value, key);
  const list = parsed(row, key);
  if (!Array.isArray(list)) throw mismatch('ERR_INPUT', key, 'an array of labels', list);
  return list.map((label) => checkLabel(label, key));
}

function checkLabel(value: unknown, key: string): Label {
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  const advice = typeof value === 'boolean' ? `, such as "${value}" or ${Number(value)}` : '';
  if (!Number.isFinite(value)) throw mismatch('ERR_INPUT', key, `a label: a text or a number${advice}`, value);
  return value as Label;
}

/** A number; `least` and `whole` limit it. */
export function readNumber(row: Row, key: string, least = Number.NEGATIVE_INFINITY, whole = false): number {
  const value = take(row, key);
  const number = row.written && typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number) && number >= least && (!whole || Number.isInteger(number)))
    return number;
  throw mismatch('ERR_INPUT', key, whole ? `an integer from ${least}` : 'a number', value);
}
