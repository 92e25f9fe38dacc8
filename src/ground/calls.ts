/** Calls between two threads, in both directions: a call sends a name and a value, and receives a value or an error. */
import { AlbertError, type AlbertErrorCode, reasonOf } from './errors.js';
import { isA } from './realm.js';

/** The answer to a call, and the parts of it that are transferred, not copied. */
export interface Answer {
  readonly value?: unknown;
  readonly transfer?: Transferable[];
}

/** What the other side may call. The signal fires when the other side gives the call up. */
export type Handlers = Readonly<Record<string, (value: never, signal: AbortSignal) => Promise<Answer>>>;

type Message =
  | { readonly call: string; readonly id: number; readonly value: unknown }
  | { readonly abort: number }
  | { readonly answer: number; readonly value: unknown }
  | { readonly fault: number; readonly error: Fault };

/** An error as it is sent: an AlbertError with its code, any other with its name. */
interface Fault {
  readonly name: string;
  readonly message: string;
  readonly code?: AlbertErrorCode;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export interface CallOptions {
  /** Tells the other side to give up; the call still settles with its answer. */
  readonly signal?: AbortSignal;
}

/** One side of the connection. */
export class Calls {
  readonly #post: (message: unknown, transfer?: Transferable[]) => void;
  readonly #handlers: Handlers;
  readonly #pending = new Map<number, Pending>();
  readonly #running = new Map<number, AbortController>();
  #last = 0;

  /** @param post sends a message to the other side, whose `receive` must be called with it */
  constructor(post: (message: unknown, transfer?: Transferable[]) => void, handlers: Handlers) {
    this.#post = post;
    this.#handlers = handlers;
  }

  /** @throws what the handler threw, an AlbertError as an AlbertError; what `post` throws for a value that cannot be sent */
  async call<T>(call: string, value?: unknown, { signal }: CallOptions = {}): Promise<T> {
    const id = ++this.#last;
    const abort = () => this.#post({ abort: id });
    this.#post({ call, id, value });
    signal?.addEventListener('abort', abort);
    try {
      return (await new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))) as T;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Receives a message of the other side. */
  receive(message: unknown): void {
    const received = message as Message;
    if ('call' in received) this.#answer(received.id, received.call, received.value);
    else if ('abort' in received) this.#running.get(received.abort)?.abort();
    else if ('answer' in received) this.#take(received.answer)?.resolve(received.value);
    else this.#take(received.fault)?.reject(revived(received.error));
  }

  /** Rejects all calls that have no answer yet: the other side is gone. */
  fail(error: Error): void {
    for (const id of this.#pending.keys()) this.#take(id)?.reject(error);
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  async #answer(id: number, name: string, value: unknown): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      const handler = this.#handlers[name];
      if (handler === undefined) throw new TypeError(`there is no call "${name}"`);
      const { value: answer, transfer } = await handler(value as never, controller.signal);
      this.#post({ answer: id, value: answer }, transfer);
    } catch (error) {
      this.#post({ fault: id, error: fault(error) });
    } finally {
      this.#running.delete(id);
    }
  }
}

function fault(error: unknown): Fault {
  if (error instanceof AlbertError) return { name: error.name, message: error.message, code: error.code };
  return { name: isA('Error', error) ? String(error.name) : 'Error', message: reasonOf(error) };
}

function revived({ name, message, code }: Fault): Error {
  return code === undefined ? Object.assign(new Error(message), { name }) : new AlbertError(code, message.split('\n'));
}
