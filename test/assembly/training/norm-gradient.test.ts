/** columnSums, addRows, normalizeRows, normGradientSums and normGradient over every remainder, stride and stretch. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Arena, padded, type Region } from '../arena.js';
import { assertSameBits, assertWithin, Cases, firstOutside } from '../harness.js';
import { centredRow, type Expected, layerNormRow, Random, sumError, TINY, UNIT } from '../reference.js';
import { everyTrainingBuild } from './harness.js';

const test = suite('normGradient');
const cases = new Cases(1_780);

const SIZES = [...Array.from({ length: 40 }, (_, i) => i + 1), 60, 84, 768];
/** Both sides of the 64 rows after which a sum starts anew. */
const ROWS = [1, 2, 3, 63, 64, 65, 128, 129, 200];
/** Rows that one chain sums. */
const STRETCH = 64;

/** Numbers, and zeros where a vector is padded: a gradient's padding has to stay so. */
function paddedVector(arena: Arena, numbers: Float32Array): Region {
  const vector = new Float32Array(padded(numbers.length));
  vector.set(numbers);
  return arena.allow(arena.input(vector, 1, vector.length));
}

/**
 * The sums of columns after `before`, and how far any order within stretches may be from them: as many roundings as a stretch has
 * rows, and as there are stretches; one more if the terms are products.
 */
function columnSums(
  terms: Float64Array,
  rows: number,
  cols: number,
  before: Float32Array,
  roundings: number,
): Expected {
  const values = new Float64Array(padded(cols));
  const bounds = new Float64Array(padded(cols));
  const units = Math.min(rows, STRETCH) + Math.ceil(rows / STRETCH) + roundings;
  for (let j = 0; j < cols; j++) {
    let magnitude = Math.abs(before[j]!);
    values[j] = before[j]!;
    for (let i = 0; i < rows; i++) {
      values[j]! += terms[i * cols + j]!;
      magnitude += Math.abs(terms[i * cols + j]!);
    }
    bounds[j] = units * UNIT * magnitude;
  }
  return { values, bounds };
}

test('columnSums: every remainder, stretch and stride; what is there is added to, and the padding stays zero', () => {
  for (const cols of SIZES) {
    for (const rows of cols < 20 ? ROWS : [3, 65]) {
      for (const gap of [0, 5]) {
        const random = new Random(rows * 1000 + cols);
        const [x, before] = [random.weighty(rows * cols), random.weighty(cols)];
        const expected = columnSums(Float64Array.from(x), rows, cols, before, 0);
        const label = `columnSums ${rows} × ${cols}, gap ${gap}`;
        for (const { build, values } of everyTrainingBuild(cases, label, (arena, kernels) => {
          const source = arena.input(x, rows, cols, (padded(cols) + gap) * 4);
          const sums = paddedVector(arena, before);
          const run = () => kernels.columnSums(source.address, source.stride, rows, cols, sums.address);
          return { run, out: [sums] };
        })) {
          assertWithin(values, expected.values, expected.bounds, `${label}, ${build}`);
          for (let i = 0; i < rows; i++) {
            const without = expected.values.slice();
            without[cols - 1]! -= x[(i + 1) * cols - 1]!;
            assert.is(firstOutside(values, without, expected.bounds), cols - 1, `${label}, without row ${i}`);
          }
        }
      }
    }
  }
});

for (const wanted of ['both', 'scale', 'bias'] as const) {
  test(`normGradientSums: ${wanted}`, () => {
    for (const cols of SIZES) {
      for (const rows of cols < 20 ? ROWS : [3, 65]) {
        const random = new Random(rows * 1000 + cols);
        const [dy, x] = [random.weighty(rows * cols), random.weighty(rows * cols)];
        const [gamma, beta] = [random.weighty(cols), random.weighty(cols)];
        const products = Float64Array.from(dy, (v, i) => v * x[i]!);
        const scale = columnSums(products, rows, cols, gamma, 1);
        const bias = columnSums(Float64Array.from(dy), rows, cols, beta, 0);
        const [gap, gapX] = [cols % 3, cols % 2];
        const label = `normGradientSums ${rows} × ${cols}, ${wanted}`;
        for (const { build, values } of everyTrainingBuild(cases, label, (arena, kernels) => {
          const a = arena.input(dy, rows, cols, (padded(cols) + gap) * 4);
          const b = arena.input(x, rows, cols, (padded(cols) + gapX) * 4);
          const sums = [paddedVector(arena, gamma), paddedVector(arena, beta)] as const;
          const [first, second] = [wanted === 'bias' ? 0 : sums[0].address, wanted === 'scale' ? 0 : sums[1].address];
          const { normGradientSums } = kernels;
          const run = () => normGradientSums(a.address, a.stride, b.address, b.stride, first, second, rows, cols);
          return { run, out: sums };
        })) {
          const half = padded(cols);
          const [scales, biases] = [values.subarray(0, half), values.subarray(half)];
          if (wanted === 'bias') assertSameBits(scales.slice(0, cols), gamma, `${label}, ${build}: no scale`);
          else assertWithin(scales, scale.values, scale.bounds, `${label}, ${build}: scale`);
          if (wanted === 'scale') assertSameBits(biases.slice(0, cols), beta, `${label}, ${build}: no bias`);
          else assertWithin(biases, bias.values, bias.bounds, `${label}, ${build}: bias`);
        }
      }
    }
  });
}

test('addRows: every remainder and stride, bit for bit', () => {
  for (const cols of SIZES) {
    for (const rows of [1, 3]) {
      for (const [gap, gapY] of [[0, 0] as const, [3, 8] as const]) {
        const random = new Random(rows * 1000 + cols);
        const [x, y] = [random.weighty(rows * cols), random.weighty(rows * cols)];
        const label = `addRows ${rows} × ${cols}, gaps ${gap} and ${gapY}`;
        for (const { build, values } of everyTrainingBuild(cases, label, (arena, kernels) => {
          const a = arena.allow(arena.input(x, rows, cols, (padded(cols) + gap) * 4));
          const b = arena.input(y, rows, cols, (padded(cols) + gapY) * 4);
          return { run: () => kernels.addRows(a.address, a.stride, b.address, b.stride, rows, cols), out: [a] };
        })) {
          assertSameBits(
            values,
            x.map((v, i) => v + y[i]!),
            `${label}, ${build}`,
          );
        }
      }
    }
  }
});

test('normalizeRows: every remainder, with and without a residual', () => {
  for (const cols of SIZES) {
    const random = new Random(cols);
    const [ones, zeros] = [new Float32Array(cols).fill(1), new Float32Array(cols)];
    for (const rows of [1, 3]) {
      for (const [gap, gapResidual] of [[0, 0] as const, [5, 8] as const]) {
        for (const eps of [1e-12, 0.25]) {
          const x = random.uniform(rows * cols, -2, 3);
          const residual = gap === 0 ? random.uniform(rows * cols, -2, 3) : undefined;
          const label = `normalizeRows ${rows} × ${cols}, residual ${residual !== undefined}, eps ${eps}`;
          for (const { build, values } of everyTrainingBuild(cases, label, (arena, kernels) => {
            const a = arena.allow(arena.input(x, rows, cols, (padded(cols) + gap) * 4));
            const r = residual
              ? arena.input(residual, rows, cols, (padded(cols) + gapResidual) * 4)
              : { address: 0, stride: 0 };
            const inverses = arena.allowExactly(arena.matrix(1, rows, rows * 4, rows));
            const { normalizeRows } = kernels;
            const run = () =>
              normalizeRows(a.address, a.stride, r.address, r.stride, inverses.address, rows, cols, eps);
            return { run, out: [a, inverses] };
          })) {
            for (let row = 0; row < rows; row++) {
              const of = (m: Float32Array) => m.slice(row * cols, row * cols + cols);
              const expected = layerNormRow(of(x), residual && of(residual), ones, zeros, eps);
              assertWithin(of(values), expected.values, expected.bounds, `${label}, ${build}, row ${row}`);
              const { inverse, inverseError } = centredRow(of(x), residual && of(residual), eps);
              const got = values.subarray(rows * cols + row, rows * cols + row + 1);
              assertWithin(got, [inverse], [inverseError], `${label}, ${build}, inverse of row ${row}`);
            }
          }
        }
      }
    }
  }
});

/** The gradient of one row, in steps that mirror the kernel's roundings. */
function gradientRow(dy: Float32Array, x: Float32Array, gamma: Float32Array, inverse: number): Expected {
  const n = dy.length;
  const average = (values: Float64Array) => values.reduce((sum, v) => sum + v, 0) / n;
  const g = Float64Array.from(dy, (v, i) => v * gamma[i]!);
  const products = g.map((v, i) => v * x[i]!);
  const [mean, slope] = [average(g), average(products)];
  // Each sum's own error, the rounding of its terms and that of the quotient.
  const meanError = (sumError(n) + 2 * UNIT) * average(g.map(Math.abs));
  const slopeError = (sumError(n) + 3 * UNIT) * average(products.map(Math.abs));
  const values = g.map((v, i) => (v - mean - slope * x[i]!) * inverse);
  const bounds = g.map((v, i) => {
    const magnitude = Math.abs(v) + Math.abs(mean) + Math.abs(slope * x[i]!);
    return inverse * (5 * UNIT * magnitude + meanError + Math.abs(x[i]!) * slopeError) + TINY;
  });
  return { values, bounds };
}

test('normGradient: every remainder and stride', () => {
  for (const cols of SIZES) {
    for (const rows of [1, 3]) {
      for (const [gap, gapX] of [[0, 0] as const, [5, 8] as const]) {
        const random = new Random(rows * 1000 + cols);
        const [dy, x, gamma] = [random.weighty(rows * cols), random.weighty(rows * cols), random.weighty(cols)];
        const inverses = random.uniform(rows, 0.5, 2);
        const label = `normGradient ${rows} × ${cols}, gaps ${gap} and ${gapX}`;
        for (const { build, values } of everyTrainingBuild(cases, label, (arena, kernels) => {
          const a = arena.allow(arena.input(dy, rows, cols, (padded(cols) + gap) * 4));
          const b = arena.input(x, rows, cols, (padded(cols) + gapX) * 4);
          const inverse = arena.input(inverses, 1, rows, rows * 4, rows).address;
          const scale = arena.vector(gamma);
          const { normGradient } = kernels;
          const run = () => normGradient(a.address, a.stride, b.address, b.stride, inverse, scale, rows, cols);
          return { run, out: [a] };
        })) {
          for (let row = 0; row < rows; row++) {
            const of = (m: Float32Array) => m.slice(row * cols, row * cols + cols);
            const expected = gradientRow(of(dy), of(x), gamma, inverses[row]!);
            assertWithin(of(values), expected.values, expected.bounds, `${label}, ${build}, row ${row}`);
          }
        }
      }
    }
  }
});

test('normGradient of normalised rows is the difference quotient of the layer norm', () => {
  // In float64: the formula itself, which the tests above take for granted.
  const [cols, eps] = [13, 0.01];
  const random = new Random(7);
  const [t, dy, gamma] = [random.uniform(cols, -2, 2), random.weighty(cols), random.weighty(cols)];
  const loss = (row: Float64Array) => {
    const mean = row.reduce((sum, v) => sum + v, 0) / cols;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / cols;
    return row.reduce((sum, v, i) => sum + ((v - mean) / Math.sqrt(variance + eps)) * gamma[i]! * dy[i]!, 0);
  };
  const { d, inverse } = centredRow(t, undefined, eps);
  const { values } = gradientRow(
    dy,
    Float32Array.from(d, (v) => v * inverse),
    gamma,
    inverse,
  );
  for (let i = 0; i < cols; i++) {
    const moved = (by: number) => loss(Float64Array.from(t, (v, j) => (j === i ? v + by : v)));
    const quotient = (moved(1e-5) - moved(-1e-5)) / 2e-5;
    assert.ok(Math.abs(quotient - values[i]!) < 1e-6, `column ${i}: ${quotient}, ${values[i]}`);
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
