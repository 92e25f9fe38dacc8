/** Checked access to the JSON of a tokenizer file: a value of the wrong kind is ERR_TOKENIZER with its location. */
import { mismatch } from '../ground/errors.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws ERR_TOKENIZER when the bytes are too many, not UTF-8, not JSON or not an object */
export function parseObject(bytes: Uint8Array, file: string, maxBytes: number): JsonObject {
  if (bytes.length > maxBytes) {
    throw mismatch('ERR_TOKENIZER', file, `at most ${maxBytes} bytes`, `${bytes.length} bytes`);
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw mismatch('ERR_TOKENIZER', file, 'JSON in UTF-8', (cause as Error).message, undefined, { cause });
  }
  return readObject(value, file, file);
}

export function readObject(value: unknown, title: string, file: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw mismatch('ERR_TOKENIZER', title, 'an object', value, file);
}

export function readArray(value: unknown, title: string, file: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw mismatch('ERR_TOKENIZER', title, 'an array', value, file);
}

/** A flag of an object; `undefined` where the key is missing or null. */
export function readFlag(object: JsonObject, key: string, title: string, file: string): boolean | undefined {
  const value = object[key] ?? undefined;
  if (value === undefined || typeof value === 'boolean') return value;
  throw mismatch('ERR_TOKENIZER', title, 'true or false', value, file);
}

/** Whether a value of a file has exactly the given keys and values, in any order of keys. */
export function same(value: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return value === expected;
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== Array.isArray(expected)) return false;
  const keys = Object.keys(expected);
  return (
    keys.length === Object.keys(value).length &&
    keys.every((key) => same((value as JsonObject)[key], (expected as JsonObject)[key]))
  );
}

/** A value's first two levels in one line; deeper ones would let a file choose the depth of the recursion. */
function describe(value: unknown, levels = 2): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (levels === 0) return '…';
  const entries = Object.entries(value).slice(0, 8);
  return `{ ${entries.map(([key, item]) => `${key}: ${describe(item, levels - 1)}`).join(', ')} }`;
}

/** The steps of a Sequence, a single step, or no steps for null. */
export function listOf(value: unknown, title: string, key: string, file: string): unknown[] {
  if (value === null || value === undefined) return [];
  const component = readObject(value, title, file);
  return component.type === 'Sequence' ? readArray(component[key], `${title}.${key}`, file) : [component];
}

/** Shows the offending component's fields: its type alone does not say what is wrong with it. */
export function notAlbert(title: string, expected: string, got: unknown) {
  return mismatch('ERR_TOKENIZER', title, expected, describe(got), 'tokenizer.json');
}
