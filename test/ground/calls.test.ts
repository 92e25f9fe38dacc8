/** Calls between two threads: answers find their call, errors keep their code, and a lost side leaves no call waiting. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Calls, type Handlers } from '../../src/ground/calls.js';
import { AlbertError } from '../../src/ground/errors.js';
import { expectError } from '../support/expect-error.js';

const test = suite('calls');

/** Two sides whose messages are copied, as between threads, and arrive later; `moved` has what was transferred. */
function connect(handlers: Handlers): { near: Calls; far: Calls; moved: unknown[] } {
  const moved: unknown[] = [];
  const near: Calls = new Calls((message) => queueMicrotask(() => far.receive(structuredClone(message))), {});
  const far: Calls = new Calls((message, transfer = []) => {
    moved.push(...transfer);
    queueMicrotask(() => near.receive(structuredClone(message)));
  }, handlers);
  return { near, far, moved };
}

test('answers in another order than the calls', async () => {
  const waiting: ((value: { value: number }) => void)[] = [];
  const { near } = connect({ double: (value: number) => new Promise((resolve) => (waiting[value] = resolve)) });
  const calls = [0, 1, 2].map((value) => near.call('double', value));
  await new Promise((resolve) => setTimeout(resolve));
  for (const value of [2, 0, 1]) waiting[value]?.({ value: 2 * value });
  assert.equal(await Promise.all(calls), [0, 2, 4]);
});

test('what an answer transfers is handed to the other side', async () => {
  const bytes = new ArrayBuffer(8);
  const { near, moved } = connect({ read: async () => ({ value: bytes, transfer: [bytes] }) });
  assert.is((await near.call<ArrayBuffer>('read')).byteLength, 8);
  assert.equal(moved, [bytes]);
});

test('an error of ours keeps its code and its lines, any other its name', async () => {
  const { near } = connect({
    ours: async () => {
      throw new AlbertError('ERR_TOO_LONG', ['one', 'two']);
    },
    theirs: async () => {
      throw new RangeError('too much');
    },
    nothing: () => Promise.reject(undefined),
  });
  await expectError(() => near.call('ours'), 'ERR_TOO_LONG', 'one\ntwo');
  const theirs = await near.call<Error>('theirs').catch((error) => error);
  assert.equal([theirs instanceof AlbertError, theirs.name, theirs.message], [false, 'RangeError', 'too much']);
  assert.ok((await near.call('nothing').catch((error) => error)) instanceof Error);
  const unknown = await near.call<Error>('unknown').catch((error) => error);
  assert.match(unknown.message, /there is no call "unknown"/);
});

test('a signal reaches the handler of its own call, and no other', async () => {
  const seen: string[] = [];
  const wait = (name: string, signal: AbortSignal) =>
    new Promise<{ value: string }>((resolve) => {
      signal.addEventListener('abort', () => {
        seen.push(name);
        resolve({ value: `${name} stopped` });
      });
      if (name === 'b') setTimeout(() => resolve({ value: 'b done' }), 10);
    });
  const { near } = connect({ wait });
  const controller = new AbortController();
  const calls = [near.call('wait', 'a', { signal: controller.signal }), near.call('wait', 'b')];
  setTimeout(() => controller.abort());
  assert.equal(await Promise.all(calls), ['a stopped', 'b done']);
  assert.equal(seen, ['a']);
});

test('when the other side is gone every call fails, and a late answer is dropped', async () => {
  let answer: (value: { value: number }) => void = () => {};
  const { near } = connect({ slow: () => new Promise((resolve) => (answer = resolve)) });
  const calls = [near.call('slow'), near.call('slow')].map((call) => call.catch((error) => error.message));
  await new Promise((resolve) => setTimeout(resolve));
  near.fail(new Error('it is gone'));
  assert.equal(await Promise.all(calls), ['it is gone', 'it is gone']);
  answer({ value: 1 });
  await new Promise((resolve) => setTimeout(resolve));
});

test('a value that cannot be sent fails its call and leaves no other', async () => {
  const near = new Calls((message) => void structuredClone(message), {});
  const failed = await near.call<Error>('any', () => {}).catch((error) => error);
  assert.is(failed.name, 'DataCloneError');
});

test.run();
