/** transposePanels, packRows and transposeRows: every remainder and stride, bit for bit, whole and in parts. */
import { suite } from 'uvu';
import { type Arena, padded, type Region } from '../arena.js';
import { assertSameBits, Cases } from '../harness.js';
import { Random } from '../reference.js';
import { everyTrainingBuild } from './harness.js';

const test = suite('panels');
const cases = new Cases(2_940);

/** Floats in a row, of which the kernel may write each. */
function dense(arena: Arena, floats: number): Region {
  return arena.allowExactly(arena.matrix(1, floats, floats * 4, floats));
}

/** A (rows, cols) matrix in panels, its padding zero. */
function panelsOf(x: Float32Array, rows: number, cols: number): Float32Array {
  const panels = new Float32Array(rows * padded(cols));
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) panels[(j >> 3) * rows * 8 + i * 8 + (j & 7)] = x[i * cols + j]!;
  }
  return panels;
}

function transpose(x: Float32Array, rows: number, cols: number): Float32Array {
  return x.map((_, at) => x[(at % rows) * cols + Math.floor(at / rows)]!);
}

/** 1 to 18, and past two blocks. */
const SIZES = [...Array.from({ length: 18 }, (_, i) => i + 1), 24, 33, 40];

test('transposePanels: every remainder, whole and in two parts', () => {
  for (const k of SIZES) {
    for (const n of SIZES) {
      const x = new Random(k * 100 + n).weighty(k * n);
      const expected = panelsOf(transpose(x, k, n), n, k);
      const count = padded(n) / 8;
      const middle = (k + n) % (count + 1);
      for (const { build, values } of everyTrainingBuild(cases, `transposePanels ${k} × ${n}`, (arena, kernels) => {
        const panels = arena.panels(x, k, n);
        const target = dense(arena, expected.length);
        const run = () => {
          kernels.transposePanels(panels, k, n, target.address, middle, count - middle);
          kernels.transposePanels(panels, k, n, target.address, 0, middle);
        };
        return { run, out: [target] };
      })) {
        assertSameBits(values, expected, `transposePanels ${k} × ${n}, from panel ${middle}, ${build}`);
      }
    }
  }
});

test('packRows: every remainder and stride', () => {
  for (const rows of [1, 2, 3, 4, 5, 8, 9]) {
    for (let cols = 1; cols <= 50; cols++) {
      for (const gap of [0, 5]) {
        const x = new Random(rows * 100 + cols).weighty(rows * cols);
        const expected = panelsOf(x, rows, cols);
        const label = `packRows ${rows} × ${cols}, gap ${gap}`;
        for (const { build, values } of everyTrainingBuild(cases, label, (arena, kernels) => {
          const source = arena.input(x, rows, cols, (padded(cols) + gap) * 4);
          const panels = dense(arena, expected.length);
          const run = () => kernels.packRows(source.address, source.stride, rows, cols, panels.address);
          return { run, out: [panels] };
        })) {
          assertSameBits(values, expected, `${label}, ${build}`);
        }
      }
    }
  }
});

test('transposeRows: every remainder and stride', () => {
  for (const rows of [...Array.from({ length: 13 }, (_, i) => i + 1), 16, 31]) {
    for (let cols = 1; cols <= 40; cols++) {
      for (const [gap, targetGap] of [[0, 0] as const, [3, 0] as const, [0, 7] as const]) {
        const x = new Random(rows * 100 + cols).weighty(rows * cols);
        const label = `transposeRows ${rows} × ${cols}, gaps ${gap} and ${targetGap}`;
        for (const { build, values } of everyTrainingBuild(cases, label, (arena, kernels) => {
          const source = arena.input(x, rows, cols, (padded(cols) + gap) * 4);
          const target = arena.allowExactly(arena.matrix(cols, rows, (rows + targetGap) * 4, rows));
          const { address, stride } = source;
          const run = () => kernels.transposeRows(address, stride, rows, cols, target.address, target.stride);
          return { run, out: [target] };
        })) {
          assertSameBits(values, transpose(x, rows, cols), `${label}, ${build}`);
        }
      }
    }
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
