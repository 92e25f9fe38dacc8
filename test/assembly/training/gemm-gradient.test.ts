/** gemmGradient and gemmGradientWide over every remainder of its tiles, panels, stretches and row blocks, every stride, and in parts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Answer, assertSameBits, assertWithin, Cases, firstOutside } from '../harness.js';
import { type Expected, Random, sumError } from '../reference.js';
import { everyTrainingBuild } from './harness.js';

const test = suite('gemmGradient');
const cases = new Cases(1_140);

/** Twice the tallest tile, and three panels. */
const INPUTS = 12;
const PANELS = 3;
/** Both sides of a vector, of the 384 tokens after which a sum starts anew, and three such stretches. */
const TOKENS = [1, 2, 3, 4, 5, 7, 8, 31, 127, 383, 384, 385, 768, 769, 1000];

/** xᵀ, dy in panels, the gradient before, and the answer: gradient + xᵀ · dy, in panels. */
class Product {
  readonly xt: Float32Array;
  /** (tokens, 8) after (tokens, 8) */
  readonly dy: Float32Array;
  readonly before: Float32Array;
  readonly expected: Expected;

  constructor(
    readonly inputs: number,
    readonly tokens: number,
    readonly panels: number,
  ) {
    const random = new Random(inputs * 1e6 + tokens * 10 + panels);
    this.xt = random.weighty(inputs * tokens);
    this.dy = random.weighty(panels * tokens * 8);
    this.before = random.weighty(panels * inputs * 8);
    const values = Float64Array.from(this.before);
    const bounds = values.map((v, at) => {
      const [panel, rest] = [Math.floor(at / (inputs * 8)), at % (inputs * 8)];
      const [row, lane] = [rest >> 3, rest & 7];
      let magnitude = Math.abs(v);
      for (let t = 0; t < tokens; t++) {
        const product = this.xt[row * tokens + t]! * this.dy[(panel * tokens + t) * 8 + lane]!;
        values[at]! += product;
        magnitude += Math.abs(product);
      }
      return sumError(tokens) * magnitude;
    });
    this.expected = { values, bounds };
  }
}

/** Rows `row` to `row + rows` of each of the panels `panel` to `panel + panels`. */
function part<T extends Float32Array | Float64Array>(
  x: T,
  inputs: number,
  row: number,
  rows: number,
  panel: number,
  panels: number,
): T {
  const result = x.slice(0, panels * rows * 8) as T;
  for (let p = 0; p < panels; p++) {
    const from = ((panel + p) * inputs + row) * 8;
    result.set(x.subarray(from, from + rows * 8), p * rows * 8);
  }
  return result;
}

interface Options {
  /** The part that is computed: from which row and panel on. */
  readonly row?: number;
  readonly panel?: number;
  /** Floats between the end of a row of xᵀ and the next; rows between a panel's last one and the next panel. */
  readonly gap?: number;
  readonly rowsBetween?: number;
  readonly kernel?: 'gemmGradient' | 'gemmGradientWide';
}

/** A part of a product in every build, each element within its bound. */
function check(product: Product, rows: number, panels: number, options: Options = {}): Answer[] {
  const { row = 0, panel = 0, gap = 0, rowsBetween = 0, kernel = 'gemmGradient' } = options;
  const { inputs, tokens, xt, dy, before, expected } = product;
  const label = `${rows} rows, ${tokens} tokens, ${panels} panels, ${JSON.stringify(options)}`;
  const panelBytes = (rows + rowsBetween) * 32;
  const answers = everyTrainingBuild(cases, label, (arena, kernels) => {
    const x = arena.input(xt.subarray(row * tokens, (row + rows) * tokens), rows, tokens, (tokens + gap) * 4, tokens);
    const floats = panels * tokens * 8;
    const from = panel * tokens * 8;
    const operand = arena.input(dy.subarray(from, from + floats), 1, floats, floats * 4, floats).address;
    const start = part(before, inputs, row, rows, panel, panels);
    const gradient = arena.allowExactly(arena.input(start, panels, rows * 8, panelBytes, rows * 8));
    const scratch = arena.scratch(kernels.gemmGradientScratchBytes());
    const run = () =>
      kernels[kernel](x.address, x.stride, operand, gradient.address, panelBytes, rows, tokens, panels, scratch);
    return { run, out: [gradient] };
  });
  const [values, bounds] = [expected.values, expected.bounds].map((m) => part(m, inputs, row, rows, panel, panels));
  for (const { build, values: got } of answers) assertWithin(got, values!, bounds!, `${label}, ${build}`);
  return answers;
}

for (const tokens of TOKENS) {
  test(`every remainder of rows and panels, ${tokens} tokens; parts have the bits of the whole, by both kernels`, () => {
    const product = new Product(INPUTS, tokens, PANELS);
    const whole = check(product, INPUTS, PANELS);
    for (let rows = 1; rows <= INPUTS; rows++) {
      for (let panels = 1; panels <= PANELS; panels++) {
        for (const kernel of ['gemmGradient', 'gemmGradientWide'] as const) {
          const gap = (rows + panels) % 2 === 0 ? 3 : 0;
          const options = { row: INPUTS - rows, panel: PANELS - panels, gap, rowsBetween: gap, kernel };
          for (const [i, { values, build }] of check(product, rows, panels, options).entries()) {
            const same = part(whole[i]!.values, INPUTS, options.row, rows, options.panel, panels);
            assertSameBits(values, same, `${rows} rows, ${panels} panels of ${tokens} tokens, ${build}`);
          }
        }
      }
    }
  });
}

test('more rows than a block of 192', () => {
  for (const tokens of [5, 385]) {
    const product = new Product(385, tokens, 2);
    for (const rows of [191, 192, 193, 384, 385]) {
      check(product, rows, 2, { gap: 0 });
      check(product, rows, 2, { gap: 1, kernel: 'gemmGradientWide' });
      check(product, rows, 1, { panel: 1, rowsBetween: 1 });
    }
  }
});

test('the bound catches one missing token, whichever it is', () => {
  for (const tokens of TOKENS) {
    const product = new Product(2, tokens, 1);
    const [answer] = check(product, 2, 1);
    const { values, bounds } = product.expected;
    for (let t = 0; t < tokens; t++) {
      const without = values.slice();
      without[13]! -= product.xt[tokens + t]! * product.dy[t * 8 + 5]!;
      assert.is(firstOutside(answer!.values, without, bounds), 13, `token ${t} of ${tokens}`);
    }
  }
});

test('zeros in the padding of dy leave the padding of a gradient at zero', () => {
  const product = new Product(7, 9, 1);
  for (let t = 0; t < 9; t++) product.dy.fill(0, t * 8 + 3, t * 8 + 8);
  for (let row = 0; row < 7; row++) product.before.fill(0, row * 8 + 3, row * 8 + 8);
  for (let at = 0; at < product.expected.values.length; at++) {
    if ((at & 7) >= 3) product.expected.values[at] = product.expected.bounds[at] = 0;
  }
  check(product, 7, 1);
});

test('enough cases', () => cases.assertEnough());

test.run();
