/** The benches' own arithmetic: order statistics, the measures of an answer's error, the register peak. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { relaxedSimd } from 'wasm-feature-detect';
import { RegisterPeak } from '../../bench/peak.js';
import { largestDifference, median, nmse, quartiles } from '../../bench/statistics.js';
import { DTYPES } from '../../src/ground/dtypes.js';

const statistics = suite('statistics');

statistics('medians and quartiles', () => {
  assert.is(median([5, 1, 9]), 5);
  assert.is(median([4, 1, 2, 3]), 2.5);
  assert.equal(quartiles([1, 2, 3, 4, 5]), [2, 4]);
  assert.throws(() => median([]), RangeError);
});

statistics('errors of an answer', () => {
  assert.is(nmse([3, 4], [3, 5]), 1 / 34);
  assert.is(largestDifference([3, -4], [3, 5]), 9);
  for (const measure of [nmse, largestDifference]) {
    assert.is(measure([1, 2], [1, 2]), 0);
    assert.ok(Number.isNaN(measure([Number.NaN, 2], [1, 2])));
    assert.throws(() => measure([1], [1, 2]));
  }
});

statistics('the register peak, each build and dtype', async () => {
  // The constructor compares the loop's answer; int8 multiplies more at a time.
  for (const build of (await relaxedSimd()) ? (['simd', 'relaxed-simd'] as const) : (['simd'] as const)) {
    for (const dtype of DTYPES) {
      const rate = new RegisterPeak(build, dtype).measure(1);
      assert.ok(rate > 0.1 && rate < 10_000, `${build} ${dtype}: ${rate} Gop/s`);
    }
  }
});

statistics.run();
