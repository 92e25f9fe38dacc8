/** layerNorm over every remainder of a row, with and without a residual, in place or not, and where precision is hard. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { padded } from './arena.js';
import { type Answer, assertWithin, Cases, everyBuild } from './harness.js';
import { layerNormRow, Random } from './reference.js';

const test = suite('layerNorm');
const cases = new Cases(1_900);

const SIZES = [...Array.from({ length: 40 }, (_, i) => i + 1), 60, 84, 768];
/** Where the answer goes. */
const TARGETS = ['elsewhere', 'x', 'residual'] as const;

interface Rows {
  readonly x: Float32Array;
  readonly residual?: Float32Array | undefined;
  readonly rows: number;
  readonly cols: number;
  readonly eps: number;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly target?: (typeof TARGETS)[number];
  /** Floats between the end of a row and the next, the same for all, or not. */
  readonly gaps?: readonly [x: number, residual: number, out: number];
}

function layerNorm(input: Rows, label: string): Answer[] {
  const { x, residual, rows, cols, eps, gamma, beta, target = 'elsewhere', gaps = [0, 0, 0] } = input;
  const [strideX, strideResidual, strideOut] = gaps.map((gap) => (padded(cols) + gap) * 4);
  return everyBuild(cases, label, (arena, kernels) => {
    const a = arena.input(x, rows, cols, strideX);
    const r = residual ? arena.input(residual, rows, cols, strideResidual) : { ...a, address: 0, stride: 0 };
    const scale = arena.vector(gamma);
    const shift = arena.vector(beta);
    const out = arena.allow(target === 'x' ? a : target === 'residual' ? r : arena.matrix(rows, cols, strideOut));
    const run = () =>
      kernels.layerNorm(
        a.address,
        a.stride,
        r.address,
        r.stride,
        scale,
        shift,
        out.address,
        out.stride,
        rows,
        cols,
        eps,
      );
    return { run, out: [out] };
  });
}

function check(input: Rows, label: string, meanIsExact = false): void {
  const { x, residual, rows, cols, gamma, beta, eps } = input;
  for (const { build, values } of layerNorm(input, label)) {
    for (let row = 0; row < rows; row++) {
      const part = (m: Float32Array) => m.slice(row * cols, row * cols + cols);
      const expected = layerNormRow(part(x), residual && part(residual), gamma, beta, eps, meanIsExact);
      assertWithin(part(values), expected.values, expected.bounds, `${label}, ${build}, row ${row}`);
    }
  }
}

for (const target of TARGETS) {
  test(`every remainder, the answer to ${target}`, () => {
    for (const cols of SIZES) {
      const random = new Random(cols);
      const [gamma, beta] = [random.weighty(cols), random.weighty(cols)];
      for (const rows of [1, 3]) {
        for (const withResidual of target === 'residual' ? [true] : [false, true]) {
          const x = random.uniform(rows * cols, -2, 3);
          const residual = withResidual ? random.uniform(rows * cols, -2, 3) : undefined;
          for (const gaps of [[0, 0, 0] as const, [5, 8, 1] as const]) {
            for (const eps of [1e-12, 0.25]) {
              const input = { x, residual, rows, cols, eps, gamma, beta, target, gaps };
              check(
                input,
                `${cols} columns, ${rows} rows, residual ${withResidual}, to ${target}, eps ${eps}, ${gaps}`,
              );
            }
          }
        }
      }
    }
  });
}

test('a mean of 10,000 costs no digits of a variance of 1', () => {
  for (const cols of SIZES) {
    const random = new Random(cols);
    // Deviations in pairs of opposite sign, in steps of 2⁻⁵, around a mean that is then exactly 10,000.
    const deviations = random.uniform(cols, -1.7, 1.7).map((d) => Math.round(d * 32) / 32);
    const x = deviations.map((d, i) => 1e4 + (i === cols - 1 && cols % 2 ? 0 : i % 2 ? -deviations[i - 1]! : d));
    const input = { x, rows: 1, cols, eps: 1e-12, gamma: random.weighty(cols), beta: random.weighty(cols) };
    // Forty such numbers add up to less than 2¹⁹, where float32 still has steps of 2⁻⁵: the sum is exact too.
    check(input, `mean of 10,000, ${cols} columns`, cols <= 40);
  }
});

test('zero variance gives beta', () => {
  for (const cols of SIZES) {
    const random = new Random(cols);
    const [gamma, beta] = [random.weighty(cols), random.weighty(cols)];
    for (const value of [0, 0.5, -3, 1024]) {
      const x = new Float32Array(2 * cols).fill(value);
      const input = { x, rows: 2, cols, eps: 1e-12, gamma, beta };
      for (const { values } of layerNorm(input, `all ${value}, ${cols} columns`)) {
        for (const [i, y] of values.entries()) assert.is(y, beta[i % cols], `all ${value}, ${cols} columns`);
      }
    }
  }
});

test('eps weighs as it should beside a small variance', () => {
  for (const cols of [2, 7, 8, 30, 84]) {
    const random = new Random(cols);
    const x = random.uniform(cols, -1e-6, 1e-6);
    for (const eps of [1e-12, 1e-8, 1e-5, 1]) {
      const input = { x, rows: 1, cols, eps, gamma: random.weighty(cols), beta: new Float32Array(cols) };
      check(input, `eps ${eps}, ${cols} columns`);
    }
  }
});

test('a NaN spoils its own row only', () => {
  for (let cols = 1; cols <= 17; cols++) {
    const random = new Random(cols);
    const x = random.uniform(3 * cols);
    x[2 * cols - 1] = Number.NaN;
    const input = { x, rows: 3, cols, eps: 1e-12, gamma: random.weighty(cols), beta: random.weighty(cols) };
    for (const { values } of layerNorm(input, `a NaN among ${cols}`)) {
      for (const [i, y] of values.entries()) {
        assert.is(Number.isNaN(y), Math.floor(i / cols) === 1, `a NaN among ${cols}, at ${i}`);
      }
    }
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
