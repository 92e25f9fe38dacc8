/** Retries after temporary failures, with exponential back-off and jitter, or after as long as the server asks. */

import { throwIfAborted } from '../ground/abort.js';
import { AlbertError } from '../ground/errors.js';

/** How patient a load is with a server. */
export interface Patience {
  /** Further attempts after one that brought nothing; default: 4. */
  readonly retries?: number;
  /** The longest first wait, in milliseconds; it doubles each time. Default: 300, 4.5 s in all. */
  readonly backoffMs?: number;
  /** Milliseconds without a byte after which an attempt has failed; default: 30 s. */
  readonly stallMs?: number;
}

/** The longest that a server may ask a load to wait; the error of a load that is asked to wait longer says so. */
const MAX_RETRY_AFTER_MS = 60_000;

/** A failure that may be temporary: thrown by attempts, and the cause of the error after the last one. */
export class Transient extends Error {
  constructor(
    message: string,
    options: ErrorOptions = {},
    /** What the server asked for, in milliseconds. */
    readonly retryAfterMs?: number,
    /** Whether the attempt brought enough bytes to start the count of failures again. */
    readonly progressed = false,
  ) {
    super(message, options);
  }
}

/**
 * Runs `attempt` until it settles with anything but `Transient`.
 *
 * @param what the URL, for the error
 * @throws ERR_SOURCE after the last attempt, ERR_ABORTED while waiting, and what `attempt` throws
 */
export async function withRetries<T>(
  what: string,
  attempt: () => Promise<T>,
  { retries = 4, backoffMs = 300 }: Patience,
  signal?: AbortSignal,
): Promise<T> {
  for (let failures = 0; ; ) {
    try {
      throwIfAborted(signal);
      return await attempt();
    } catch (cause) {
      if (!(cause instanceof Transient)) throw cause;
      throwIfAborted(signal);
      failures = cause.progressed ? 1 : failures + 1;
      const wait = cause.retryAfterMs ?? backoffMs * 2 ** (failures - 1) * (0.5 + Math.random() / 2);
      if (failures > retries || wait > MAX_RETRY_AFTER_MS) {
        const later = wait > MAX_RETRY_AFTER_MS ? `; it asks to wait ${Math.ceil(wait / 1000)} s` : '';
        throw new AlbertError('ERR_SOURCE', `cannot read ${what}: ${cause.message}${later}`, { cause });
      }
      await delay(wait, signal);
    }
  }
}

/** Resolves after `ms`, or as soon as the signal fires. */
function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
