/**
 * The helpers of a model in a page's worker: the page starts them, and the worker asks it to. A worker that starts workers itself
 * sometimes blocks for ever in Firefox (docs/decisions/0016).
 */
import { startHelper } from '#platform';
import type { Calls, Handlers } from '../../../ground/calls.js';
import type { HelperHandle, StartHelper, WorkerHandle, WorkerListener } from '../../../platform/worker.js';

/** A helper that the worker asks for. */
interface Wanted {
  readonly id: number;
  readonly url: string | undefined;
  readonly data: unknown;
}

/** The worker's side: starts helpers by calls, and passes on what the page reports of them. */
export class RemoteHelpers {
  readonly #calls: () => Calls;
  readonly #listeners = new Map<number, WorkerListener>();
  #last = 0;

  /** @param calls the worker's calls to the page, which exist by the time a helper is wanted */
  constructor(calls: () => Calls) {
    this.#calls = calls;
  }

  readonly start: StartHelper = (url, data, listener): HelperHandle => {
    const id = ++this.#last;
    this.#listeners.set(id, listener);
    this.#calls()
      .call('startHelper', { id, url: url?.href, data } satisfies Wanted)
      .catch((error) => this.#listeners.get(id)?.error(error));
    return {
      terminate: async () => {
        this.#listeners.delete(id);
        await this.#calls().call('endHelper', id);
      },
    };
  };

  readonly handlers: Handlers = {
    helperMessage: async ({ id, value }: { id: number; value: unknown }) => {
      this.#listeners.get(id)?.message(value);
      return {};
    },
    helperError: async ({ id, message }: { id: number; message: string }) => {
      this.#listeners.get(id)?.error(new Error(message));
      return {};
    },
  };
}

/** The page's side: the helpers that it has started for a worker. */
export class ServedHelpers {
  readonly #notify: (name: 'helperMessage' | 'helperError', value: object) => void;
  readonly #helpers = new Map<number, WorkerHandle>();

  /** @param notify calls the worker, without waiting for an answer */
  constructor(notify: (name: 'helperMessage' | 'helperError', value: object) => void) {
    this.#notify = notify;
  }

  readonly handlers: Handlers = {
    startHelper: async ({ id, url, data }: Wanted) => {
      const listener: WorkerListener = {
        message: (value) => this.#notify('helperMessage', { id, value }),
        error: ({ message }) => this.#notify('helperError', { id, message }),
      };
      this.#helpers.set(id, startHelper(url === undefined ? undefined : new URL(url), data, listener));
      return {};
    },
    endHelper: async (id: number) => {
      await this.#helpers.get(id)?.terminate();
      this.#helpers.delete(id);
      return {};
    },
  };

  /** Ends those of a worker that is gone. */
  async end(): Promise<void> {
    const helpers = [...this.#helpers.values()];
    this.#helpers.clear();
    await Promise.all(helpers.map((helper) => helper.terminate()));
  }
}
