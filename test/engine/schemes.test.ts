/** Each build finds its own fastest kernels: what one has settled on decides nothing for another in the same process. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Build, Kernels } from '../../src/engine/kernels.js';
import { ACTIVATION_RANGES, schemesOf } from '../../src/engine/schemes.js';
import type { TrainingEngine } from '../../src/engine/training-engine.js';
import { weightGradient } from '../../src/engine/weight-gradient.js';

const test = suite('kernels of each build');
const BUILDS: readonly Build[] = ['scalar', 'simd', 'relaxed-simd'];
const SIZE = { rows: 2 ** 8, inputs: 2 ** 8, outputs: 2 ** 8 };

/** Runs `play` while a clock of ours goes on by what `take` is told. */
function withClock(play: (take: (milliseconds: number) => void) => void): void {
  const { now } = performance;
  let clock = 0;
  performance.now = () => clock;
  try {
    play((milliseconds) => {
      clock += milliseconds;
    });
  } finally {
    performance.now = now;
  }
}

/** Which kernel is fast: of the first build the narrow ones, of the second the wide ones, and so on. */
const wins = (build: number, kernel: string) => kernel.endsWith('Wide') === (build % 2 === 1);

const kernelsOf = (build: Build) =>
  ({
    simd: { value: Number(build !== 'scalar') },
    relaxedSimd: { value: Number(build === 'relaxed-simd') },
  }) as Kernels;

test('products', () => {
  for (const dtype of ['float32', 'int8', 'fineInt8'] as const) {
    for (const [i, build] of BUILDS.entries()) {
      const { gemm } = schemesOf(kernelsOf(build), ACTIVATION_RANGES[0])[dtype];
      assert.is(gemm.decided, false, `${dtype}, ${build}`);
      withClock((take) => {
        for (let n = 0; n < 16; n++) gemm.run(SIZE, (kernel) => take(wins(i, kernel) ? 1 : 2));
      });
      assert.ok(gemm.decided && wins(i, gemm.fastest), `${dtype}, ${build}: ${gemm.fastest}`);
      // Models of one build share it.
      assert.is(schemesOf(kernelsOf(build), ACTIVATION_RANGES[0])[dtype].gemm, gemm);
    }
  }
});

test('gradients of weights', () => {
  for (const [i, build] of BUILDS.entries()) {
    const seen: string[] = [];
    withClock((take) => {
      const run = (kernel: string) => {
        if (!kernel.startsWith('gemm')) return;
        seen.push(kernel);
        take(wins(i, kernel) ? 1 : 2);
      };
      const training = { threads: 1, run, engine: { build, scratch: { address: 0, bytes: 0 } } } as unknown;
      const matrix = { address: 64, rows: SIZE.rows, cols: SIZE.inputs, stride: SIZE.inputs * 4 };
      const scratch = { transposed: 64, panels: 64 };
      for (let n = 0; n < 17; n++) {
        weightGradient(training as TrainingEngine, matrix, matrix, { panels: 64, bias: 0 }, scratch);
      }
    });
    assert.is(seen.length, 17, build);
    assert.is(new Set(seen.slice(0, 16)).size, 2, `${build} has a contest of its own`);
    assert.ok(wins(i, seen.at(-1) as string), `${build}: ${seen.at(-1)}`);
  }
});

test.run();
