/** One HTTP request: what its status means, and when to give up waiting. */

import { throwIfAborted } from '../ground/abort.js';
import { AlbertError, mismatch, reasonOf } from '../ground/errors.js';
import { isA } from '../ground/realm.js';
import { Silence } from '../ground/silence.js';
import type { SourceOptions } from '../ground/source-options.js';
import { type Patience, Transient } from './retry.js';

/** What every request of a load shares. */
export interface HttpOptions extends Pick<SourceOptions, 'fetch' | 'signal'>, Patience {
  /** Whether to send If-Range: in a browser it would need the consent of each origin that a redirect leads to. */
  readonly ifRange?: boolean;
  /** What a person can do about a refusal with this status: a clause for the end of the message. */
  advise?(status: number): string | undefined;
}

/** Statuses after which the same request may succeed. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/** A signal for one attempt: it fires with the caller's, or if `beat` is not called for a while. */
export class Attempt {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #stallMs: number;
  readonly #cancel = () => this.#controller.abort();
  readonly #silence = new Silence((ms) => this.#controller.abort(new Error(`nothing arrived for ${ms / 1000} s`)));

  constructor({ signal, stallMs = 30_000 }: HttpOptions) {
    this.#caller = signal;
    this.#stallMs = stallMs;
    signal?.addEventListener('abort', this.#cancel);
    this.beat();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Called when something arrives. */
  beat(): void {
    this.#silence.wait(this.#stallMs);
  }

  /**
   * What `promise` becomes, unless the signal fires before. Node 20's fetch does not settle each read of a body whose signal fires
   * while a chunk arrives, and a caller's own fetch may not know the signal.
   */
  until<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.#controller;
    return new Promise((resolve, reject) => {
      const fired = () => reject(signal.reason);
      if (signal.aborted) fired();
      signal.addEventListener('abort', fired);
      Promise.resolve(promise)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', fired));
    });
  }

  /** Ends the attempt and the rest of an answer's body. */
  end(): void {
    this.#silence.stop();
    this.#caller?.removeEventListener('abort', this.#cancel);
    this.#controller.abort();
  }

  /** The error of a broken connection; ERR_ABORTED if the caller cancelled. */
  broken(cause: unknown, progressed = false): Error {
    throwIfAborted(this.#caller);
    const { aborted, reason } = this.#controller.signal;
    return new Transient(describe(aborted ? reason : cause), { cause }, undefined, progressed);
  }
}

/**
 * Sends one request.
 *
 * @returns an answer of status 2xx, 3xx (if `init.redirect` is `manual`), 404 or 416
 * @throws Transient for a broken connection and statuses that may pass; ERR_SOURCE for any other; ERR_ABORTED
 */
export async function send(url: URL, init: RequestInit, options: HttpOptions, attempt: Attempt): Promise<Response> {
  const call = options.fetch ?? globalThis.fetch;
  let response: Response;
  try {
    response = await attempt.until(call(url, { ...init, signal: attempt.signal }));
  } catch (cause) {
    throw attempt.broken(cause);
  }
  attempt.beat();
  checkResponse(response);
  const { status, headers } = response;
  if (PASSING.has(status)) throw new Transient(`HTTP status ${status}`, {}, retryAfter(headers.get('retry-after')));
  if (status < 400 || status === 404 || status === 416) return response;
  throw refusal(url, status, options);
}

/** @throws ERR_SOURCE if the answer of a caller's `fetch` cannot be read like a Response */
function checkResponse(response: Response | null | undefined): void {
  const readable =
    Number.isInteger(response?.status) &&
    typeof response?.headers?.get === 'function' &&
    (response.body == null || typeof response.body.getReader === 'function');
  if (!readable) throw mismatch('ERR_SOURCE', 'fetch', 'to answer with a Response', response);
}

/** ERR_SOURCE for a status, with advice if there is any. */
export function refusal(url: URL, status: number, { advise }: HttpOptions): AlbertError {
  const advice = advise?.(status);
  const why = advice === undefined ? '' : `: ${advice}`;
  return new AlbertError('ERR_SOURCE', `cannot read ${printableUrl(url)}: HTTP status ${status}${why}`);
}

/**
 * A URL for messages, without its query, user and password, which may be a signature or a token, and without the content of
 * `data:`.
 */
export function printableUrl(url: URL): string {
  if (url.protocol === 'data:') return url.protocol;
  return `${url.protocol}${/^(https?|file):/.test(url.href) ? `//${url.host}` : ''}${url.pathname}`;
}

/** Retry-After in milliseconds, from seconds or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** An error with its innermost cause: Node's `fetch failed` says nothing alone. */
function describe(error: unknown): string {
  const message = reasonOf(error);
  const cause = isA('Error', error) ? error.cause : undefined;
  return isA('Error', cause) && cause.message !== '' ? `${message}: ${reasonOf(cause)}` : message;
}
