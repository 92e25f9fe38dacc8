/** One worker and the calls to it. The link gives the worker up when it is silent, has ended, or sends what cannot be read. */
import { startModelWorker } from '#model-worker';
import { Calls, type Handlers } from '../../../ground/calls.js';
import { AlbertError } from '../../../ground/errors.js';
import { Silence } from '../../../ground/silence.js';
import type { StartWorker, WorkerHandle } from '../../../platform/worker.js';
import { ServedHelpers } from './helpers.js';
import type { ModelStart } from './messages.js';

/**
 * Milliseconds after which a worker that owes an answer and sends nothing counts as lost; every piece of a checkpoint that it
 * reads is a sign of life.
 */
const PATIENCE_MS = 60_000;
/** The same while the worker starts, which takes 50 to 150 ms, and many times as long on a busy machine. */
const START_MS = 10_000;

export class Link {
  readonly #worker: WorkerHandle;
  readonly #calls: Calls;
  readonly #helpers: ServedHelpers;
  readonly #patience: number;
  /** What each call that waits allows the worker to be silent. */
  readonly #waiting = new Set<{ readonly patience: number }>();
  /** Calls of the worker that have no answer yet: until they have, it may be silent. */
  #owed = 0;
  readonly #silence = new Silence((ms) => this.#lose(`it was silent for ${ms} ms`));
  #lost: string | undefined;

  /**
   * @param startWorker starts the worker's file
   * @throws ERR_WORKER when no worker is available
   */
  constructor(
    workerUrl: string | undefined,
    handlers: Handlers,
    patience = PATIENCE_MS,
    startWorker: StartWorker = startModelWorker,
  ) {
    this.#patience = patience;
    this.#helpers = new ServedHelpers((name, value) => void this.#calls.call(name, value).catch(() => {}));
    const owing = Object.entries({ ...handlers, ...this.#helpers.handlers }).map(
      ([name, handle]): [string, Handlers[string]] => [
        name,
        (value, signal) => this.#owing(() => handle(value, signal)),
      ],
    );
    this.#calls = new Calls((message, transfer) => this.#worker.post(message, transfer), Object.fromEntries(owing));
    const start: ModelStart = { kind: 'model' };
    try {
      this.#worker = startWorker(workerUrl === undefined ? undefined : new URL(workerUrl), start, {
        message: (message) => this.#receive(message),
        error: (error) => this.#lose(error.message),
      });
    } catch (cause) {
      throw new AlbertError('ERR_WORKER', `a worker cannot be started: ${(cause as Error).message}`, { cause });
    }
  }

  /** Settles when the worker receives messages. */
  async ready(): Promise<void> {
    await this.#call('ready', undefined, Math.min(START_MS, this.#patience));
  }

  /** Why the worker is gone, if it is. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /**
   * @param longer milliseconds that the worker may be silent over this call, beyond the usual
   * @throws ERR_WORKER when the worker is lost, what the handler throws
   */
  async call<T>(name: string, value?: unknown, signal?: AbortSignal, longer = 0): Promise<T> {
    return this.#call(name, value, this.#patience + longer, signal);
  }

  async #call<T>(name: string, value: unknown, patience: number, signal?: AbortSignal): Promise<T> {
    const waiting = { patience };
    this.#waiting.add(waiting);
    this.#watch();
    try {
      if (this.#lost !== undefined) throw this.#error(this.#lost);
      return await this.#calls.call<T>(name, value, { signal });
    } finally {
      this.#waiting.delete(waiting);
      this.#watch();
    }
  }

  /** Ends the worker: calls that wait reject with ERR_WORKER. */
  async end(why = 'it was ended'): Promise<void> {
    this.#lose(why);
    await this.#worker.terminate();
  }

  #receive(message: unknown): void {
    try {
      this.#calls.receive(message);
    } catch (error) {
      this.#lose(`it sent what is no message: ${(error as Error).message}`);
    }
    this.#watch();
  }

  #error(why: string): AlbertError {
    return new AlbertError('ERR_WORKER', `the worker that holds the model was lost: ${why}`);
  }

  #lose(why: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = why;
    this.#calls.fail(this.#error(why));
    // Nothing that it does from here on is used.
    void this.#worker.terminate();
    void this.#helpers.end();
  }

  /** Waits anew for a sign of life, which also keeps a process alive until its worker has answered. */
  #watch(): void {
    this.#silence.stop();
    if (this.#waiting.size === 0 || this.#owed > 0 || this.#lost !== undefined) return;
    this.#silence.wait(Math.max(...[...this.#waiting].map((waiting) => waiting.patience)));
  }

  async #owing<T>(handle: () => Promise<T>): Promise<T> {
    this.#owed++;
    this.#watch();
    try {
      return await handle();
    } finally {
      this.#owed--;
      this.#watch();
    }
  }
}
