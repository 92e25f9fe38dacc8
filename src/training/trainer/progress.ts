/** How far a training has come, and how fast. */

/** What is reported after each step. */
export interface TrainingProgress {
  /** Steps so far, and in all. */
  readonly step: number;
  readonly total_steps: number;
  /** Passes over the examples so far, with a fraction. */
  readonly epoch: number;
  /** Of this step. */
  readonly loss: number;
  readonly grad_norm: number;
  readonly learning_rate: number;
  /** Of the steps of this run so far, without evaluations. */
  readonly tokens_per_second: number;
  /** Until the last step, without evaluations, if it goes on as fast. */
  readonly seconds_left: number;
}

/** Counts the time of steps. */
export class Pace {
  #seconds = 0;
  #tokens = 0;
  #steps = 0;

  /** Times a step. */
  async time<T>(tokens: number, step: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await step();
    this.#seconds += (performance.now() - start) / 1000;
    this.#tokens += tokens;
    this.#steps++;
    return result;
  }

  get tokensPerSecond(): number {
    return this.#tokens / Math.max(1e-6, this.#seconds);
  }

  secondsOf(steps: number): number {
    return (steps * this.#seconds) / Math.max(1, this.#steps);
  }
}
