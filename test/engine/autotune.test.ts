/** The fastest of several kernels wins, whatever the first runs cost, and small products do not judge. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Autotuner } from '../../src/engine/autotune.js';

const test = suite('autotune');
const LARGE = 2 ** 24;

/** Runs a tuner for `turns` large products; `cost` says the milliseconds of a kernel's n-th. */
function play(tuner: Autotuner<string>, turns: number, cost: (kernel: string, nth: number) => number): string[] {
  const { now } = performance;
  let clock = 0;
  performance.now = () => clock;
  const seen: string[] = [];
  try {
    for (let turn = 0; turn < turns; turn++) {
      tuner.run(LARGE, (kernel) => {
        clock += cost(kernel, seen.filter((other) => other === kernel).length);
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
  const seen = play(tuner, 20, (kernel, nth) => (kernel === 'a' ? 3 : nth < 3 ? 50 : 2));
  assert.equal(seen.slice(0, 4), ['a', 'b', 'a', 'b']);
  assert.equal(new Set(seen.slice(12)), new Set(['b']));
  assert.is(tuner.fastest, 'b');
});

test('the first is kept when it is as fast', () => {
  const tuner = new Autotuner(['a', 'b']);
  play(tuner, 12, () => 1);
  assert.is(tuner.fastest, 'a');
});

test('small products neither take part nor judge', () => {
  const tuner = new Autotuner(['a', 'b']);
  const seen: string[] = [];
  for (let i = 0; i < 50; i++) tuner.run(LARGE - 1, (kernel) => seen.push(kernel));
  assert.equal(new Set(seen), new Set(['a']));
  play(tuner, 12, (kernel) => (kernel === 'a' ? 2 : 1));
  tuner.run(1, (kernel) => seen.push(kernel));
  assert.is(seen.at(-1), 'b');
});

test('a lone kernel has won', () => {
  const tuner = new Autotuner(['only']);
  assert.equal(new Set(play(tuner, 9, () => 1)), new Set(['only']));
});

test('what a kernel throws is its caller’s, and the tuner goes on', () => {
  const tuner = new Autotuner(['a', 'b']);
  assert.throws(() =>
    tuner.run(LARGE, () => {
      throw new Error('trap');
    }),
  );
  play(tuner, 11, (kernel) => (kernel === 'a' ? 2 : 1));
  assert.is(tuner.fastest, 'b');
});

test.run();
