/** Errors: any value is shown in a bounded line, and nothing that strangers have written acts on a terminal. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Calls } from '../../src/ground/calls.js';
import { reading } from '../../src/ground/checks.js';
import { AlbertError, mismatch, reasonOf, show, within } from '../../src/ground/errors.js';
import { checkOptions } from '../../src/ground/options.js';
import { printable, printableText } from '../../src/ground/printable.js';
import { stateCases } from '../support/cases.js';

const test = suite('errors');

/** What acts: controls, format characters (bidi overrides, zero width, tags), separators of lines, halves of characters. */
const ACTING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

function nested(depth: number): unknown {
  let value: unknown = 7;
  for (let i = 0; i < depth; i++) value = i % 3 === 0 ? { 0: value, constructor: value, length: 1 } : [value, value];
  return value;
}

const self: unknown[] = [];
self.push(self, self);
const { proxy: revoked, revoke } = Proxy.revocable([], {});
revoke();
const throwing = () => {
  throw new Error('boo');
};
/** A class whose name throws. */
const Named = Object.defineProperty(class {}, 'name', { get: throwing });

/** Values that are hard to show, and what is shown of some. */
const VALUES: [value: unknown, wanted?: string][] = [
  [nested(100_000)],
  [JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`), '[[[[…]]]]'],
  [self, '[[[[…], […]], [[…], […]]], [[[…], […]], [[…], […]]]]'],
  [revoked, 'a value that cannot be read'],
  [[1, [revoked]], 'a value that cannot be read'],
  [new Proxy({}, { get: throwing }), 'a value that cannot be read'],
  [Object.defineProperty([1], 0, { get: throwing }), 'a value that cannot be read'],
  [new Named(), 'a value that cannot be read'],
  [Object.create(null), 'an object'],
  [{ constructor: { name: 'Fake' } }, 'an object'],
  [JSON.parse('{"constructor": {"name": {"a": 1}}}'), 'an object'],
  [Object.assign(() => 1, { toString: throwing }), 'a function'],
  [{ toString: throwing, [Symbol.toPrimitive]: throwing }, 'Object'],
  [Symbol('x'), 'Symbol(x)'],
  [Symbol('x'.repeat(10_000))],
  [1n << 100_000n, 'a bigint beyond 256 bits'],
  [-5n, '-5n'],
  ['x'.repeat(1e6), `"${'x'.repeat(80)}"…`],
  [Array(1e6).fill('y'.repeat(1000))],
  [Array(1e6).fill(Array(1e6).fill('y'.repeat(1000)))],
  [
    new Array(2 ** 32 - 1),
    '[undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined, …]',
  ],
  [new Uint8Array(3), 'Uint8Array of 3'],
  [new DataView(new ArrayBuffer(5)), 'DataView of 5'],
  [[1, [2, 'a']], '[1, [2, "a"]]'],
  [undefined, 'undefined'],
  [null, 'null'],
];

test('any value is shown in a bounded line, in a bounded time', () => {
  const start = performance.now();
  for (const [value, wanted] of VALUES) {
    const got = show(value);
    assert.ok(got.length <= 401, `${got.length} characters`);
    if (wanted !== undefined) assert.is(got, wanted);
    assert.ok(mismatch('ERR_INPUT', 'x', 'y', value).message.length < 500);
  }
  // The digits of one bigint, or all of one array, would take longer.
  assert.ok(performance.now() - start < 30_000);
  stateCases(VALUES.length, 26);
});

test('titles and places are bounded too', () => {
  const long = 'k'.repeat(1e6);
  assert.ok(mismatch('ERR_CONFIG', long, 'y', 1, long).message.length < 1000);
  assert.ok(reasonOf(new Error(long)).length < 1100);
});

test('every line is bounded, whatever it was composed of, and escapes do not lengthen it', () => {
  const long = '\u001b'.repeat(1_000_000);
  for (const error of [
    mismatch('ERR_TOKENIZER', 'id', `the id of ${long}`, 1),
    new AlbertError('ERR_SOURCE', [long, 'second', long]),
    within(long.slice(0, 10), () => new AlbertError('ERR_INPUT', long)),
  ]) {
    for (const line of error.message.split('\n')) assert.ok(line.length <= 2001, `${line.length} characters`);
  }
  assert.is(new AlbertError('ERR_SOURCE', [long, 'second', long]).message.split('\n')[1], 'second');
});

test('what a caller’s getters and proxies throw is ERR_INPUT, with the cause', () => {
  const names = { a: true, b: true } as const;
  const options = [
    revoked,
    new Proxy({}, { ownKeys: throwing }),
    {
      get a() {
        return throwing();
      },
    },
    Object.create({
      get b() {
        return throwing();
      },
    }),
  ];
  for (const given of options) {
    let thrown: unknown;
    try {
      checkOptions(given as object, names as never);
    } catch (error) {
      thrown = error;
    }
    assert.ok(thrown instanceof AlbertError && thrown.code === 'ERR_INPUT', String(thrown));
    assert.ok(thrown.cause instanceof Error);
    assert.match(thrown.message, '"options" cannot be read: ');
  }
  const inherited = Object.create({ a: 1 });
  inherited.b = 2;
  assert.equal(checkOptions(inherited, names as never), { a: 1, b: 2 });
  for (const odd of [null, undefined, 7, new Named()]) {
    assert.throws(
      () =>
        reading('x', () => {
          throw odd;
        }),
      (error: AlbertError) => error.code === 'ERR_INPUT' && error.cause === odd,
    );
  }
});

const character = fc.oneof(
  fc.constantFrom(
    ...'\0\t\n\r\u001b\u007f\u0085\u009b\u00ad\u061c\u200b\u200d\u200e\u2028\u2029\u202e\u2066\u2069\ufeff',
  ),
  fc.constantFrom('\u{e0041}', '\u{1d173}', '\ud800', '\udc00', 'a', '\\', '"', 'é', '👍'),
  fc.integer({ min: 0, max: 0x9f }).map((code) => String.fromCharCode(code)),
);
const hostile = fc.array(character, { maxLength: 40 }).map((parts) => parts.join(''));
const RUNS = 2000;

test('nothing in a message acts: title, place, value, path, cause, over threads and within', async () => {
  await fc.assert(
    fc.asyncProperty(hostile, async (text) => {
      const error = mismatch('ERR_CONFIG', text, 'x', [text, { [text]: 1 }, Symbol(text)], text);
      const values = mismatch('ERR_CONFIG', 'x', 'x', text);
      const other = new AlbertError('ERR_SOURCE', `cannot read ${text}: ${reasonOf(new Error(text))}`);
      for (const { message, stack } of [error, values, other]) {
        assert.not.match(message, ACTING);
        assert.not.match(String(stack).replaceAll('\n', ''), ACTING);
      }
      assert.throws(
        () =>
          within('here', () => {
            throw error;
          }),
        (again: Error) => again.message === `here: ${error.message}`,
      );
      const two: Calls[] = [];
      for (const i of [0, 1]) {
        const handlers = {
          fail: async () => {
            throw error;
          },
          raw: async () => {
            throw text;
          },
        };
        two.push(new Calls((message) => queueMicrotask(() => two[1 - i]?.receive(structuredClone(message))), handlers));
      }
      const far = await two[0]!.call<AlbertError>('fail').catch((error) => error);
      assert.is(far.message, error.message, 'an error on its way is not escaped again');
      assert.ok(far instanceof AlbertError);
      assert.ok((await two[0]!.call('raw').catch((error) => error)) instanceof Error);
    }),
    { numRuns: RUNS, seed: Number(process.env.FUZZ_SEED ?? 1) },
  );
  stateCases(RUNS, 2000);
});

test('several lines stay several, each escaped', () => {
  const lines = ['a\nb', 'c\u2028d'];
  const error = new AlbertError('ERR_PARAMETER', lines);
  assert.is(error.message, 'a\\u000ab\nc\\u2028d');
  assert.throws(
    () =>
      within('x', () => {
        throw error;
      }),
    (again: Error) => again.message === `x: ${error.message}`,
  );
});

test('escaped text means what it was, in JSON; joiners stay in texts', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const json = JSON.stringify({ [text]: text });
      assert.equal(JSON.parse(printableText(json)), JSON.parse(json));
      assert.equal(JSON.parse(printable(json)), JSON.parse(json));
      assert.is(printable(printable(text)), printable(text));
      assert.not.match(printable(text), ACTING);
      assert.not.match(printableText(text).replace(/[\u200c\u200d]/g, ''), ACTING);
    }),
    { numRuns: RUNS, seed: Number(process.env.FUZZ_SEED ?? 1) },
  );
  assert.is(printableText('👩‍👧 می‌خواهم'), '👩‍👧 می‌خواهم');
  assert.is(printable('\u{e0041}\u009b'), '\\udb40\\udc41\\u009b');
  stateCases(RUNS, 2000);
});

test.run();
