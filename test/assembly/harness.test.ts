/** The harness itself: each kind of fault that it is there to catch, made on purpose. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Arena, padded } from './arena.js';
import { assertSameBits, assertWithin, BUILDS, Cases, everyBuild, firstOutside } from './harness.js';
import { Random } from './reference.js';

const test = suite('harness');

/** uvu's own `throws` lets failed assertions pass through. */
function failure(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

const COLS = 5;
const X = new Random(1).uniform(2 * COLS);

/** Two rows for softmax, with room for one panel between them. */
function rows(arena: Arena) {
  return arena.input(X, 2, COLS, 64);
}

test('the debug and a release build are always there', () => {
  assert.ok(BUILDS.includes('debug') && BUILDS.includes('simd'));
});

test('catches a write to an input', () => {
  const message = failure(() =>
    everyBuild(new Cases(0), 'input', (arena, { softmax }) => {
      const x = rows(arena);
      return { run: () => softmax(x.address, 64, 2, COLS), out: [x] };
    }),
  );
  assert.match(message, /^input, debug build, NaN around: wrote at/);
});

test('catches a write to the guard on either side', () => {
  for (const offset of [-64, -4, 4]) {
    const message = failure(() =>
      everyBuild(new Cases(0), 'guard', (arena, { dropout }) => {
        arena.take(4); // The first buffer would lie at the end of memory, with a trap for a guard.
        const x = arena.output(1, 8);
        // With nothing to drop: a multiplication by one half.
        return { run: () => dropout(x.address + offset, 32, 1, 8, 0, 0, 0.5), out: [] };
      }),
    );
    assert.match(message, /wrote at/, `offset ${offset}`);
  }
});

test('catches a read past a buffer', () => {
  const message = failure(() =>
    everyBuild(new Cases(0), 'read', (arena, { packF32 }) => {
      const source = arena.matrix(1, 8);
      const panels = arena.output(9, 8);
      return { run: () => packF32(source.address, 4, 4, panels.address, 9, 1, 0), out: [] };
    }),
  );
  assert.match(message, /memory access out of bounds/);
});

test('catches a write to the gap between two rows', () => {
  const message = failure(() =>
    everyBuild(new Cases(0), 'gap', (arena, { dropout }) => {
      const x = arena.allow(rows(arena));
      return { run: () => dropout(x.address, 64, 1, 9, 0, 0, 0.5), out: [x] };
    }),
  );
  assert.match(message, /wrote at/);
});

test('catches an answer that depends on padding, read in a sum or in a maximum', () => {
  const message = failure(() =>
    everyBuild(new Cases(0), 'padding', (arena, { softmax }) => {
      const x = arena.allow(rows(arena));
      return { run: () => softmax(x.address, 64, 2, padded(COLS)), out: [x] };
    }),
  );
  assert.match(message, /NaN or huge around/);
});

test('catches builds that differ', () => {
  let call = 0;
  const message = failure(() =>
    everyBuild(new Cases(0), 'builds', (arena) => {
      const x = arena.input(new Float32Array([call++ < 2 ? 1 : 1 + 2 ** -23]), 1, 1);
      return { run: () => undefined, out: [x] };
    }),
  );
  assert.match(message, /debug and release builds: 1 and 1.0000001/);
});

test('compares without a way around', () => {
  const [one, nan] = [new Float32Array([1]), new Float32Array([Number.NaN])];
  assert.is(firstOutside(one, [1], [0]), -1);
  for (const [a, e, b] of [
    [nan, 1, 9],
    [one, Number.NaN, 9],
    [one, 1, Number.NaN],
    [one, 1.5, 0.49],
  ] as const) {
    assert.match(
      failure(() => assertWithin(a, [e], [b], 'pair')),
      /^pair: expected/,
    );
  }
  assert.not.match(
    failure(() => assertWithin(one, [], [], 'length')),
    'none',
  );
  assert.match(
    failure(() => assertSameBits(new Float32Array([0]), new Float32Array([-0]), 'zeros')),
    /^zeros/,
  );
  assert.is(
    failure(() => assertSameBits(nan, nan.slice(), 'NaN')),
    'none',
  );
});

test('too few cases fail', () => {
  const cases = new Cases(2);
  cases.count = 1;
  assert.match(
    failure(() => cases.assertEnough()),
    /at least 2 cases, ran 1/,
  );
  cases.count = 2;
  assert.is(
    failure(() => cases.assertEnough()),
    'none',
  );
});

test.run();
