/** adamw, adamDirection, addScaled and sumSquares: bit for bit what float32 arithmetic gives, over any columns of panels. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TrainingKernels } from '../../../src/engine/training-kernels.js';
import { type Arena, padded, type Region } from '../arena.js';
import { assertSameBits, Cases } from '../harness.js';
import { Random } from '../reference.js';
import { everyTrainingBuild } from './harness.js';

const test = suite('optimizer');
const cases = new Cases(590);
const f = Math.fround;

interface Columns {
  readonly k: number;
  readonly first: number;
  readonly n: number;
}

/** One deep are vectors and tables; the others are panels, also such that are shared with columns before and after. */
const SHAPES: Columns[] = [
  ...Array.from({ length: 20 }, (_, n) => ({ k: 1, first: 0, n: n + 1 })),
  ...[1, 3, 8, 13].flatMap((first) => [1, 5, 8, 11, 24].map((n) => ({ k: 1, first, n }))),
  ...[2, 5, 16].flatMap((k) => [1, 7, 8, 9, 16, 27].map((n) => ({ k, first: 0, n }))),
  ...[3, 8].flatMap((k) => [2, 8, 12, 23].flatMap((first) => [1, 4, 6, 8, 17].map((n) => ({ k, first, n })))),
  { k: 128, first: 40, n: 80 },
];

/** Panels whose columns `first` to `first + n` hold these numbers, panel by panel, row by row; all else is poisoned. */
function place(
  arena: Arena,
  { k, first, n }: Columns,
  data: Float32Array,
  write: boolean,
): { at: number; parts: Region[] } {
  const at = arena.take(padded(first + n) * k * 4);
  const parts: Region[] = [];
  let used = 0;
  for (let start = first & ~7; start < first + n; start += 8) {
    const [from, to] = [Math.max(start, first), Math.min(start + 8, first + n)];
    const part = { address: at + start * k * 4 + (from - start) * 4, rows: k, cols: to - from, stride: 32 };
    arena.put(part, data.subarray(used, used + part.rows * part.cols));
    if (write) arena.allowExactly(part);
    used += part.rows * part.cols;
    parts.push(part);
  }
  return { at, parts };
}

interface Numbers {
  readonly parameter: Float32Array;
  readonly gradient: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

function numbersFor({ k, first, n }: Columns): Numbers {
  const random = new Random(k * 1000 + first * 50 + n);
  const [parameter, gradient, m] = [0, 1, 2].map(() => random.weighty(k * n));
  return { parameter: parameter!, gradient: gradient!.map((x) => x * 1e-2), m: m!, v: random.uniform(k * n, 0, 1e-3) };
}

const SETTINGS = {
  factor: f(0.3),
  b1: 0.9,
  b2: 0.999,
  eps: f(1e-6),
  correction1: 1 - 0.9 ** 3,
  correction2: 1 - 0.999 ** 3,
};
const [RATE, DECAY] = [f(1e-3), 1e-5];

/** Both moments after a step, and its direction: every operation is rounded to float32. */
function adam({ gradient, m, v }: Numbers) {
  const { factor, b1, b2, eps, correction1, correction2 } = SETTINGS;
  const g = gradient.map((x) => x * factor);
  const nextM = m.map((x, i) => f(x * f(b1)) + f(g[i]! * f(1 - b1)));
  const nextV = v.map((x, i) => f(x * f(b2)) + f(f(g[i]! * g[i]!) * f(1 - b2)));
  const direction = nextM.map((x, i) => {
    const root = f(Math.sqrt(f(nextV[i]! * f(1 / correction2))));
    return f(x * f(1 / correction1)) / f(root + eps);
  });
  return { m: nextM, v: nextV, direction };
}

/** Runs a kernel over four arrays of the same columns and compares those that it writes. */
function check(
  name: string,
  columns: Columns,
  numbers: Numbers,
  run: (kernels: TrainingKernels, at: Record<keyof Numbers, number>) => void,
  expected: Partial<Numbers>,
): void {
  const label = `${name}, k ${columns.k}, columns ${columns.first} to ${columns.first + columns.n}`;
  const keys = Object.keys(numbers) as (keyof Numbers)[];
  const answers = everyTrainingBuild(cases, label, (arena, kernels) => {
    const placed = keys.map((key) => place(arena, columns, numbers[key], key in expected));
    const at = Object.fromEntries(keys.map((key, i) => [key, placed[i]!.at])) as Record<keyof Numbers, number>;
    return { run: () => run(kernels, at), out: placed.flatMap(({ parts }) => parts) };
  });
  const all = Float32Array.from(keys.flatMap((key) => Array.from(expected[key] ?? numbers[key])));
  for (const { build, values } of answers) assertSameBits(values, all, `${label}, ${build}`);
}

test('adamw', () => {
  for (const columns of SHAPES) {
    const { k, first, n } = columns;
    const numbers = numbersFor(columns);
    const { m, v, direction } = adam(numbers);
    const parameter = numbers.parameter.map((x, i) => f(x * f(1 - DECAY)) - f(RATE * direction[i]!));
    const { factor, b1, b2, eps, correction1, correction2 } = SETTINGS;
    const rest = [b1, b2, eps, correction1, correction2] as const;
    const run = ({ adamw }: TrainingKernels, at: Record<keyof Numbers, number>) =>
      adamw(at.parameter, at.gradient, at.m, at.v, k, first, n, factor, RATE, DECAY, ...rest);
    check('adamw', columns, numbers, run, { parameter, m, v });
  }
});

test('adamDirection', () => {
  for (const columns of SHAPES) {
    const { k, first, n } = columns;
    const numbers = numbersFor(columns);
    const { m, v, direction } = adam(numbers);
    const gradient = direction.map((x, i) => x + f(f(0.01) * numbers.parameter[i]!));
    const { factor, b1, b2, eps, correction1, correction2 } = SETTINGS;
    const rest = [b1, b2, eps, correction1, correction2] as const;
    const run = ({ adamDirection }: TrainingKernels, at: Record<keyof Numbers, number>) =>
      adamDirection(at.parameter, at.gradient, at.m, at.v, k, first, n, factor, f(0.01), ...rest);
    check('adamDirection', columns, numbers, run, { gradient, m, v });
  }
});

test('addScaled', () => {
  for (const columns of SHAPES) {
    const { k, first, n } = columns;
    const numbers = numbersFor(columns);
    const parameter = numbers.parameter.map((x, i) => x + f(f(-0.7) * numbers.gradient[i]!));
    const run = ({ addScaled }: TrainingKernels, at: Record<keyof Numbers, number>) =>
      addScaled(at.parameter, at.gradient, k, first, n, -0.7);
    check('addScaled', columns, numbers, run, { parameter });
  }
});

test('a gradient of zero moves nothing', () => {
  const columns = { k: 3, first: 2, n: 13 };
  const zeros = new Float32Array(39);
  const numbers = { parameter: new Random(1).weighty(39), gradient: zeros, m: zeros, v: zeros };
  const run = ({ adamw }: TrainingKernels, at: Record<keyof Numbers, number>) =>
    adamw(at.parameter, at.gradient, at.m, at.v, 3, 2, 13, 1, RATE, 0, 0.9, 0.999, 1e-6, 0.1, 0.001);
  check('adamw', columns, numbers, run, numbers);
});

test('sumSquares, in float64', () => {
  for (const columns of SHAPES) {
    for (const size of [1, 1e30, 1e-30]) {
      const { k, first, n } = columns;
      const data = numbersFor(columns).parameter.map((x) => x * size);
      const label = `sumSquares, k ${k}, columns ${first} to ${first + n}, numbers of ${size}`;
      const answers = everyTrainingBuild(cases, label, (arena, { sumSquares }) => {
        const { at } = place(arena, columns, data, false);
        const out = arena.allowExactly(arena.matrix(1, 2, 8, 2));
        return { run: () => sumSquares(at, k, first, n, out.address), out: [out] };
      });
      const expected = data.reduce((sum, x) => sum + x * x, 0);
      for (const { build, values } of answers) {
        const [sum] = new Float64Array(values.buffer);
        assert.ok(Math.abs(sum! - expected) <= 1e-13 * expected, `${label}, ${build}: ${sum}, not ${expected}`);
      }
    }
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
