/** Texts of token ids, the same on every machine. */
import { tokenIds } from './albert-base.js';
import { uniform } from './numbers.js';

/** The fewest tokens of a text. */
export const SHORTEST = 5;

/** Texts of mixed lengths, from SHORTEST to `longest` tokens. */
export function mixedTexts(count: number, longest: number, vocabulary?: number): Int32Array[] {
  const lengths = Array.from(uniform(count, 3, SHORTEST, longest + 1), Math.floor);
  return lengths.map((seq) => tokenIds({ batch: 1, seq }, vocabulary));
}
