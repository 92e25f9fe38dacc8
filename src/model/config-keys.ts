/** Checks of single keys of a configuration, which throw ERR_CONFIG. null counts as absent. */
import { type AlbertError, mismatch } from '../ground/errors.js';

/** Larger than any ALBERT; small enough that no product of two sizes leaves the safe integers. */
const MAX_COUNT = 1 << 24;

/** ERR_CONFIG for one key. */
export function wrong(key: string, expected: string, got: unknown): AlbertError {
  return mismatch('ERR_CONFIG', key, expected, got === undefined ? 'nothing' : got, 'config');
}

/** An integer from 1 to `most`. */
export function count(raw: Record<string, unknown>, key: string, fallback?: number, most = MAX_COUNT): number {
  const value = raw[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
    throw wrong(key, `an integer from 1 to ${most}`, value);
  }
  return value;
}

/** A number from 0 to below 1. */
export function rate(raw: Record<string, unknown>, key: string, fallback: number): number {
  const value = raw[key] ?? fallback;
  if (typeof value !== 'number' || !(value >= 0 && value < 1)) throw wrong(key, 'a number from 0 to below 1', value);
  return value;
}

export function positive(raw: Record<string, unknown>, key: string, fallback: number): number {
  const value = raw[key] ?? fallback;
  if (typeof value !== 'number' || !(value > 0 && value < Infinity)) throw wrong(key, 'a positive number', value);
  return value;
}

export function flag(raw: Record<string, unknown>, key: string, fallback: boolean): boolean {
  const value = raw[key] ?? fallback;
  if (typeof value !== 'boolean') throw wrong(key, 'true or false', value);
  return value;
}

/** An absent key passes. */
export function oneOf(key: string, value: unknown, names: readonly string[]): void {
  if (value === undefined || value === null || names.includes(value as string)) return;
  throw wrong(key, names.map((name) => `"${name}"`).join(' or '), value);
}
