/** scatterRows and scatterPanels: the sums in the order of the rows, bit for bit, in whole rows and in ranges of columns. */
import { suite } from 'uvu';
import { padded } from '../arena.js';
import { assertSameBits, Cases } from '../harness.js';
import { Random } from '../reference.js';
import { everyTrainingBuild } from './harness.js';

const test = suite('scatter');
const cases = new Cases(400);

const INDICES = [[], [0], [2], [1, 0, 2], [2, 2, 2], [0, 9, 8, 9, 7, 0, 16, 15, 9]];

function check(indices: readonly number[], size: number, column: number, cols: number, gap: number): void {
  const random = new Random(size * 100 + indices.length);
  const count = Math.max(0, ...indices) + 2;
  const table = random.uniform(count * size);
  const dx = random.uniform(indices.length * size);
  const expected = table.slice();
  for (const [i, index] of indices.entries()) {
    for (let j = column; j < column + cols; j++) expected[index * size + j]! += dx[i * size + j]!;
  }
  const label = `rows ${indices}, size ${size}, columns ${column} to ${column + cols}, gap ${gap}`;
  const integers = Int32Array.from(indices);
  const rows = everyTrainingBuild(cases, label, (arena, { scatterRows }) => {
    const from = arena.input(dx, indices.length, size, (padded(size) + gap) * 4);
    const at = arena.input(integers, 1, indices.length, indices.length * 4, indices.length).address;
    const to = arena.input(table, count, size, (size + gap) * 4, size);
    // Only the rows and columns that are added to may be written.
    for (const index of indices) {
      arena.allowExactly({ address: to.address + index * to.stride + column * 4, rows: 1, cols, stride: cols * 4 });
    }
    const run = () => scatterRows(from.address, from.stride, at, indices.length, to.address, to.stride, column, cols);
    return { run, out: [to] };
  });
  for (const { build, values } of rows) assertSameBits(values, expected, `${label}, ${build}`);

  const transposed = (x: Float32Array) => x.map((_, i) => x[(i % count) * size + Math.floor(i / count)]!);
  const panels = everyTrainingBuild(cases, `${label}, panels`, (arena, { scatterPanels }) => {
    const from = arena.input(dx, indices.length, size, (padded(size) + gap) * 4);
    const at = arena.input(integers, 1, indices.length, indices.length * 4, indices.length).address;
    const to = arena.panels(transposed(table), size, count);
    const lane = (index: number) => ({ address: to + (index >> 3) * size * 32 + (index & 7) * 4, stride: 32, cols: 1 });
    for (const index of indices) {
      const { address, ...rest } = lane(index);
      arena.allowExactly({ address: address + column * 32, rows: cols, ...rest });
    }
    const out = Array.from({ length: count }, (_, index) => ({ ...lane(index), rows: size }));
    const run = () => scatterPanels(from.address, from.stride, at, indices.length, to, size, column, cols);
    return { run, out };
  });
  for (const { build, values } of panels) assertSameBits(values, expected, `${label}, panels, ${build}`);
}

for (const indices of INDICES) {
  test(`rows ${indices.join(', ') || 'none'}`, () => {
    for (let size = 1; size <= 20; size++) check(indices, size, 0, size, size % 2 ? 0 : 8);
    for (const size of [5, 16, 33]) {
      for (const column of [0, 1, 4]) {
        for (const cols of [0, 1, size - column]) check(indices, size, column, cols, 0);
      }
    }
    check(indices, 128, 0, 128, 0);
  });
}

test('enough cases', () => cases.assertEnough());

test.run();
