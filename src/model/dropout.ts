/** The random numbers of a training forward: one key for each place that drops, all from the caller's seed. */
import type { Engine } from '../engine/engine.js';
import type { Matrix } from '../engine/memory.js';

/** Hands out dropout keys in the order of the forward, so that one seed always drops the same elements. */
export class DropoutStream {
  readonly #seed: number;
  #site = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Applies dropout of `rate` to x, as FlaxAlbert's `nn.Dropout` does: the kept elements grow by 1 / (1 - rate). */
  apply(engine: Engine, x: Matrix, rate: number): void {
    // A place of rate 0 takes its number too: changing one rate must not move the others' masks.
    const key = mix(this.#seed, this.#site++);
    if (rate > 0) engine.dropout(x, rate, key);
  }
}

/** 32 bits of a seed of up to 53 and a counter, by the finaliser of MurmurHash3. */
export function mix(seed: number, counter: number): number {
  let h = finalize(seed | 0);
  h = finalize(h ^ Math.floor(seed / 2 ** 32));
  return finalize(h ^ Math.imul(counter + 1, 0x9e3779b1));
}

function finalize(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
