/** Encoding takes time linear in the text, also without a single space; and the measure can tell. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { fromJson } from './support.js';

const test = suite('linear time');

/**
 * The exponent of time over size: the slope of log time on log size, each time the best of three. The time is this
 * process's own (CPU), so that other programs on the machine do not count.
 */
function fittedExponent(sizes: readonly number[], run: (size: number) => void): number {
  run(sizes[0] as number); // warm up
  const points = sizes.map((size) => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i++) {
      const start = process.cpuUsage();
      run(size);
      const { user, system } = process.cpuUsage(start);
      best = Math.min(best, user + system);
    }
    return [Math.log(size), Math.log(best)] as const;
  });
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return covariance / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}

/** Far apart, so that what the garbage collector does at one size weighs little on the slope. */
const SIZES = [32_000, 128_000, 512_000];
const UNITS = {
  letters: 'abcdefghij',
  'one letter': 'a',
  words: 'The cat sat. ',
  emoji: '😀',
  CJK: '漢字',
  Arabic: 'الله',
  sigma: 'Σ',
  marks: '\u0301',
};

let cases = 0;
for (const [name, unit] of Object.entries(UNITS)) {
  test(name, () => {
    const text = unit.repeat(Math.ceil((SIZES.at(-1) as number) / unit.length));
    // A busy machine may spoil a fit; it does not spoil five in a row unless the time really grows faster.
    let exponent = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 5 && exponent > 1.3; attempt++) {
      exponent = fittedExponent(SIZES, (size) => fromJson.encode(text.slice(0, size)));
    }
    assert.ok(exponent <= 1.3, `time grows as size to the ${exponent.toFixed(2)}`);
    cases++;
  });
}

test('the fit rejects a quadratic stand-in', () => {
  const exponent = fittedExponent([1000, 2000, 4000, 8000], (size) => {
    let sum = 0;
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) sum += i ^ j;
    assert.type(sum, 'number');
  });
  assert.ok(exponent > 1.5, `a quadratic loop fits ${exponent.toFixed(2)}`);
});

test('one megabyte without a space is encoded whole', () => {
  assert.ok(fromJson.encode('abcdefghij'.repeat(1e5)).input_ids.length > 1e5);
  assert.is(cases, Object.keys(UNITS).length);
});

test.run();
