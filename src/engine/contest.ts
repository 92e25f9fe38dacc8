/** Kernels with the same results, of which the one that is fastest on this machine is found out at work. */

/** Products that each contestant computes before the fastest is kept: the first ones run in V8's slow tier. */
const ROUNDS = 6;

/** Fewer products than these (a third of a millisecond) say nothing: a browser's clock ticks every tenth. */
const MIN_WORK = 2 ** 24;

export class Contest<Kernel extends string> {
  readonly #contestants: readonly Kernel[];
  /** The least milliseconds a product, contestant by contestant. */
  readonly #best: number[];
  #runs = 0;
  #winner: Kernel;

  /** @param contestants the first of them computes what is too little to be judged by */
  constructor(contestants: readonly [Kernel, ...Kernel[]]) {
    this.#contestants = contestants;
    this.#best = contestants.map(() => Number.POSITIVE_INFINITY);
    this.#winner = contestants[0];
  }

  /** The kernel that has won, or until one has, leads by being the first. */
  get winner(): Kernel {
    return this.#winner;
  }

  /** Lets a kernel compute `work` multiply-adds. */
  run(work: number, compute: (kernel: Kernel) => void): void {
    if (this.#runs === ROUNDS * this.#contestants.length || work < MIN_WORK) {
      compute(this.#winner);
      return;
    }
    const turn = this.#runs++ % this.#contestants.length;
    const start = performance.now();
    compute(this.#contestants[turn] as Kernel);
    const time = (performance.now() - start) / work;
    this.#best[turn] = Math.min(this.#best[turn] as number, time);
    if (this.#runs === ROUNDS * this.#contestants.length) {
      this.#winner = this.#contestants[this.#best.indexOf(Math.min(...this.#best))] as Kernel;
    }
  }
}
