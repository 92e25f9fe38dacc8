/** In which order the examples of an epoch are read: decided by the seed and the epoch, so that a resumed run reads the same. */
import { mix } from '../../model/random.js';

/** A random order of `count` things. */
export function shuffled(count: number, seed: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(((mix(seed, i) >>> 0) / 2 ** 32) * (i + 1));
    [order[i], order[other]] = [order[other] as number, order[i] as number];
  }
  return order;
}

/** Batches whose examples are sorted together, in a random order within. Source: `LengthGroupedSampler` of transformers. */
const GROUPED_BATCHES = 50;

/** The same with examples of similar length beside each other. */
export function groupedByLength(lengths: readonly number[], batch: number, seed: number): number[] {
  const order = shuffled(lengths.length, seed);
  const size = batch * GROUPED_BATCHES;
  const groups: number[][] = [];
  for (let from = 0; from < order.length; from += size) {
    groups.push(order.slice(from, from + size).sort((a, b) => (lengths[b] as number) - (lengths[a] as number)));
  }
  return groups.flat();
}
