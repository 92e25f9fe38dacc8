/** What the tests of installed packages share. */
import * as assert from 'uvu/assert';

/** Expects a failure by its code: the package's errors are of the built library's class, not of the source's. */
export async function fails(promise: Promise<unknown>, code: string, words: RegExp): Promise<void> {
  const error = await promise.then(
    () => assert.unreachable(`expected ${code}`),
    (error) => error,
  );
  assert.is(error.code, code, error.stack);
  assert.match(error.message, words);
}
