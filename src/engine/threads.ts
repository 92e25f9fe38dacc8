/** The helper threads of one model: starts them, gives them operations, replaces them when one is lost, ends them. */
import { startHelper } from '#platform';
import { AlbertError } from '../ground/errors.js';
import type { HelperHandle, StartHelper } from '../platform/worker.js';
import type { HelperModule, ThreadStart } from './thread-main.js';
import { type Kernel, type Operation, WorkQueue } from './work-queue.js';

/**
 * A helper starts in 50 to 100 ms and a call takes milliseconds, but many times as long on a busy machine. A helper that has
 * not started, or not finished its call, after this time is lost.
 */
const PATIENCE_MS = 10_000;

export interface ThreadsOptions {
  /** Threads that compute, including the caller's: at least 2. */
  readonly count: number;
  /** The file of the helpers; default: the package's own. */
  readonly workerUrl?: URL;
  /** Starts a helper; default: this thread starts it. */
  readonly startHelper?: StartHelper | undefined;
  /** Milliseconds to wait for a helper before it counts as lost. */
  readonly patience?: number;
}

export class Threads {
  #start: Omit<ThreadStart, 'kind' | 'block' | 'thread'>;
  #kernels: readonly Kernel[];
  readonly #options: ThreadsOptions;
  readonly #mayBlock = mayBlock();
  #helpers: HelperHandle[] = [];
  #queue: WorkQueue;
  /** Settles when the helpers are ready, or none can be started. */
  #started: Promise<void>;
  #abandonStart = (_why: string): void => {};
  /** Why a helper counts as lost. */
  #lost: string | undefined;
  #whyNot: string | undefined;

  /**
   * Starts the helpers; until they are ready, the caller computes everything itself.
   *
   * @param kernels the caller's own, over the same memory
   */
  constructor(
    start: Omit<ThreadStart, 'kind' | 'block' | 'thread'>,
    kernels: readonly Kernel[],
    options: ThreadsOptions,
  ) {
    this.#start = start;
    this.#kernels = kernels;
    this.#options = options;
    this.#queue = new WorkQueue(WorkQueue.makeBlock(), kernels, 0);
    this.#started = this.#startHelpers();
  }

  /** Why there are no helpers, if there are none. */
  get whyNot(): string | undefined {
    return this.#whyNot;
  }

  /** Threads that compute. */
  get count(): number {
    return this.#whyNot === undefined ? this.#options.count : 1;
  }

  /** Settles when the helpers are ready. If one was lost, all are replaced first: nothing in memory refers to them. */
  async ready(): Promise<void> {
    await this.#started;
    if (this.#lost === undefined || this.#whyNot !== undefined) return;
    await this.end();
    this.#started = this.#startHelpers();
    await this.#started;
  }

  /**
   * Adds kernels of another module over the same memory; the helpers are started anew with both. Nothing is computed meanwhile.
   *
   * @param kernels the caller's own, in the order of the module's names
   * @returns the index of the first one
   */
  async extend(module: HelperModule, kernels: readonly Kernel[]): Promise<number> {
    await this.#started;
    if (this.#whyNot === undefined) await this.end();
    const first = this.#kernels.length;
    this.#start = { ...this.#start, modules: [...this.#start.modules, module] };
    this.#kernels = [...this.#kernels, ...kernels];
    if (this.#whyNot === undefined) this.#started = this.#startHelpers();
    else this.#queue = new WorkQueue(WorkQueue.makeBlock(), this.#kernels, 0);
    await this.#started;
    return first;
  }

  /** If one helper cannot be started, there are none, and `whyNot` says why. */
  async #startHelpers(): Promise<void> {
    const block = WorkQueue.makeBlock();
    this.#queue = new WorkQueue(block, this.#kernels, 0);
    this.#lost = undefined;
    const { count, workerUrl, startHelper: start = startHelper, patience = PATIENCE_MS } = this.#options;
    const why = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => settle(`they did not come within ${patience} ms`), patience);
      const settle = (fault?: string) => {
        clearTimeout(timer);
        resolve(fault);
      };
      this.#abandonStart = settle;
      let ready = 0;
      const listener = {
        message: () => {
          if (++ready === count - 1) settle();
        },
        error: (error: Error) => {
          this.#lost ??= error.message;
          settle(error.message);
        },
      };
      try {
        for (let thread = 1; thread < count; thread++) {
          this.#helpers.push(start(workerUrl, { kind: 'threads', ...this.#start, block, thread }, listener));
        }
      } catch (error) {
        settle((error as Error).message);
      }
    });
    if (why === undefined) return;
    this.#whyNot = `the workers cannot be started: ${why}`;
    await this.end();
  }

  /**
   * Runs an operation on all threads that are ready.
   *
   * @throws ERR_WORKER when a call failed or did not finish in time; the lost helper may write to memory until `ready` has
   *   replaced it
   */
  run(operation: Operation): void {
    const queue = this.#queue;
    const { patience = PATIENCE_MS } = this.#options;
    const started = performance.now();
    for (let next = 0; next < operation.calls.length; ) {
      next = queue.open(operation, next);
      queue.runAll();
      // Ten times the time that the caller's own calls took: another thread may be slower by less than that.
      if (!queue.join(patience + 10 * (performance.now() - started), this.#mayBlock)) {
        this.#lost = `it did not finish its part within ${patience} ms`;
        throw new AlbertError('ERR_WORKER', `a worker was lost: ${this.#lost}`);
      }
      const failure = queue.takeFailure();
      if (failure !== undefined) throw new AlbertError('ERR_WORKER', `a part of an operation failed: ${failure}`);
    }
  }

  /** Ends the helpers. */
  async end(): Promise<void> {
    this.#abandonStart('they were ended');
    this.#queue.stop();
    await Promise.all(this.#helpers.map((helper) => helper.terminate()));
    this.#helpers = [];
  }
}

/** Whether this thread may sleep: a browser's main thread may not. */
function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}
