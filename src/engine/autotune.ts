/** Kernels with the same results: the one that is fastest on this machine is found at work. */

/** Products of one matrix that each candidate computes, together a round, before they are compared: the first ones run in V8's slow tier. */
const ROUNDS = 8;

/** Rounds after which the fastest is kept, however close the others are. */
const MOST_ROUNDS = 3 * ROUNDS;

/** Before `MOST_ROUNDS`, the fastest must take less than this share of every other's time: a busy machine disturbs single products. */
const CLEAR = 0.85;

/** A later candidate is kept only if it takes less than this share of the time, so that noise decides nothing. */
const WORTHWHILE = 0.9;

/** Products with fewer multiply-adds (a third of a millisecond) are not timed: a browser's clock ticks every tenth. */
const MIN_WORK = 2 ** 24;

/** The size of a product: (rows, inputs) times (inputs, outputs). */
export interface ProductSize {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** The products with matrices of one size. */
interface Trial {
  runs: number;
  /** The least milliseconds per multiply-add, candidate by candidate. */
  readonly best: number[];
}

/**
 * Matrices of different sizes take different time per multiply-add, and a model's follow one another in a fixed order. So the
 * candidates take turns for each size of matrix by itself, and their times are compared only where all have met that size.
 */
export class Autotuner<Kernel extends string> {
  readonly #candidates: readonly Kernel[];
  /** By inputs and outputs of the matrix. */
  readonly #trials = new Map<string, Trial>();
  #rounds = 0;
  #winner: Kernel | undefined;

  /** @param candidates the first one also computes what is too small to be timed, until the fastest is known */
  constructor(candidates: readonly [Kernel, ...Kernel[]]) {
    this.#candidates = candidates;
    if (candidates.length === 1) this.#winner = candidates[0];
  }

  /** The fastest kernel; the first candidate until the fastest is known. */
  get fastest(): Kernel {
    return this.#winner ?? (this.#candidates[0] as Kernel);
  }

  /** Whether the fastest is known. */
  get decided(): boolean {
    return this.#winner !== undefined;
  }

  /** Calls `compute` with the kernel that is to compute a product. */
  run({ rows, inputs, outputs }: ProductSize, compute: (kernel: Kernel) => void): void {
    const work = rows * inputs * outputs;
    if (this.#winner !== undefined || work < MIN_WORK) {
      compute(this.fastest);
      return;
    }
    const size = `${inputs} ${outputs}`;
    const trial = this.#trials.get(size) ?? { runs: 0, best: this.#candidates.map(() => Number.POSITIVE_INFINITY) };
    this.#trials.set(size, trial);
    const turn = trial.runs++ % this.#candidates.length;
    const start = performance.now();
    compute(this.#candidates[turn] as Kernel);
    const time = (performance.now() - start) / work;
    trial.best[turn] = Math.min(trial.best[turn] as number, time);
    if (turn === this.#candidates.length - 1 && ++this.#rounds % ROUNDS === 0) this.#compare();
  }

  /** Keeps the candidate with the least time over the sizes that all have met twice (once, if there are none), if it is clearly the fastest. */
  #compare(): void {
    const count = this.#candidates.length;
    const met = (times: number) => [...this.#trials.values()].filter(({ runs }) => runs >= times * count);
    const judged = met(2).length > 0 ? met(2) : met(1);
    const times = this.#candidates.map((_, i) => judged.reduce((sum, { best }) => sum + (best[i] as number), 0));
    const kept = times.reduce((kept, time, i) => (time < WORTHWHILE * (times[kept] as number) ? i : kept), 0);
    const clear = times.every((time, i) => i === kept || (times[kept] as number) < CLEAR * time);
    if (!clear && this.#rounds < MOST_ROUNDS) return;
    this.#winner = this.#candidates[kept];
    this.#trials.clear();
  }
}
