/** packF32 and unpackF32: both layouts of a weight matrix, any size and stride, several matrices side by side. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Arena, padded, type Region } from './arena.js';
import { assertSameBits, Cases, everyBuild } from './harness.js';
import { Random } from './reference.js';

const test = suite('packF32');
const cases = new Cases(1_300);

const LAYOUTS = ['(in, out)', '(out, in)'] as const;
type Layout = (typeof LAYOUTS)[number];

/** The columns of packed panels, each a region of its own: the rest of its panel is not the packer's to touch. */
function packedColumns(arena: Arena, panels: number, k: number, n: number, first: number): Region[] {
  return Array.from({ length: n }, (_, j) => {
    const column = first + j;
    const address = panels + ((column >> 3) * k * 8 + (column & 7)) * 4;
    return arena.allowExactly({ address, rows: k, cols: 1, stride: 32 });
  });
}

/** Packs matrices (k, n) for each n of `widths` next to each other, the first at column `first`. */
function check(layout: Layout, k: number, widths: readonly number[], first: number, gap: number): void {
  const random = new Random(k * 1e4 + first * 100 + gap);
  // Column by column, as the answer is read; a source in (in, out) layout is its transpose.
  const columns = widths.map((n) => random.uniform(n * k));
  const sources = columns.map((x, s) => (layout === '(out, in)' ? x : transposed(x, widths[s]!, k)));
  const total = widths.reduce((sum, n) => sum + n, 0);
  const label = `${layout}, k ${k}, widths ${widths}, first ${first}, gap ${gap}`;
  const answers = everyBuild(cases, label, (arena, { packF32, unpackF32 }) => {
    const inputs = sources.map((x, s) => {
      const n = widths[s]!;
      const [rows, cols] = layout === '(in, out)' ? [k, n] : [n, k];
      return arena.input(x, rows, cols, (cols + gap) * 4, cols);
    });
    const panels = arena.take(padded(first + total) * k * 4);
    const back = arena.allowExactly(arena.matrix(1, total * k, total * k * 4, total * k));
    const out = [...packedColumns(arena, panels, k, total, first), back];
    const run = () => {
      let column = first;
      for (const [s, { address, stride }] of inputs.entries()) {
        const [strideK, strideN] = layout === '(in, out)' ? [stride, 4] : [4, stride];
        packF32(address, strideK, strideN, panels, k, widths[s]!, column);
        column += widths[s]!;
      }
      unpackF32(panels, k, total, first, back.address);
    };
    return { run, out };
  });
  // In its panels, and read back.
  const expected = new Float32Array(2 * total * k);
  let to = 0;
  for (const x of [...columns, ...columns]) {
    expected.set(x, to);
    to += x.length;
  }
  for (const { build, values } of answers) assertSameBits(values, expected, `${label}, ${build}`);
}

function transposed(x: Float32Array, rows: number, cols: number): Float32Array {
  return x.map((_, i) => x[(i % rows) * cols + Math.floor(i / rows)]!);
}

for (const layout of LAYOUTS) {
  test(`any size and stride, ${layout}`, () => {
    for (const k of [1, 2, 3, 5, 8, 13, 64]) {
      for (let n = 1; n <= 25; n++) {
        for (const gap of [0, 3]) check(layout, k, [n], 0, gap);
      }
    }
  });

  test(`from any column on, ${layout}`, () => {
    for (const k of [1, 7]) {
      for (let first = 0; first <= 17; first++) {
        for (const n of [1, 2, 7, 8, 9, 17]) check(layout, k, [n], first, 1);
      }
    }
  });

  test(`side by side, ${layout}`, () => {
    for (const k of [1, 4, 9]) {
      for (let n = 1; n <= 17; n++) {
        check(layout, k, [n, n, n], 0, 0);
        check(layout, k, [n, 1, 18 - n], 2, 1);
      }
    }
  });
}

test('bits pass unchanged', () => {
  const special = new Float32Array([-0, Number.POSITIVE_INFINITY, 2 ** -149, -(2 ** -127), 3.4e38, Number.NaN]);
  const answers = everyBuild(cases, 'special numbers', (arena, { packF32 }) => {
    const source = arena.input(special, 6, 1, 4, 1);
    const panels = arena.take(6 * 32);
    return { run: () => packF32(source.address, 4, 4, panels, 6, 1, 0), out: packedColumns(arena, panels, 6, 1, 0) };
  });
  for (const { values } of answers) {
    assert.is(Buffer.compare(new Uint8Array(values.buffer), new Uint8Array(special.buffer)), 0);
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
