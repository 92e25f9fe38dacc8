/** Expecting an AlbertError: its code, and words of its message that a person needs. */
import * as assert from 'uvu/assert';
import { AlbertError, type AlbertErrorCode } from '../../src/ground/errors.js';

/** Awaits `run` and expects it to fail with `code`; every part of `words` must be in the message. */
export async function expectError(run: () => unknown, code: AlbertErrorCode, ...words: string[]): Promise<AlbertError> {
  let thrown: unknown;
  try {
    await run();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown !== undefined, `expected ${code}, but nothing was thrown`);
  assert.ok(thrown instanceof AlbertError, `expected an AlbertError, got ${thrown}`);
  assert.is(thrown.code, code, thrown.message);
  for (const word of words) assert.ok(thrown.message.includes(word), `"${word}" is not in: ${thrown.message}`);
  return thrown;
}
