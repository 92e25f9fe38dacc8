/** The random numbers of a training forward: one key for each site of dropout, all from the caller's seed. */
import type { Engine } from '../../engine/engine.js';
import type { Matrix } from '../../engine/memory.js';
import { mix } from '../random.js';

/** Hands out dropout keys in the order of the forward, so that one seed always drops the same elements. */
export class DropoutStream {
  readonly #seed: number;
  #site = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Applies dropout of `rate` to x, as FlaxAlbert's `nn.Dropout` does: the elements that stay grow by 1 / (1 - rate). */
  apply(engine: Engine, x: Matrix, rate: number): void {
    // A site of rate 0 takes its number too: changing one rate must not move the others' masks.
    const key = mix(this.#seed, this.#site++);
    if (rate > 0) engine.dropout(x, rate, key);
  }
}
