/** The block of shared memory over which threads share an operation: its chunks are claimed, not assigned. */

/** A kernel as the threads call it: with numbers, for its effect. */
export type Kernel = (...args: number[]) => void;

/** One operation: calls of one kernel, in any order, on any thread. */
export interface Operation {
  /** Its place among the kernels that every thread was given. */
  readonly kernel: number;
  /** The arguments of each call. */
  readonly calls: readonly (readonly number[])[];
  /** Which argument is the address of scratch memory, and the bytes from one thread's to the next one's. */
  readonly scratch?: { readonly argument: number; readonly bytes: number };
}

/** Chunks that may be open at once; a longer operation goes in several rounds. */
const MAX_CHUNKS = 128;
const MAX_ARGUMENTS = 16;

// Words of the block. What threads write while others poll has a cache line of its own.
const LEFT = 0;
const PENDING = 16;
const KERNEL = 32;
const ARGUMENTS = 33;
const SCRATCH_ARGUMENT = 34;
const SCRATCH_BYTES = 35;
const FAILED = 36;
const MESSAGE = 64;
const MESSAGE_WORDS = 192;
const WORDS = MESSAGE + MESSAGE_WORDS;

/** `LEFT` when the threads are to end. */
const STOPPED = -1;

/**
 * How long a thread polls before it sleeps: an operation follows the one before it within this time, and to be woken
 * takes 5 to 30 microseconds, more where the core has gone to others.
 */
const SPIN_MS = 0.1;
/** Polls between two looks at the clock. */
const SPIN_POLLS = 100;
/** The longest sleep of the thread that waits for the others, who then looks at the clock. */
const SLEEP_MS = 50;

/**
 * Every thread holds one over the same block. The caller writes an operation's chunks and sets `LEFT` to their number; a
 * thread claims a chunk by taking one off `LEFT` in a single exchange. Whoever succeeds knows that the operation is open:
 * the caller opens the next one when `PENDING`, the chunks that nobody has finished, is zero. So arguments read after the
 * claim are the right ones however late the thread is, and a thread that never comes is not missed.
 */
export class Chunks {
  readonly #words: Int32Array;
  readonly #arguments: Float64Array;
  readonly #kernels: readonly Kernel[];
  readonly #thread: number;

  /** @param thread the caller is 0 */
  constructor(block: SharedArrayBuffer, kernels: readonly Kernel[], thread: number) {
    this.#words = new Int32Array(block, 0, WORDS);
    this.#arguments = new Float64Array(block, WORDS * 4);
    this.#kernels = kernels;
    this.#thread = thread;
  }

  static makeBlock(): SharedArrayBuffer {
    return new SharedArrayBuffer(WORDS * 4 + MAX_CHUNKS * MAX_ARGUMENTS * 8);
  }

  /** Opens calls `from` and following of an operation, as many as there is room for; returns the first that is not among them. */
  open({ kernel, calls, scratch }: Operation, from: number): number {
    const words = this.#words;
    const to = Math.min(from + MAX_CHUNKS, calls.length);
    for (let i = from; i < to; i++) this.#arguments.set(calls[i] as readonly number[], (i - from) * MAX_ARGUMENTS);
    words[KERNEL] = kernel;
    words[ARGUMENTS] = calls[from]?.length ?? 0;
    words[SCRATCH_ARGUMENT] = scratch?.argument ?? -1;
    words[SCRATCH_BYTES] = scratch?.bytes ?? 0;
    Atomics.store(words, PENDING, to - from);
    Atomics.store(words, LEFT, to - from);
    // Thirty nanoseconds when nobody sleeps.
    Atomics.notify(words, LEFT);
    return to;
  }

  /** Claims chunks and runs them until none is left. */
  runAll(): void {
    const words = this.#words;
    for (let left = Atomics.load(words, LEFT); left > 0; left = Atomics.load(words, LEFT)) {
      if (Atomics.compareExchange(words, LEFT, left, left - 1) === left) this.#run(left - 1);
    }
  }

  #run(chunk: number): void {
    const words = this.#words;
    try {
      const at = chunk * MAX_ARGUMENTS;
      const args = Array.from(this.#arguments.subarray(at, at + (words[ARGUMENTS] as number)));
      const scratch = words[SCRATCH_ARGUMENT] as number;
      if (scratch >= 0) args[scratch] = (args[scratch] as number) + this.#thread * (words[SCRATCH_BYTES] as number);
      (this.#kernels[words[KERNEL] as number] as Kernel)(...args);
    } catch (error) {
      this.#fail(error);
    } finally {
      if (Atomics.sub(words, PENDING, 1) === 1) Atomics.notify(words, PENDING);
    }
  }

  /** Leaves an error's message for the caller; the first one of an operation stays. */
  #fail(error: unknown): void {
    const words = this.#words;
    if (Atomics.compareExchange(words, FAILED, 0, -1) !== 0) return;
    const message = String((error as Error)?.message ?? error).slice(0, MESSAGE_WORDS);
    for (let i = 0; i < message.length; i++) words[MESSAGE + i] = message.charCodeAt(i);
    Atomics.store(words, FAILED, message.length + 1);
  }

  /** The message of a chunk that failed since the last call. */
  takeFailure(): string | undefined {
    const failed = Atomics.exchange(this.#words, FAILED, 0);
    return failed === 0 ? undefined : String.fromCharCode(...this.#words.subarray(MESSAGE, MESSAGE + failed - 1));
  }

  /**
   * Waits for the chunks that other threads have claimed.
   *
   * @param patience milliseconds; time in which this thread itself stood still does not count
   * @param mayBlock false on a browser's main thread, which may only poll
   * @returns false when patience ended
   */
  join(patience: number, mayBlock: boolean): boolean {
    const words = this.#words;
    if (!this.#poll(PENDING, (pending) => pending === 0)) {
      let waited = 0;
      let now = performance.now();
      for (let pending = Atomics.load(words, PENDING); pending > 0; pending = Atomics.load(words, PENDING)) {
        if (waited > patience) return false;
        if (mayBlock) Atomics.wait(words, PENDING, pending, SLEEP_MS);
        const then = now;
        now = performance.now();
        waited += Math.min(now - then, 2 * SLEEP_MS);
      }
    }
    return true;
  }

  /** A worker's life: runs what is open, sleeps, until `stop`. */
  serve(): void {
    const words = this.#words;
    while (Atomics.load(words, LEFT) !== STOPPED) {
      this.runAll();
      if (!this.#poll(LEFT, (left) => left !== 0)) Atomics.wait(words, LEFT, 0);
    }
  }

  /** Ends the life of all workers; one that is in a chunk ends after it. */
  stop(): void {
    Atomics.store(this.#words, LEFT, STOPPED);
    Atomics.notify(this.#words, LEFT);
  }

  /** Polls a word for a moment; whether it came to be as wanted. */
  #poll(word: number, wanted: (value: number) => boolean): boolean {
    const words = this.#words;
    const end = performance.now() + SPIN_MS;
    do {
      for (let i = 0; i < SPIN_POLLS; i++) if (wanted(Atomics.load(words, word))) return true;
    } while (performance.now() < end);
    return false;
  }
}
