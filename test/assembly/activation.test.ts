/** activate: each function over a dense sweep and the ends of float32, over every remainder of a row. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIVATIONS, type Activation } from '../../src/engine/kernels.js';
import { padded } from './arena.js';
import { type Answer, assertSameBits, assertWithin, Cases, everyBuild } from './harness.js';
import { ACTIVATION_REFERENCES, Random } from './reference.js';

const test = suite('activate');
const cases = new Cases(880);

function activate(x: Float32Array, rows: number, cols: number, gap: number, activation: Activation): Answer[] {
  const number = ACTIVATIONS.indexOf(activation);
  return everyBuild(cases, `${activation}, ${rows} × ${cols}, gap ${gap}`, (arena, kernels) => {
    const matrix = arena.allow(arena.input(x, rows, cols, (padded(cols) + gap) * 4));
    return { run: () => kernels.activate(matrix.address, matrix.stride, rows, cols, number), out: [matrix] };
  });
}

function check(x: Float32Array, rows: number, cols: number, gap: number, activation: Activation): void {
  const { value, error } = ACTIVATION_REFERENCES[activation];
  const expected = Float64Array.from(x, value);
  const bounds = Float64Array.from(x, error);
  for (const { build, values } of activate(x, rows, cols, gap, activation)) {
    const worst = values.findIndex((y, i) => !(Math.abs(y - expected[i]!) <= bounds[i]!));
    assertWithin(values, expected, bounds, `${activation}, ${rows} × ${cols}, ${build}, x = ${x[worst]}`);
  }
}

/** A number of every magnitude, both signs. */
const MAGNITUDES = Float32Array.from(
  { length: 4096 },
  (_, i) => (i & 1 ? -1 : 1) * 2 ** (-126 + ((i >> 1) * 140) / 2048),
);
const LARGE = [88, 1e4, 1e8];
const LARGEST = 3e38;
/** The functions that multiply by a sigmoid. */
const GATES: readonly Activation[] = ['gelu_new', 'silu', 'quick_gelu', 'mish', 'hardswish'];

for (const activation of ACTIVATIONS) {
  test(`${activation} from -30 to 30`, () => {
    const steps = 120_000;
    check(
      Float32Array.from({ length: steps + 1 }, (_, i) => (i - steps / 2) / 2000),
      1,
      steps + 1,
      0,
      activation,
    );
  });

  test(`${activation} of every magnitude`, () => {
    check(MAGNITUDES, 8, 512, 0, activation);
    check(new Float32Array([0, -0, 1e-30, -1e-30, 1e-45, -1e-45]), 1, 6, 0, activation);
    check(Float32Array.from(LARGE.flatMap((x) => [x, -x])), 1, 6, 0, activation);
  });

  test(`${activation} of the largest number`, () => {
    if (activation !== 'relu2') return check(new Float32Array([LARGEST]), 1, 1, 0, activation);
    for (const { values } of activate(new Float32Array([LARGEST]), 1, 1, 0, activation)) {
      assert.is(values[0], Number.POSITIVE_INFINITY, 'its square is beyond float32');
    }
  });

  test(`${activation} of the lowest number`, () => {
    check(new Float32Array([-LARGEST]), 1, 1, 0, activation);
  });

  test(`${activation} of what is not a number`, () => {
    const inf = Number.POSITIVE_INFINITY;
    for (const { values } of activate(new Float32Array([Number.NaN, inf, -inf, 1]), 1, 4, 0, activation)) {
      assert.ok(Number.isNaN(values[0]), `${activation}(NaN) = ${values[0]}`);
      assert.is(values[1], ACTIVATION_REFERENCES[activation].value(inf), `${activation}(∞)`);
      // FlaxAlbert multiplies -∞ by a sigmoid of 0: NaN. What counts is that no ordinary number comes of it.
      const gated = activation.startsWith('gelu') || GATES.includes(activation);
      if (gated) assert.not(Number.isFinite(values[2]!) && values[2] !== 0, `${activation}(-∞) = ${values[2]}`);
      else assert.is(values[2], ACTIVATION_REFERENCES[activation].value(-inf), `${activation}(-∞)`);
      assert.ok(Number.isFinite(values[3]), `${activation}: its neighbours are spared`);
    }
  });

  test(`${activation} over every remainder and stride`, () => {
    for (let cols = 1; cols <= 20; cols++) {
      for (const rows of [1, 2, 5]) {
        for (const gap of [0, 3]) check(new Random(cols).uniform(rows * cols, -6, 6), rows, cols, gap, activation);
      }
    }
  });
}

test('identity changes no bit', () => {
  const x = new Float32Array([-0, 2 ** -149, 3.4e38, Number.NEGATIVE_INFINITY, Number.NaN, 1.5]);
  for (const { values } of activate(x, 2, 3, 0, 'identity')) assertSameBits(values, x, 'identity');
});

test('enough cases', () => cases.assertEnough());

test.run();
