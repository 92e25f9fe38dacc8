/** gemmF32 and gemmF32Wide over every remainder of its tiles, panels, stretches and row blocks, every stride and every epilogue. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIVATIONS, type Activation } from '../../src/engine/kernels.js';
import { padded } from './arena.js';
import { type Answer, assertSameBits, assertWithin, Cases, everyBuild, firstOutside } from './harness.js';
import { type Expected, epilogue, gemm, Random } from './reference.js';

const test = suite('gemmF32');
const cases = new Cases(20_600);

/** Twice the tallest tile, twice a panel. */
const ROWS = 12;
const COLS = 16;
/** Both sides of a vector, of a panel, of the 384 products after which a sum starts anew, and two such stretches. */
const DEPTHS = [1, 2, 3, 4, 5, 7, 8, 16, 31, 64, 127, 384, 385, 1000];

/** A product with its factors, and the answer for its full size. */
class Product {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly bias: Float32Array;
  readonly residual: Float32Array;
  readonly expected: Expected;
  readonly #parts = new Map<string, Float32Array>();

  constructor(
    readonly m: number,
    readonly n: number,
    readonly k: number,
  ) {
    const random = new Random(m * 1e6 + n * 1e4 + k);
    this.a = random.weighty(m * k);
    this.b = random.weighty(k * n);
    this.bias = random.weighty(n);
    this.residual = random.weighty(m * n);
    this.expected = gemm(this.a, this.b, this.bias, m, n, k);
  }

  /** The first n columns of B, kept: the grid asks for them again and again. */
  columns(n: number): Float32Array {
    const key = `${n}`;
    const part = this.#parts.get(key) ?? corner(this.b, this.n, this.k, n);
    this.#parts.set(key, part);
    return part;
  }
}

/** The first m rows and n columns of a matrix that is `width` wide. */
function corner<T extends Float32Array | Float64Array>(x: T, width: number, m: number, n: number): T {
  const result = x.slice(0, m * n) as T;
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

let checks = 0;

/** The first m rows and n columns of a product in every build, each element within its bound. */
function check(product: Product, m: number, n: number, options: Options = {}): Answer[] {
  const { gapA = 0, gapC = 0, gapResidual = 0, activation = 'identity', residual = false } = options;
  const { a, bias, k } = product;
  const b = product.columns(n);
  const added = residual ? corner(product.residual, product.n, m, n) : undefined;
  const number = ACTIVATIONS.indexOf(activation);
  // Both kernels meet both values of each option. The parts of a product are compared with the whole, which is one kernel's.
  const turn = checks++;
  const kernel = ((turn >> 1) + turn) % 2 === 0 ? 'gemmF32' : 'gemmF32Wide';
  const label = `${kernel}, m ${m}, n ${n}, k ${k}, ${JSON.stringify(options)}`;
  const answers = everyBuild(cases, label, (arena, kernels) => {
    const rowsA = arena.input(a, m, k, (k + gapA) * 4, k);
    const panels = arena.panels(b, k, n);
    const start = arena.vector(bias.subarray(0, n));
    const c = arena.output(m, n, (padded(n) + gapC) * 4);
    const r = added ? arena.input(added, m, n, (padded(n) + gapResidual) * 4) : { address: 0, stride: 0 };
    const scratch = arena.scratch(kernels.gemmScratchBytes());
    const gemmF32 = kernels[kernel];
    const run = () =>
      gemmF32(
        rowsA.address,
        rowsA.stride,
        panels,
        start,
        c.address,
        c.stride,
        m,
        n,
        k,
        number,
        r.address,
        r.stride,
        scratch,
      );
    return { run, out: [c] };
  });
  const { values, bounds } = product.expected;
  const part = { values: corner(values, product.n, m, n), bounds: corner(bounds, product.n, m, n) };
  const expected = epilogue(part, activation, added);
  for (const { build, values } of answers) assertWithin(values, expected.values, expected.bounds, `${label}, ${build}`);
  return answers;
}

for (const k of DEPTHS) {
  test(`every remainder of rows and columns, every stride, k = ${k}`, () => {
    const product = new Product(ROWS, COLS, k);
    const whole = check(product, ROWS, COLS);
    for (let m = 1; m <= ROWS; m++) {
      for (let n = 1; n <= COLS; n++) {
        for (const gapA of [0, 3]) {
          for (const gapC of [0, 5]) {
            // An element is the same sum in the same order in a tile of any height: a batch answers like its parts.
            for (const [i, { values, build }] of check(product, m, n, { gapA, gapC }).entries()) {
              const label = `m ${m}, n ${n}, k ${k}, ${build}: part and whole`;
              assertSameBits(values, corner(whole[i]!.values, COLS, m, n), label);
            }
          }
        }
      }
    }
  });
}

for (const activation of ACTIVATIONS) {
  test(`the epilogue ${activation}, with and without a residual`, () => {
    for (const k of [5, 385]) {
      const product = new Product(ROWS, COLS, k);
      for (const residual of [false, true]) {
        for (let m = 1; m <= ROWS; m++) {
          for (let n = 1; n <= COLS; n++) {
            check(product, m, n, { activation, residual, gapC: (m % 2) * 8, gapResidual: (n % 2) * 12 });
          }
        }
      }
    }
  });
}

test('more rows than a block of 192', () => {
  for (const k of [7, 385]) {
    const product = new Product(385, 17, k);
    for (const m of [191, 192, 193, 384, 385]) {
      for (const n of [1, 8, 17]) {
        for (const gapA of [0, 1]) {
          check(product, m, n, { gapA });
          check(product, m, n, { gapA, gapC: 4, activation: 'gelu_new', residual: true });
          check(product, m, n, { gapA, residual: true, gapResidual: 8 });
        }
      }
    }
  }
});

test('the first row or all of a few past six panels and more', () => {
  for (const k of [1, 2, 7, 383, 384, 385, 768, 1000]) {
    const product = new Product(11, 100, k);
    for (const n of [40, 41, 47, 48, 49, 56, 88, 95, 96, 97, 100]) {
      // Of the functions that share one loop, the first stands for all.
      for (const activation of ACTIVATIONS.slice(0, 8)) {
        for (const m of [1, 2, 4, 5, 11]) check(product, m, n, { activation, gapC: 8, residual: true });
        for (const m of [1, 5]) check(product, m, n, { activation });
      }
    }
  }
  const product = new Product(193, 57, 385);
  check(product, 193, 57, { gapA: 1, gapC: 8, residual: true });
});

test('the bound catches one missing product, whichever it is', () => {
  for (const k of DEPTHS) {
    const product = new Product(2, 9, k);
    const [answer] = check(product, 2, 9);
    const { values, bounds } = product.expected;
    for (let p = 0; p < k; p++) {
      for (let i = 0; i < 2; i++) {
        const without = values.slice();
        without[i * 9 + 8]! -= product.a[i * k + p]! * product.b[p * 9 + 8]!;
        assert.is(firstOutside(answer!.values, without, bounds), i * 9 + 8, `product ${p} of ${k}, row ${i}`);
      }
    }
  }
});

test('a NaN or an infinity in one row reaches that row, and no other', () => {
  for (const m of [1, 2, 5, 6, 11]) {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const product = new Product(m, 9, 13);
      const row = m - 1;
      product.a[row * 13 + 12] = bad;
      for (const { values } of everyBuild(cases, `${bad} in row ${row} of ${m}`, (arena, kernels) => {
        const a = arena.input(product.a, m, 13, 52, 13);
        const panels = arena.panels(product.b, 13, 9);
        const bias = arena.vector(product.bias);
        const c = arena.output(m, 9);
        const scratch = arena.scratch(kernels.gemmScratchBytes());
        const { gemmF32 } = kernels;
        const run = () => gemmF32(a.address, a.stride, panels, bias, c.address, c.stride, m, 9, 13, 0, 0, 0, scratch);
        return { run, out: [c] };
      })) {
        for (const [i, value] of values.entries())
          assert.is(Number.isFinite(value), i < row * 9, `${bad}, m ${m}, at ${i}`);
      }
    }
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
