/**
 * Which elements a seed drops. FlaxAlbert drops at numbered sites: the embeddings; then in every inner layer the attention
 * weights, if any are to be dropped, the output of the attention's dense layer and that of the feed-forward block; then what
 * the head's dense layer receives. A site's rows are the tokens of the whole batch, or its sequences.
 */
import { mix } from '../../src/model/random.js';
import type { Matrix } from './matrix.js';
import type { Tape } from './tape.js';

/** MurmurHash3's finaliser of an element's place in a Weyl sequence. */
function randomWord(key: number, index: number): number {
  let x = (Math.imul(index, 0x9e3779b1) + key) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A site, the share that it drops, and how many columns its rows have in the batch. */
export interface Site {
  readonly number: number;
  readonly rate: number;
  readonly columns: number;
}

/** x without the elements that the seed drops, and the others grown by 1 / (1 - rate); x begins at `firstRow` of the site's rows. */
export function drop(tape: Tape, seed: number | undefined, x: Matrix, site: Site, firstRow: number): Matrix {
  const { number, rate, columns } = site;
  if (seed === undefined || rate === 0) return x;
  const key = mix(seed, number);
  const threshold = Math.floor(rate * 2 ** 32);
  return tape.times(x, (row, column) =>
    randomWord(key, (firstRow + row) * columns + column) < threshold ? 0 : 1 / (1 - rate),
  );
}
