/** The fastest of several kernels wins, whatever the first runs cost, and small products do not judge. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Autotuner, type ProductSize } from '../../src/engine/autotune.js';

const test = suite('autotune');
const LARGE: ProductSize = { rows: 2 ** 8, inputs: 2 ** 8, outputs: 2 ** 8 };
const SMALL: ProductSize = { ...LARGE, rows: 2 ** 8 - 1 };

interface Turn {
  readonly kernel: string;
  readonly size: ProductSize;
  /** How often the kernel ran before. */
  readonly nth: number;
}

/** Runs a tuner for `turns` products of these sizes, one after another; `cost` says the milliseconds of each. */
function play(tuner: Autotuner<string>, turns: number, cost: (turn: Turn) => number, sizes = [LARGE]): string[] {
  const { now } = performance;
  let clock = 0;
  performance.now = () => clock;
  const seen: string[] = [];
  try {
    for (let turn = 0; turn < turns; turn++) {
      const size = sizes[turn % sizes.length] as ProductSize;
      tuner.run(size, (kernel) => {
        clock += cost({ kernel, size, nth: seen.filter((other) => other === kernel).length });
        seen.push(kernel);
      });
    }
  } finally {
    performance.now = now;
  }
  return seen;
}

test('the kernel with the fastest product is kept, though its first ones were slow', () => {
  const tuner = new Autotuner(['a', 'b']);
  assert.is(tuner.decided, false);
  const seen = play(tuner, 24, ({ kernel, nth }) => (kernel === 'a' ? 3 : nth < 3 ? 50 : 2));
  assert.equal(seen.slice(0, 4), ['a', 'b', 'a', 'b']);
  assert.equal(new Set(seen.slice(16)), new Set(['b']));
  assert.is(tuner.fastest, 'b');
  assert.is(tuner.decided, true);
});

test('the first is kept when it is as fast, and when noise could make the difference', () => {
  for (const b of [1, 0.92]) {
    const tuner = new Autotuner(['a', 'b']);
    play(tuner, 48, ({ kernel }) => (kernel === 'a' ? 1 : b));
    assert.is(tuner.decided, true);
    assert.is(tuner.fastest, 'a');
  }
});

test('while none is clearly the fastest, more products decide: a busy machine disturbed the first ones', () => {
  const tuner = new Autotuner(['a', 'b']);
  play(tuner, 16, ({ kernel }) => (kernel === 'a' ? 10 : 9.5));
  assert.is(tuner.decided, false);
  play(tuner, 16, ({ kernel }) => (kernel === 'a' ? 10 : 6));
  assert.is(tuner.decided, true);
  assert.is(tuner.fastest, 'b');
});

test('a close contest goes on, up to three times as long; then the fastest is kept', () => {
  const tuner = new Autotuner(['a', 'b']);
  const cost = ({ kernel }: Turn) => (kernel === 'a' ? 1 : 0.88);
  for (const [products, decided] of [
    [16, false],
    [31, false],
    [1, true],
  ] as const) {
    play(tuner, products, cost);
    assert.is(tuner.decided, decided);
  }
  assert.is(tuner.fastest, 'b');
});

test('of three, a second that is close keeps the contest open', () => {
  const tuner = new Autotuner(['a', 'b', 'c']);
  const cost = ({ kernel }: Turn) => ({ a: 10, b: 8.8, c: 20 })[kernel] as number;
  play(tuner, 24, cost);
  assert.is(tuner.decided, false);
  play(tuner, 48, cost);
  assert.is(tuner.decided, true);
  assert.is(tuner.fastest, 'b');
});

test('of three, the fastest is kept, wherever it stands', () => {
  for (const best of ['a', 'b', 'c']) {
    const tuner = new Autotuner(['a', 'b', 'c']);
    play(tuner, 24, ({ kernel }) => (kernel === best ? 1 : 2));
    assert.is(tuner.fastest, best);
  }
});

test('each meets each size: a size that costs more per multiply-add is no kernel’s disadvantage', () => {
  // As the products of a layer follow one another: by turns over all, each kernel would always meet the same two.
  const sizes = [3, 1, 4, 2].map((factor) => ({ ...LARGE, outputs: LARGE.outputs * factor }));
  const slow = new Set([sizes[0], sizes[2]]);
  for (const [a, b, winner] of [
    [2, 1.5, 'b'],
    [1.5, 2, 'a'],
  ] as const) {
    const met = new Set<string>();
    const tuner = new Autotuner(['a', 'b']);
    play(
      tuner,
      16,
      ({ kernel, size }) => {
        met.add(`${kernel} ${size.outputs}`);
        const work = size.rows * size.inputs * size.outputs;
        return (slow.has(size) ? 5 : 1) * (kernel === 'a' ? a : b) * (work / 2 ** 24);
      },
      sizes,
    );
    assert.is(tuner.decided, true);
    assert.is(met.size, 8);
    assert.is(tuner.fastest, winner);
  }
});

test('rows do not make another size: batches of all lengths decide', () => {
  const tuner = new Autotuner(['a', 'b']);
  const sizes = Array.from({ length: 16 }, (_, i) => ({ ...LARGE, rows: LARGE.rows + i }));
  play(tuner, 16, ({ kernel }) => (kernel === 'a' ? 2 : 1), sizes);
  assert.is(tuner.decided, true);
  assert.is(tuner.fastest, 'b');
});

test('sizes that all have met only once judge only if there are no others', () => {
  const sizes = Array.from({ length: 8 }, (_, i) => ({ ...LARGE, outputs: LARGE.outputs + i }));
  const tuner = new Autotuner(['a', 'b']);
  play(tuner, 16, ({ kernel }) => (kernel === 'a' ? 2 : 1), sizes);
  assert.is(tuner.fastest, 'b');
  const other = new Autotuner(['a', 'b']);
  const [often, once] = sizes as [ProductSize, ProductSize];
  play(other, 2, ({ kernel }) => (kernel === 'a' ? 1 : 99), [once]);
  play(other, 14, ({ kernel }) => (kernel === 'a' ? 2 : 1), [often]);
  assert.is(other.fastest, 'b');
});

test('small products neither take part nor judge', () => {
  const tuner = new Autotuner(['a', 'b']);
  const seen: string[] = [];
  for (let i = 0; i < 50; i++) tuner.run(SMALL, (kernel) => seen.push(kernel));
  assert.equal(new Set(seen), new Set(['a']));
  play(tuner, 16, ({ kernel }) => (kernel === 'a' ? 2 : 1));
  tuner.run(SMALL, (kernel) => seen.push(kernel));
  assert.is(seen.at(-1), 'b');
});

test('a lone kernel has won', () => {
  const tuner = new Autotuner(['only']);
  assert.is(tuner.decided, true);
  assert.equal(new Set(play(tuner, 9, () => 1)), new Set(['only']));
});

test('what a kernel throws is its caller’s, and the tuner goes on', () => {
  const tuner = new Autotuner(['a', 'b']);
  assert.throws(() =>
    tuner.run(LARGE, () => {
      throw new Error('trap');
    }),
  );
  play(tuner, 17, ({ kernel }) => (kernel === 'a' ? 2 : 1));
  assert.is(tuner.fastest, 'b');
});

test.run();
