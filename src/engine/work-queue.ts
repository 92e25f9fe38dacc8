/** The work queue in shared memory, from which threads claim the calls of an operation: none is assigned. */

/** A kernel as the threads call it: its arguments are numbers, and it returns nothing. */
export type Kernel = (...args: number[]) => void;

/** One operation: calls of one kernel, in any order, on any thread. */
export interface Operation {
  /** The index of the kernel in the list that every thread was given. */
  readonly kernel: number;
  /** The arguments of each call. */
  readonly calls: readonly (readonly number[])[];
  /** Which argument is the address of scratch memory, and the bytes of scratch memory per thread. */
  readonly scratch?: { readonly argument: number; readonly bytes: number };
}

/** Calls that may be open at once; a longer operation takes several rounds. */
const MAX_CALLS = 128;
const MAX_ARGUMENTS = 16;

// Indices into the block's words. What threads write while others poll has a cache line of its own.
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

/** The value of `LEFT` that ends the threads. */
const STOPPED = -1;

/**
 * How long a thread polls before it sleeps: operations follow each other within this time, and waking up takes 5 to 30
 * microseconds, more when the core has been given to others.
 */
const SPIN_MS = 0.1;
/** Polls between two readings of the clock. */
const SPIN_POLLS = 100;
/** The longest sleep of the thread that waits for the others; then it reads the clock. */
const SLEEP_MS = 50;

/**
 * Every thread has a queue over the same block. The caller writes the calls of an operation and sets `LEFT` to their number;
 * a thread claims a call by decrementing `LEFT` in a single exchange. A successful claim proves that the operation is open:
 * the caller opens the next operation only when `PENDING`, the number of unfinished calls, is zero. So the arguments read
 * after a claim are the right ones, however late the thread is, and the others do the work of a thread that never comes.
 */
export class WorkQueue {
  readonly #words: Int32Array;
  readonly #arguments: Float64Array;
  readonly #kernels: readonly Kernel[];
  readonly #thread: number;

  /** @param thread its index; the caller's is 0 */
  constructor(block: SharedArrayBuffer, kernels: readonly Kernel[], thread: number) {
    this.#words = new Int32Array(block, 0, WORDS);
    this.#arguments = new Float64Array(block, WORDS * 4);
    this.#kernels = kernels;
    this.#thread = thread;
  }

  static makeBlock(): SharedArrayBuffer {
    return new SharedArrayBuffer(WORDS * 4 + MAX_CALLS * MAX_ARGUMENTS * 8);
  }

  /** Opens the calls of an operation from index `from` on, as many as there is room for; returns the index of the first one left. */
  open({ kernel, calls, scratch }: Operation, from: number): number {
    const words = this.#words;
    const to = Math.min(from + MAX_CALLS, calls.length);
    for (let i = from; i < to; i++) this.#arguments.set(calls[i] as readonly number[], (i - from) * MAX_ARGUMENTS);
    words[KERNEL] = kernel;
    words[ARGUMENTS] = calls[from]?.length ?? 0;
    words[SCRATCH_ARGUMENT] = scratch?.argument ?? -1;
    words[SCRATCH_BYTES] = scratch?.bytes ?? 0;
    Atomics.store(words, PENDING, to - from);
    Atomics.store(words, LEFT, to - from);
    // Takes thirty nanoseconds when no thread sleeps.
    Atomics.notify(words, LEFT);
    return to;
  }

  /** Claims calls and runs them until none is left. */
  runAll(): void {
    const words = this.#words;
    for (let left = Atomics.load(words, LEFT); left > 0; left = Atomics.load(words, LEFT)) {
      if (Atomics.compareExchange(words, LEFT, left, left - 1) === left) this.#run(left - 1);
    }
  }

  #run(call: number): void {
    const words = this.#words;
    try {
      const offset = call * MAX_ARGUMENTS;
      const args = Array.from(this.#arguments.subarray(offset, offset + (words[ARGUMENTS] as number)));
      const scratch = words[SCRATCH_ARGUMENT] as number;
      if (scratch >= 0) args[scratch] = (args[scratch] as number) + this.#thread * (words[SCRATCH_BYTES] as number);
      (this.#kernels[words[KERNEL] as number] as Kernel)(...args);
    } catch (error) {
      this.#fail(error);
    } finally {
      if (Atomics.sub(words, PENDING, 1) === 1) Atomics.notify(words, PENDING);
    }
  }

  /** Stores an error's message for the caller; only the first of an operation is kept. */
  #fail(error: unknown): void {
    const words = this.#words;
    if (Atomics.compareExchange(words, FAILED, 0, -1) !== 0) return;
    const message = String((error as Error)?.message ?? error).slice(0, MESSAGE_WORDS);
    for (let i = 0; i < message.length; i++) words[MESSAGE + i] = message.charCodeAt(i);
    Atomics.store(words, FAILED, message.length + 1);
  }

  /** The error message of a call that failed since this was last asked. */
  takeFailure(): string | undefined {
    const failed = Atomics.exchange(this.#words, FAILED, 0);
    return failed === 0 ? undefined : String.fromCharCode(...this.#words.subarray(MESSAGE, MESSAGE + failed - 1));
  }

  /**
   * Waits for the calls that other threads have claimed.
   *
   * @param patience milliseconds; time during which this thread itself was suspended does not count
   * @param mayBlock false on a browser's main thread, which may only poll
   * @returns false when `patience` is over
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

  /** The loop of a helper thread: runs open calls, sleeps when there are none, returns after `stop`. */
  serve(): void {
    const words = this.#words;
    while (Atomics.load(words, LEFT) !== STOPPED) {
      this.runAll();
      if (!this.#poll(LEFT, (left) => left !== 0)) Atomics.wait(words, LEFT, 0);
    }
  }

  /** Ends the loops of all helper threads, each after the call that it is running. */
  stop(): void {
    Atomics.store(this.#words, LEFT, STOPPED);
    Atomics.notify(this.#words, LEFT);
  }

  /** Polls a word for `SPIN_MS`; returns whether it became as wanted. */
  #poll(word: number, wanted: (value: number) => boolean): boolean {
    const words = this.#words;
    const end = performance.now() + SPIN_MS;
    do {
      for (let i = 0; i < SPIN_POLLS; i++) if (wanted(Atomics.load(words, word))) return true;
    } while (performance.now() < end);
    return false;
  }
}
