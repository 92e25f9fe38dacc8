/** Norms of gradients and steps of optimisers, over the flat memory in which weights, gradients and moments lie alike. */
import type { Region } from '../engine/memory.js';
import type { TrainingEngine } from '../engine/training-engine.js';
import type { GradientEntry, GradientMap } from './network/gradients.js';
import type { Optimizer } from './optimizers.js';

/** Numbers of a part, about. Parts do not depend on the number of threads, so neither does the sum of their sums. */
const PART = 2 ** 16;

/** Columns `first` to `first + n` of panels that are k deep. */
type Columns = readonly [k: number, first: number, n: number];

/** Where one entry's numbers lie. */
interface Addresses {
  readonly weights: number;
  readonly gradient: number;
  readonly m: number;
  readonly v: number;
}

/** Both moments of every trainable parameter, and the steps that change them. */
export class Update {
  readonly #training: TrainingEngine;
  readonly #parts: ReadonlyMap<GradientEntry, readonly Columns[]>;
  /** Distances from a gradient to its moments. */
  readonly m: number;
  readonly v: number;
  /** Address of a float64 per part. */
  readonly #sums: number;

  /** Takes room for the moments; the caller claims the region, and zeroes or fills them. */
  constructor(region: Region, training: TrainingEngine, gradients: GradientMap) {
    this.#training = training;
    this.#parts = new Map(gradients.entries.map((entry) => [entry, partsOf(entry)]));
    this.m = region.take(gradients.bytes) - gradients.start;
    this.v = region.take(gradients.bytes) - gradients.start;
    const count = [...this.#parts.values()].reduce((sum, { length }) => sum + length, 0);
    this.#sums = region.take(count * 8);
  }

  /** The norm of all gradients as one vector. */
  norm(): number {
    const all = [...this.#parts].flatMap(([entry, parts]) => parts.map((part) => [entry.gradient, ...part]));
    return Math.sqrt(this.#sumSquares(all));
  }

  /**
   * Changes weights and moments in place.
   *
   * @param step of which the first is 0
   * @param norm that of all gradients
   * @param rate the learning rate
   */
  apply({ name, settings }: Optimizer, step: number, norm: number, rate: number): void {
    const { b1, b2, eps, weight_decay, max_grad_norm } = settings;
    // As PyTorch's clip_grad_norm_.
    const factor = max_grad_norm === 0 ? 1 : Math.min(1, max_grad_norm / (norm + 1e-6));
    const adam = [b1, b2, eps, 1 - b1 ** (step + 1), 1 - b2 ** (step + 1)];
    // One entry after another: those of one panel would write it at once.
    for (const [entry, parts] of this.#parts) {
      const isMatrix = entry.parameter.shape.length > 1;
      const decay = isMatrix ? weight_decay : 0;
      const { weights, gradient, m, v } = this.#addresses(entry);
      const four = [weights, gradient, m, v];
      if (name === 'adamw') {
        const calls = parts.map((part) => [...four, ...part, factor, rate, rate * decay, ...adam]);
        this.#training.run('adamw', calls);
      } else {
        this.#training.run(
          'adamDirection',
          parts.map((part) => [...four, ...part, factor, decay, ...adam]),
        );
        const size = -rate * (isMatrix ? this.#trustRatio(weights, gradient, parts) : 1);
        this.#training.run(
          'addScaled',
          parts.map((part) => [weights, gradient, ...part, size]),
        );
      }
    }
  }

  /** LAMB's: the norm of a matrix by that of its step. */
  #trustRatio(weights: number, step: number, parts: readonly Columns[]): number {
    const [of, by] = [weights, step].map((address) => this.#sumSquares(parts.map((part) => [address, ...part])));
    return of && by ? Math.sqrt(of / by) : 1;
  }

  #addresses({ weights, gradient }: GradientEntry): Addresses {
    return { weights, gradient, m: gradient + this.m, v: gradient + this.v };
  }

  /** In float64, in the order of the parts. */
  #sumSquares(parts: readonly (readonly number[])[]): number {
    this.#training.run(
      'sumSquares',
      parts.map((part, i) => [...part, this.#sums + i * 8]),
    );
    const sums = new Float64Array(this.#training.engine.memory.wasm.buffer, this.#sums, parts.length);
    return sums.reduce((total, sum) => total + sum, 0);
  }
}

/** Cuts an entry's columns between whole panels. */
function partsOf({ range, columns }: GradientEntry): Columns[] {
  // A range is columns of a vector: the allocation's floats, one after another.
  const { k, first, n } = columns ?? { k: 1, first: (range?.offset ?? 0) / 4, n: range?.floats ?? 0 };
  const most = Math.max(8, Math.floor(PART / k / 8) * 8);
  const parts: Columns[] = [];
  for (let from = first; from < first + n; ) {
    const to = Math.min(first + n, from - (from % 8) + most);
    parts.push([k, from, to - from]);
    from = to;
  }
  return parts;
}
