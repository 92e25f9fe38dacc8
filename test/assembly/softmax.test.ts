/** softmax over every remainder of a row, and over rows that would overflow, underflow or divide by zero. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { padded } from './arena.js';
import { type Answer, assertWithin, Cases, everyBuild } from './harness.js';
import { EXP_ERROR, Random, softmaxRow, UNIT } from './reference.js';

const test = suite('softmax');
const cases = new Cases(2_500);

function softmax(x: Float32Array, rows: number, cols: number, gap: number, label: string): Answer[] {
  return everyBuild(cases, label, (arena, kernels) => {
    const matrix = arena.allow(arena.input(x, rows, cols, (padded(cols) + gap) * 4));
    return { run: () => kernels.softmax(matrix.address, matrix.stride, rows, cols), out: [matrix] };
  });
}

function check(x: Float32Array, rows: number, cols: number, gap: number, kind: string): void {
  const label = `${kind}, ${rows} × ${cols}, gap ${gap}`;
  for (const { build, values } of softmax(x, rows, cols, gap, label)) {
    for (let row = 0; row < rows; row++) {
      const part = (m: Float32Array) => m.slice(row * cols, row * cols + cols);
      const expected = softmaxRow(part(x));
      assertWithin(part(values), expected.values, expected.bounds, `${label}, ${build}, row ${row}`);
    }
  }
}

/** A row of each kind is a different danger. */
const KINDS: Record<string, (random: Random, size: number) => Float32Array> = {
  ordinary: (random, size) => random.uniform(size, -4, 4),
  'all equal': (random, size) => new Float32Array(size).fill(random.next() * 100 - 50),
  '-1e10 everywhere': (_, size) => new Float32Array(size).fill(-1e10),
  'far apart': (random, size) => random.uniform(size, -1e4, 1e4),
  'all of the range': (random, size) => random.uniform(size).map((u) => u * 3.4e38),
  'one large': (random, size) => random.uniform(size).map((u, i) => (i === size >> 1 ? 1e30 : u)),
  'below the underflow': (random, size) => random.uniform(size, -89, -86).map((u, i) => (i === 0 ? 0 : u)),
};

for (const [kind, make] of Object.entries(KINDS)) {
  test(kind, () => {
    const random = new Random(kind.length);
    for (let cols = 1; cols <= 40; cols++) {
      for (const rows of [1, 2, 5]) {
        for (const gap of [0, 5]) check(make(random, rows * cols), rows, cols, gap, kind);
      }
    }
    for (const cols of [100, 128, 511, 512, 1001, 30_000]) check(make(random, 2 * cols), 2, cols, 0, kind);
  });
}

test('the largest at each place of the row', () => {
  for (let cols = 1; cols <= 40; cols++) {
    for (let place = 0; place < cols; place++) {
      const x = new Float32Array(cols).map((_, i) => (i === place ? 0 : -200));
      for (const { values } of softmax(x, 1, cols, 0, `largest at ${place} of ${cols}`)) {
        for (const [i, p] of values.entries()) assert.is(p, i === place ? 1 : 0, `largest at ${place} of ${cols}`);
      }
    }
  }
});

test('equal rows are uniform, however low', () => {
  for (const value of [0, -1e10, -3e38, 3e38]) {
    for (const cols of [1, 2, 4, 8, 16, 32, 128]) {
      for (const { values } of softmax(new Float32Array(cols).fill(value), 1, cols, 0, `${cols} times ${value}`)) {
        for (const p of values) assert.is(p, 1 / cols, `${cols} times ${value}`);
      }
    }
  }
});

test('the exponential keeps its stated error from -87.3 to 0', () => {
  const rows = 20_000;
  const x = new Float32Array(rows * 2).map((_, i) => (i & 1 ? (-87.3 * i) / (2 * rows) : 0));
  for (const { values } of softmax(x, rows, 2, 0, 'exponential')) {
    for (let row = 0; row < rows; row++) {
      // The sum divides both: their quotient is the exponential, after two more roundings.
      const ratio = values[row * 2 + 1]! / values[row * 2]!;
      const exact = Math.exp(x[row * 2 + 1]!);
      const error = Math.abs(ratio / exact - 1);
      assert.ok(error <= EXP_ERROR + 3 * UNIT, `exp(${x[row * 2 + 1]}): ${ratio}, off by ${error}`);
    }
  }
});

test('a NaN spoils its own row only', () => {
  for (let cols = 1; cols <= 17; cols++) {
    const x = new Random(cols).uniform(3 * cols);
    x[2 * cols - 1] = Number.NaN;
    for (const { values } of softmax(x, 3, cols, 0, `a NaN among ${cols}`)) {
      for (const [i, p] of values.entries()) {
        assert.is(Number.isNaN(p), Math.floor(i / cols) === 1, `a NaN among ${cols}, at ${i}`);
      }
    }
  }
});

test('no rows, no writes', () => {
  everyBuild(cases, 'no rows', (arena, kernels) => {
    const address = arena.take(64);
    return { run: () => kernels.softmax(address, 32, 0, 5), out: [] };
  });
});

test('enough cases', () => cases.assertEnough());

test.run();
