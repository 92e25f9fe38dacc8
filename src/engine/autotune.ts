/** Kernels with the same results: the one that is fastest on this machine is found at work. */

/** Products that each candidate computes before the fastest is kept: the first ones run in V8's slow tier. */
const ROUNDS = 6;

/** Products with fewer multiply-adds (a third of a millisecond) are not timed: a browser's clock ticks every tenth. */
const MIN_WORK = 2 ** 24;

export class Autotuner<Kernel extends string> {
  readonly #candidates: readonly Kernel[];
  /** The least milliseconds per multiply-add, candidate by candidate. */
  readonly #best: number[];
  #runs = 0;
  #fastest: Kernel;

  /** @param candidates the first one also computes what is too small to be timed, until the fastest is known */
  constructor(candidates: readonly [Kernel, ...Kernel[]]) {
    this.#candidates = candidates;
    this.#best = candidates.map(() => Number.POSITIVE_INFINITY);
    this.#fastest = candidates[0];
  }

  /** The fastest kernel; the first candidate until the fastest is known. */
  get fastest(): Kernel {
    return this.#fastest;
  }

  /** Calls `compute` with the kernel that is to compute `work` multiply-adds. */
  run(work: number, compute: (kernel: Kernel) => void): void {
    if (this.#runs === ROUNDS * this.#candidates.length || work < MIN_WORK) {
      compute(this.#fastest);
      return;
    }
    const turn = this.#runs++ % this.#candidates.length;
    const start = performance.now();
    compute(this.#candidates[turn] as Kernel);
    const time = (performance.now() - start) / work;
    this.#best[turn] = Math.min(this.#best[turn] as number, time);
    if (this.#runs === ROUNDS * this.#candidates.length) {
      this.#fastest = this.#candidates[this.#best.indexOf(Math.min(...this.#best))] as Kernel;
    }
  }
}
