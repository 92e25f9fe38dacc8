/** The workers of one model: started, given operations, replaced when one is lost, ended. */
import { startWorker } from '#platform';
import { AlbertError } from '../errors.js';
import type { HelperHandle, StartHelper } from '../platform/worker.js';
import { Chunks, type Kernel, type Operation } from './chunks.js';
import type { HelpStart } from './help.js';

/**
 * A worker starts in 50 to 100 ms, and a chunk takes milliseconds; on a machine that others fill, many times as long. One
 * that has not come or finished after this is lost.
 */
const PATIENCE_MS = 10_000;

export interface ThreadsOptions {
  /** Threads that compute, the caller's among them: from 2 on. */
  readonly count: number;
  /** The workers' file instead of the package's own. */
  readonly workerUrl?: URL;
  /** Starts the workers; default: this thread does. */
  readonly startHelper?: StartHelper | undefined;
  /** Milliseconds to wait for a worker before it is given up. */
  readonly patience?: number;
}

export class Threads {
  readonly #start: Omit<HelpStart, 'kind' | 'block' | 'thread'>;
  readonly #kernels: readonly Kernel[];
  readonly #options: ThreadsOptions;
  readonly #mayBlock = mayBlock();
  #workers: HelperHandle[] = [];
  #chunks: Chunks;
  /** Settles when the workers are there, or none is to be had. */
  #started: Promise<void>;
  #abandonStart = (_why: string): void => {};
  /** Why a worker is not to be counted on any more. */
  #lost: string | undefined;
  #whyNot: string | undefined;

  /**
   * Starts the workers; until they are there, the caller does everything itself.
   *
   * @param kernels the caller's own, over the same memory
   */
  constructor(
    start: Omit<HelpStart, 'kind' | 'block' | 'thread'>,
    kernels: readonly Kernel[],
    options: ThreadsOptions,
  ) {
    this.#start = start;
    this.#kernels = kernels;
    this.#options = options;
    this.#chunks = new Chunks(Chunks.makeBlock(), kernels, 0);
    this.#started = this.#startWorkers();
  }

  /** Why there are no workers, when there are none. */
  get whyNot(): string | undefined {
    return this.#whyNot;
  }

  /** Threads that compute. */
  get count(): number {
    return this.#whyNot === undefined ? this.#options.count : 1;
  }

  /** Settles when the workers are there, all of them replaced if one was lost: memory knows nothing of them. */
  async ready(): Promise<void> {
    await this.#started;
    if (this.#lost === undefined || this.#whyNot !== undefined) return;
    await this.end();
    this.#started = this.#startWorkers();
    await this.#started;
  }

  /** When one worker is not to be had, none is, and `whyNot` says why. */
  async #startWorkers(): Promise<void> {
    const block = Chunks.makeBlock();
    this.#chunks = new Chunks(block, this.#kernels, 0);
    this.#lost = undefined;
    const { count, workerUrl, startHelper = startWorker, patience = PATIENCE_MS } = this.#options;
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
          this.#workers.push(startHelper(workerUrl, { kind: 'threads', ...this.#start, block, thread }, listener));
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
   * Runs an operation on all threads that come.
   *
   * @throws ERR_WORKER when a chunk failed or was not finished in time; the worker that is lost may write to memory
   *   until `ready` has replaced it
   */
  run(operation: Operation): void {
    const chunks = this.#chunks;
    const { patience = PATIENCE_MS } = this.#options;
    const started = performance.now();
    for (let next = 0; next < operation.calls.length; ) {
      next = chunks.open(operation, next);
      chunks.runAll();
      // As many times the caller's own part as anyone may be slower, and then some.
      if (!chunks.join(patience + 10 * (performance.now() - started), this.#mayBlock)) {
        this.#lost = `it did not finish its part within ${patience} ms`;
        throw new AlbertError('ERR_WORKER', `a worker was lost: ${this.#lost}`);
      }
      const failure = chunks.takeFailure();
      if (failure !== undefined) throw new AlbertError('ERR_WORKER', `a part of an operation failed: ${failure}`);
    }
  }

  /** Ends the workers. */
  async end(): Promise<void> {
    this.#abandonStart('they were ended');
    this.#chunks.stop();
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
    this.#workers = [];
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
