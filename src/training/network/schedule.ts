/** Decides into how many micro-batches a batch is cut, and what of a forward is kept for the backward pass. */
import { AlbertError } from '../../ground/errors.js';
import type { Kept } from './encoder.js';
import { cut, type Example, type MicroBatch } from './micro-batches.js';
import type { CheckedLabels } from './request.js';

export interface Schedule {
  readonly kept: Kept;
  readonly batches: readonly MicroBatch[];
}

/** Micro-batches of fewer tokens take longer than computing the layers again: the products lose too much. */
const LEAST_TOKENS = 512;

/**
 * Everything is kept if the whole batch fits so, or micro-batches of at least LEAST_TOKENS; otherwise only each layer's input, in
 * micro-batches as large as fit.
 *
 * @param recompute forces the one or the other
 * @param bytesOf the size of the memory that a micro-batch needs in all
 * @throws ERR_MEMORY when not even one example fits
 */
export function schedule(
  examples: readonly Example[],
  labels: CheckedLabels,
  recompute: boolean | undefined,
  limit: number,
  bytesOf: (batch: MicroBatch, kept: Kept) => number,
): Schedule {
  const tokens = examples.reduce((sum, example) => sum + example.tokens, 0);
  const tryWith = (kept: Kept, most: number): Schedule | undefined => {
    let before = 0;
    for (let parts = 1; parts <= most; parts++) {
      const batches = cut(examples, labels, parts);
      if (batches.length === before) continue;
      before = batches.length;
      if (batches.every((batch) => bytesOf(batch, kept) <= limit)) return { kept, batches };
    }
    return undefined;
  };
  const found =
    (recompute !== true &&
      tryWith('all', recompute === false ? examples.length : Math.max(1, tokens / LEAST_TOKENS))) ||
    (recompute !== false && tryWith('inputs', examples.length));
  if (found) return found;
  const kept = recompute === false ? 'all' : 'inputs';
  const alone = cut(examples, labels, examples.length).map((batch) => ({ ...batch, bytes: bytesOf(batch, kept) }));
  const { tokens: longest, bytes } = alone.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const message = `"maxMemoryBytes" expected at least ${bytes} for an example of ${longest} tokens, got ${limit}`;
  throw new AlbertError('ERR_MEMORY', message);
}
