/** Cancelling by an AbortSignal. */
import { reading } from './checks.js';
import { AlbertError, mismatch } from './errors.js';

/** @throws ERR_ABORTED when the caller has cancelled, with the signal's reason as the cause; ERR_INPUT if `signal` is no signal */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  const isSignal = () => typeof signal?.aborted === 'boolean';
  if (signal !== undefined && !reading('signal', isSignal))
    throw mismatch('ERR_INPUT', 'signal', 'an AbortSignal', signal);
  if (signal?.aborted) throw new AlbertError('ERR_ABORTED', 'the operation was aborted', { cause: signal.reason });
}
