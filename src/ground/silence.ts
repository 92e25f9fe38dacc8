/** How long another thread or a server has sent nothing. */

/** A busy thread has not read what arrived: however long it was busy, only one part of the silence ends meanwhile. */
const PARTS = 4;

export class Silence {
  readonly #end: (ms: number) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param end called with the milliseconds of a silence that is over its limit */
  constructor(end: (ms: number) => void) {
    this.#end = end;
  }

  /** Begins to wait, or waits anew. The timer keeps Node's process alive. @param ms how long a silence may last */
  wait(ms: number): void {
    this.stop();
    this.#wait(ms, PARTS);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(ms: number, parts: number): void {
    this.#timer = setTimeout(() => {
      if (parts > 1) this.#wait(ms, parts - 1);
      else this.#end(ms);
    }, ms / PARTS);
  }
}
