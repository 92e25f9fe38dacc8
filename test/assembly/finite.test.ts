/** allFinite: every exponent, every place, nothing beside the numbers. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BUILDS, Cases, instantiateBuild } from './harness.js';

const test = suite('allFinite');
const cases = new Cases(130_000);

for (const build of BUILDS) {
  const { kernels, buffer } = await instantiateBuild(build, 1);
  const base = Math.ceil(Number(kernels.heapBase.value) / 64) * 64 + 4;
  const finite = (n: number) => kernels.allFinite(base, n) !== 0;

  test(`${build}: the upper half of every number`, () => {
    const [bits, floats] = [new Uint32Array(buffer, base, 1), new Float32Array(buffer, base, 1)];
    for (let upper = 0; upper < 65536; upper++, cases.count++) {
      bits[0] = upper * 65536 + 1;
      if (finite(1) !== Number.isFinite(floats[0])) assert.unreachable(`${bits[0].toString(16)}`);
    }
  });

  test(`${build}: in every place, and not beside`, () => {
    const floats = new Float32Array(buffer, base - 4, 25);
    for (let n = 1; n <= 22; n++) {
      for (let at = 0; at <= n + 1; at++, cases.count++) {
        for (const bad of [Number.NaN, Infinity, -Infinity]) {
          floats.fill(3e38)[at] = bad;
          assert.is(finite(n), at === 0 || at === n + 1, `${bad} at ${at - 1} of ${n}`);
        }
      }
    }
  });
}

test('enough cases', () => cases.assertEnough());

test.run();
