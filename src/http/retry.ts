/** Trying again after failures that pass: exponential back-off with jitter, or as long as the server asks. */
import { AlbertError, throwIfAborted } from '../errors.js';

/** How long a load bears with a server. */
export interface Patience {
  /** Further attempts after one that brought nothing; 4 unless given. */
  readonly retries?: number;
  /** The first wait at most, in milliseconds; it doubles each time. 300 unless given: 4.5 s in all. */
  readonly backoffMs?: number;
  /** Milliseconds without a byte after which an attempt has failed; 30 s unless given. */
  readonly stallMs?: number;
}

/** Longer than this nobody waits at a prompt: the failure says so instead. */
const MAX_RETRY_AFTER_MS = 60_000;

/** A failure that may pass: thrown by attempts, and the cause of the error after the last of them. */
export class Transient extends Error {
  constructor(
    message: string,
    options: ErrorOptions = {},
    /** What the server asked for, in milliseconds. */
    readonly retryAfterMs?: number,
    /** Whether the attempt brought enough bytes to count as the first again. */
    readonly progressed = false,
  ) {
    super(message, options);
  }
}

/**
 * Runs `attempt` until it settles with anything but `Transient`.
 *
 * @param what names the place in the error
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
