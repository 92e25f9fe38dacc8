/** activateGradient: the slope of each function over a dense sweep and the ends of float32, over every remainder of a row. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIVATIONS, type Activation } from '../../../src/engine/kernels.js';
import { erf } from '../../reference/operations.js';
import { padded } from '../arena.js';
import { type Answer, assertSameBits, assertWithin, Cases } from '../harness.js';
import { ACTIVATION_REFERENCES, ERF_ERROR, EXP_ERROR, Random, TINY, UNIT } from '../reference.js';
import { everyTrainingBuild } from './harness.js';

const test = suite('activateGradient');
const cases = new Cases(1_860);

interface Slope {
  readonly value: (x: number) => number;
  /** How far the kernel's slope may be from `value` at an exact x. */
  readonly error: (x: number) => number;
}

/** The kernel's exponential is 0 where it should vanish, and the other way round. */
const VANISHING = 2 ** -100;
const logistic = (w: number) => 1 / (1 + Math.exp(-w));
/** The logistic's slope, from the side where no digits are lost. */
const bell = (w: number) => logistic(w) * logistic(-w);

/** x · sigmoid(w(x)), where the kernel computes w and w' to within `units` roundings. */
function gate(w: (x: number) => number, dw: (x: number) => number, units: number): Slope {
  const parts = (x: number) => [logistic(w(x)), x * dw(x) * (bell(w(x)) || 0)] as const;
  return {
    value: (x) => parts(x)[0] + parts(x)[1],
    // An error of w is one of the exponential; sums and quotients of the two parts add eight roundings.
    error: (x) => {
      const [first, second] = parts(x);
      const relative = EXP_ERROR + (units * Math.min(Math.abs(w(x)), 1e4) + units + 8) * UNIT;
      return (Math.abs(first) + Math.abs(second)) * relative + VANISHING;
    },
  };
}

const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const GELU: Slope = {
  value: (x) => 0.5 * (1 + erf(x * Math.SQRT1_2)) + x * density(x),
  error: (x) => {
    const z = Math.abs(x * Math.SQRT1_2);
    const first = 0.5 * (ERF_ERROR + ((2 * Math.exp(-z * z)) / Math.sqrt(Math.PI)) * z * 2 * UNIT) + 2 * UNIT;
    return first + Math.abs(x) * density(x) * (EXP_ERROR + (z * z * 3 + 5) * UNIT) + VANISHING;
  },
};

/** transformers' constants, and the kernel's coefficients. */
// biome-ignore lint/suspicious/noApproximativeNumericConstant: theirs has six digits
const [MU, SIGMA] = [0.707107, 0.282095];
const exact = (value: (x: number) => number): Slope => ({ value, error: () => 0 });

const SLOPES: Record<Activation, Slope> = {
  identity: exact(() => 1),
  gelu_new: gate(
    (x) => 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3),
    (x) => 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x),
    5,
  ),
  gelu: GELU,
  relu: exact((x) => (x > 0 ? 1 : 0)),
  silu: gate(
    (x) => x,
    () => 1,
    0,
  ),
  tanh: {
    value: (x) => 4 * bell(2 * x),
    error: (x) => 4 * bell(2 * x) * (EXP_ERROR + 6 * UNIT) + VANISHING,
  },
  quick_gelu: gate(
    (x) => 1.702 * x,
    () => 1.702,
    2,
  ),
  gelu_10: { value: (x) => (x > 10 ? 0 : GELU.value(x)), error: (x) => (x > 10 ? 0 : GELU.error(x)) },
  laplace: {
    value: (x) => Math.exp(-(((x - MU) / (SIGMA * Math.SQRT2)) ** 2)) / (SIGMA * Math.sqrt(2 * Math.PI)),
    error: (x) => {
      const z = Math.abs((x - MU) / (SIGMA * Math.SQRT2));
      // The constants, the difference, the quotient and the square are rounded.
      const argument = (MU / SIGMA + 3 * z) * UNIT;
      const square = 2 * z * argument + argument * argument + z * z * UNIT;
      return SLOPES.laplace.value(x) * Math.expm1(EXP_ERROR + Math.min(square, 1) + 4 * UNIT) + VANISHING;
    },
  },
  sigmoid: { value: bell, error: (x) => bell(x) * (EXP_ERROR + 5 * UNIT) + VANISHING },
  mish: {
    value: (x) => mishParts(x)[0] + mishParts(x)[1],
    // An error of the exponential counts twice in n and in its divisor, six times in the second part.
    error: (x) => {
      const [first, second] = mishParts(x);
      return first * (2 * EXP_ERROR + 6 * UNIT) + Math.abs(second) * (6 * EXP_ERROR + 16 * UNIT) + VANISHING;
    },
  },
  hardswish: {
    value: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
    error: (x) => (Math.abs(x) >= 3 ? 0 : (Math.abs(x / 3) + 0.5) * 3 * UNIT),
  },
  leaky_relu: { value: (x) => (x > 0 ? 1 : 0.01), error: (x) => (x > 0 ? 0 : 0.01 * UNIT) },
  relu2: exact((x) => 2 * Math.max(x, 0)),
  relu6: exact((x) => (x > 0 && x < 6 ? 1 : 0)),
};

/** tanh(log(1 + exp(x))), and x times its slope. */
function mishParts(x: number): [number, number] {
  const first = Math.tanh(Math.log1p(Math.exp(x)));
  return [first, x * (x > 30 ? 0 : (1 - first) * (1 + first) * logistic(x))];
}

function activateGradient(
  dy: Float32Array,
  x: Float32Array,
  rows: number,
  cols: number,
  gaps: readonly [number, number],
  activation: Activation,
): Answer[] {
  const number = ACTIVATIONS.indexOf(activation);
  const label = `${activation}, ${rows} × ${cols}, gaps ${gaps}`;
  return everyTrainingBuild(cases, label, (arena, kernels) => {
    const a = arena.allow(arena.input(dy, rows, cols, (padded(cols) + gaps[0]) * 4));
    const b = arena.input(x, rows, cols, (padded(cols) + gaps[1]) * 4);
    const run = () => kernels.activateGradient(a.address, a.stride, b.address, b.stride, rows, cols, number);
    return { run, out: [a] };
  });
}

function check(
  x: Float32Array,
  rows: number,
  cols: number,
  activation: Activation,
  gaps: readonly [number, number] = [0, 0],
): void {
  const dy = new Random(cols).weighty(rows * cols);
  const { value, error } = SLOPES[activation];
  const expected = Float64Array.from(x, (v, i) => dy[i]! * value(v));
  const bounds = Float64Array.from(x, (v, i) => Math.abs(dy[i]!) * (error(v) + UNIT * Math.abs(value(v))) + TINY);
  for (const { build, values } of activateGradient(dy, x, rows, cols, gaps, activation)) {
    const worst = values.findIndex((y, i) => !(Math.abs(y - expected[i]!) <= bounds[i]!));
    assertWithin(values, expected, bounds, `${activation}, ${rows} × ${cols}, ${build}, x = ${x[worst]}`);
  }
}

/** A number of every magnitude, both signs. */
const MAGNITUDES = Float32Array.from(
  { length: 4096 },
  (_, i) => (i & 1 ? -1 : 1) * 2 ** (-126 + ((i >> 1) * 140) / 2048),
);

for (const activation of ACTIVATIONS) {
  test(`${activation} from -30 to 30`, () => {
    const steps = 60_000;
    const x = Float32Array.from({ length: steps + 1 }, (_, i) => (i - steps / 2) / 1000);
    check(x, 1, steps + 1, activation);
  });

  test(`${activation} of every magnitude`, () => {
    check(MAGNITUDES, 8, 512, activation);
    check(new Float32Array([0, -0, 1e-30, -1e-30, 1e-45, -1e-45]), 1, 6, activation);
    // Twice the largest number is beyond float32, as it should be.
    const most = activation === 'relu2' ? 1e38 : 3e38;
    check(Float32Array.from([88, 1e4, 1e8, 1e19, 1e20, most].flatMap((v) => [v, -v])), 1, 12, activation);
  });

  test(`${activation} over every remainder and stride`, () => {
    for (let cols = 1; cols <= 20; cols++) {
      for (const rows of [1, 2, 5]) {
        for (const gaps of [[0, 0] as const, [3, 8] as const]) {
          check(new Random(cols).uniform(rows * cols, -6, 6), rows, cols, activation, gaps);
        }
      }
    }
  });

  test(`${activation}: the slope is the difference quotient of the function`, () => {
    const { value } = ACTIVATION_REFERENCES[activation];
    for (let x = -11.987; x < 12; x += 0.0371) {
      const h = 1e-5;
      const quotient = (value(x + h) - value(x - h)) / (2 * h);
      const slope = SLOPES[activation].value(x);
      assert.ok(Math.abs(quotient - slope) < 1e-6, `${activation} at ${x}: ${quotient}, ${slope}`);
    }
  });
}

test('identity changes no bit', () => {
  const dy = new Float32Array([-0, 2 ** -149, 3.4e38, Number.NEGATIVE_INFINITY, Number.NaN, 1.5]);
  const x = new Float32Array([-1, 0, 1, 2, 3, Number.NaN]);
  for (const { values } of activateGradient(dy, x, 2, 3, [0, 0], 'identity')) assertSameBits(values, dy, 'identity');
});

test('enough cases', () => cases.assertEnough());

test.run();
