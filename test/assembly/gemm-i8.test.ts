/** gemmI8, gemmI8Paired and gemmI8Wide over every remainder of its tiles, panels, groups and row blocks, every stride and every epilogue, bit for bit. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIVATIONS, type Activation, compileKernels } from '../../src/engine/kernels.js';
import { exactRangeOf } from '../../src/engine/probes.js';
import type { ActivationRange } from '../../src/engine/schemes.js';
import { padded } from './arena.js';
import { type Answer, assertSameBits, assertWithin, BUILDS, Cases, everyBuild, wasmUrl } from './harness.js';
import {
  columnsOf,
  formatOf,
  formatsOf,
  gemmI8,
  gemmI8Stretches,
  panelBytes,
  type Quantized,
  quantize,
  quantizeStretches,
  SEVEN_BITS,
} from './int8.js';
import { epilogue, gemm, Random } from './reference.js';

const test = suite('gemmI8');
const cases = new Cases(56_400);

/** One stretch, as deep as any product. */
const WHOLE = 2 ** 17;

const ROWS = 12;
const COLS = 16;
/** Every remainder of a group of four and of a vector of eight, shallow and deep. */
const DEPTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 31, 64, 127, 770];

/** A product with its factors, quantised as each build does. */
class Product {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly bias: Float32Array;
  readonly residual: Float32Array;
  readonly columns: Quantized;
  readonly #answers = new Map<string, Float32Array>();

  constructor(
    readonly m: number,
    readonly n: number,
    readonly k: number,
    extreme = false,
  ) {
    const random = new Random(m * 1e6 + n * 1e4 + k);
    const numbers = (length: number) => (extreme ? new Float32Array(length).fill(1.5) : random.uniform(length));
    this.a = numbers(m * k);
    this.b = numbers(k * n);
    if (extreme) this.b.set(this.b.map((v, i) => ((i % n) % 2 ? -v : v)));
    this.bias = random.weighty(n);
    this.residual = random.weighty(m * n);
    this.columns = quantize(columnsOf(this.b, k, n), k, 127);
  }

  /** The exact answer for one build's activations, before the epilogue. */
  answer(build: keyof ReturnType<typeof formatsOf>, range: ActivationRange): Float32Array {
    const kind = build === 'relaxed' ? `${range.lowest} to ${range.highest}` : 'plain';
    const known = this.#answers.get(kind);
    if (known) return known;
    const answer = gemmI8(formatsOf(range)[build].rows(this.a, this.k), this.columns, this.bias, this.k);
    this.#answers.set(kind, answer);
    return answer;
  }
}

/** The first m rows and n columns of a matrix that is `width` wide. */
function corner(x: Float32Array, width: number, m: number, n: number): Float32Array {
  const result = new Float32Array(m * n);
  for (let i = 0; i < m; i++) result.set(x.subarray(i * width, i * width + n), i * n);
  return result;
}

interface Options {
  /** Floats between the end of a row and the next. */
  readonly gapA?: number;
  readonly gapC?: number;
  readonly gapResidual?: number;
  readonly activation?: Activation;
  readonly residual?: boolean;
}

/** The widest range that this machine multiplies exactly: 8 bits on a processor with AVX-VNNI or on Arm. */
const RELAXED =
  BUILDS.some((build) => build === 'relaxed') && exactRangeOf(await compileKernels(wasmUrl('relaxed')), false);
const WIDEST = RELAXED || SEVEN_BITS;
if (WIDEST.highest - WIDEST.lowest < 255) console.log('skipped: activations of 8 bits: this machine multiplies 7');

const KERNELS = [
  ['gemmI8', SEVEN_BITS],
  ['gemmI8Paired', SEVEN_BITS],
  ['gemmI8', WIDEST],
  ['gemmI8Wide', WIDEST],
] as const;

/** The first m rows and n columns of a product in every build: bit for bit, but for the epilogue's own rounding. */
function check(product: Product, m: number, n: number, options: Options = {}): Answer[] {
  return KERNELS.flatMap(([kernel, range]) => checkKernel(kernel, range, product, m, n, options));
}

function checkKernel(
  kernel: (typeof KERNELS)[number][0],
  range: ActivationRange,
  product: Product,
  m: number,
  n: number,
  options: Options,
): Answer[] {
  const { gapA = 0, gapC = 0, gapResidual = 0, activation = 'identity', residual = false } = options;
  const { a, bias, k, columns } = product;
  const part = { values: columns.values.subarray(0, n * k), scales: columns.scales.subarray(0, n) };
  const added = residual ? corner(product.residual, product.n, m, n) : undefined;
  const number = ACTIVATIONS.indexOf(activation);
  const label = `${kernel}, to ${range.highest}, m ${m}, n ${n}, k ${k}, ${JSON.stringify(options)}`;
  const answers = everyBuild(cases, label, (arena, kernels) => {
    const rows = arena.input(a, m, k, (k + gapA) * 4, k);
    const words = new Int32Array(panelBytes(part, k, formatOf(kernels)).buffer);
    const panels = arena.input(words, 1, words.length).address;
    const start = arena.vector(bias.subarray(0, n));
    const c = arena.output(m, n, (padded(n) + gapC) * 4);
    const r = added ? arena.input(added, m, n, (padded(n) + gapResidual) * 4) : { address: 0, stride: 0 };
    const scratch = arena.scratch(kernels.gemmI8ScratchBytes(k, WHOLE));
    const { address, stride } = c;
    const run = () =>
      kernels[kernel](
        rows.address,
        rows.stride,
        panels,
        start,
        address,
        stride,
        m,
        n,
        k,
        number,
        r.address,
        r.stride,
        scratch,
        range.lowest,
        range.highest,
        WHOLE,
      );
    return { run, out: [c] };
  });
  for (const { build, values } of answers) {
    const exact = corner(product.answer(build, range), product.n, m, n);
    if (activation === 'identity' && !added) {
      assertSameBits(values, exact, `${label}, ${build}`);
    } else {
      const known = { values: Float64Array.from(exact), bounds: new Float64Array(m * n) };
      const expected = epilogue(known, activation, added);
      assertWithin(values, expected.values, expected.bounds, `${label}, ${build}`);
    }
  }
  return answers;
}

for (const k of DEPTHS) {
  test(`every remainder of rows and columns, every stride, k = ${k}`, () => {
    const product = new Product(ROWS, COLS, k);
    for (let m = 1; m <= ROWS; m++) {
      for (let n = 1; n <= COLS; n++) {
        // The whole product's answer is every part's: an element does not know the tile that it is computed in.
        for (const gapA of [0, 3]) for (const gapC of [0, 5]) check(product, m, n, { gapA, gapC });
      }
    }
  });
}

for (const activation of ACTIVATIONS) {
  test(`the epilogue ${activation}, with and without a residual`, () => {
    const product = new Product(ROWS, COLS, 13);
    for (const residual of [false, true]) {
      for (let m = 1; m <= ROWS; m++) {
        for (let n = 1; n <= COLS; n++) {
          check(product, m, n, { activation, residual, gapC: (m % 2) * 8, gapResidual: (n % 2) * 12 });
        }
      }
    }
  });
}

/** A product in stretches, packed and unpacked again by the kernels themselves. */
function checkStretches(m: number, n: number, k: number, stretch: number, gap = 0): void {
  const random = new Random(m * 1e6 + n * 1e4 + k + stretch);
  const [a, b, bias] = [random.uniform(m * k), random.uniform(n * k), random.weighty(n)];
  const columns = quantizeStretches(b, k, stretch);
  for (const [kernel, range] of KERNELS) {
    const label = `${kernel}, to ${range.highest}, stretch ${stretch}, m ${m}, n ${n}, k ${k}`;
    const answers = everyBuild(cases, label, (arena, kernels) => {
      const rows = arena.input(a, m, k, (k + gap) * 4, k);
      const source = arena.input(b, n, k, k * 4, k);
      const words = kernels.panelsBytesI8(k, n, stretch) / 4;
      const panels = arena.allowExactly(arena.input(new Int32Array(words), 1, words, words * 4, words)).address;
      const start = arena.vector(bias);
      const c = arena.output(m, n, (padded(n) + gap) * 4);
      const back = arena.allowExactly(arena.matrix(1, n * k, n * k * 4, n * k));
      const scratch = arena.scratch(kernels.gemmI8ScratchBytes(k, stretch));
      const { lowest, highest } = range;
      const run = () => {
        kernels.packI8(source.address, 4, k * 4, panels, k, n, 0, stretch);
        kernels[kernel](
          ...([rows.address, rows.stride, panels, start, c.address, c.stride, m, n, k, 0, 0, 0] as const),
          ...([scratch, lowest, highest, stretch] as const),
        );
        kernels.unpackI8(panels, k, n, 0, back.address, stretch);
      };
      return { run, out: [c, back] };
    });
    for (const { build, values } of answers) {
      const exact = gemmI8Stretches(a, columns, bias, k, formatsOf(range)[build]);
      assertSameBits(values.slice(0, m * n), exact, `${label}, ${build}`);
      const back = values.slice(m * n);
      const want = back.map((_, i) => {
        const [column, row] = [Math.floor(i / k), i % k];
        const { values: levels, scales } = columns[Math.floor(row / stretch)]!;
        return levels[column * (levels.length / n) + (row % stretch)]! * scales[column]!;
      });
      assertSameBits(back, want, `${label}, ${build}: unpacked`);
    }
  }
}

test('stretches with scales of their own: every remainder of rows, columns and depth', () => {
  for (const [k, stretch] of [
    [4, 4],
    [9, 4],
    [63, 64],
    [64, 64],
    [65, 64],
    [130, 64],
    [192, 64],
  ] as const) {
    for (const m of [1, 2, 3, 6, 7, 16, 17]) for (const n of [1, 8, 9, 17, 40]) checkStretches(m, n, k, stretch, m % 2);
  }
  // The first of 96 rows leads past four panels.
  for (const [m, n] of [
    [95, 40],
    [96, 40],
    [129, 33],
  ] as const)
    checkStretches(m, n, 70, 64);
});

test('more rows than a block of 128', () => {
  const product = new Product(257, 17, 21);
  for (const m of [127, 128, 129, 256, 257]) {
    for (const n of [1, 8, 17]) {
      check(product, m, n);
      check(product, m, n, { gapA: 1, gapC: 4, activation: 'gelu_new', residual: true });
      check(product, m, n, { residual: true, gapResidual: 8 });
    }
  }
});

test('one row, and the first of many, past four panels and more', () => {
  for (const k of [1, 7, 64, 770]) {
    const product = new Product(129, 73, k);
    for (const n of [24, 25, 31, 32, 33, 40, 63, 64, 65, 73]) {
      for (const m of [1, 2, 95, 96, 97]) {
        if (m > 2 && k > 64 && n % 8 === 0) continue;
        check(product, m, n);
        if (m !== 97) check(product, m, n, { activation: 'gelu', gapC: 8, residual: true });
      }
    }
    check(product, 129, 73, { gapA: 3, gapC: 8 });
  }
});

test('the largest sums of every depth stay exact', () => {
  for (const k of [770, 3072, 4129, 4132, 8192, 24_576]) {
    const product = new Product(2, 2, k, true);
    for (const m of [1, 2]) check(product, m, 2);
  }
});

test('the answer is within the roundings of its factors of the float32 product', () => {
  for (const k of [1, 7, 64, 770]) {
    const product = new Product(ROWS, COLS, k);
    const { a, b, bias } = product;
    const exact = gemm(a, b, bias, ROWS, COLS, k);
    for (const { build, values } of check(product, ROWS, COLS)) {
      // The widest steps of all: those of 7 bits.
      const rows = formatsOf(SEVEN_BITS)[build].rows(a, k).scales;
      const bounds = exact.bounds.map((rounding, at) => {
        const [i, j] = [Math.floor(at / COLS), at % COLS];
        const [ea, eb] = [rows[i]! * 0.5001, product.columns.scales[j]! * 0.5001];
        let bound = rounding;
        for (let p = 0; p < k; p++) {
          bound += ea * Math.abs(b[p * COLS + j]!) + eb * Math.abs(a[i * k + p]!) + ea * eb;
        }
        return bound;
      });
      assertWithin(values, exact.values, bounds, `k ${k}, ${build}`);
    }
  }
});

test('a NaN or an infinity in one row reaches that row, and no other', () => {
  for (const m of [1, 2, 5, 6, 11]) {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      // Of 21 columns, 16 are read four vectors at a time.
      for (const [k, at] of [
        [13, 0],
        [13, 12],
        [21, 0],
        [21, 6],
        [21, 9],
        [21, 15],
        [21, 20],
      ] as const) {
        const product = new Product(m, 9, k);
        product.a[(m - 1) * k + at] = bad;
        for (const { values } of everyBuild(cases, `${bad} in the last row of ${m}`, (arena, kernels) => {
          const { address: a } = arena.input(product.a, m, k, k * 4, k);
          const words = new Int32Array(panelBytes(product.columns, k, formatOf(kernels)).buffer);
          const { address: panels } = arena.input(words, 1, words.length);
          const bias = arena.vector(product.bias);
          const c = arena.output(m, 9);
          const scratch = arena.scratch(kernels.gemmI8ScratchBytes(k, WHOLE));
          const run = () =>
            kernels.gemmI8(a, k * 4, panels, bias, c.address, c.stride, m, 9, k, 0, 0, 0, scratch, 0, 127, WHOLE);
          return { run, out: [c] };
        })) {
          for (const [i, value] of values.entries())
            assert.is(Number.isFinite(value), i < (m - 1) * 9, `${bad}, m ${m}, at ${i}`);
        }
      }
    }
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
