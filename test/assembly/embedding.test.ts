/** embed and embedI8: the sum of three rows, bit for bit, for every size and for the first and the last id of each table. */
import { suite } from 'uvu';
import { padded } from './arena.js';
import { assertSameBits, Cases, everyBuild } from './harness.js';
import { formatOf, panelBytes, quantize } from './int8.js';
import { Random } from './reference.js';

const test = suite('embed');
const cases = new Cases(2_400);

interface Tokens {
  readonly ids: readonly number[];
  readonly types: readonly number[];
  readonly positions: readonly number[];
}

function check(vocab: number, size: number, { ids, types, positions }: Tokens, gapTable = 0, gapOut = 0): void {
  const typeCount = Math.max(2, ...types.map((t) => t + 1));
  const positionCount = Math.max(...positions, 0) + 1;
  const random = new Random(vocab * 1000 + size);
  const word = random.weighty(vocab * size);
  // The word table lies as the tied decoder's panels: (size, vocab), 8 tokens wide.
  const decoder = word.map((_, i) => word[(i % vocab) * size + Math.floor(i / vocab)]!);
  const typeTable = random.weighty(typeCount * size);
  const positionTable = random.weighty(positionCount * size);
  const expected = new Float32Array(ids.length * size).map((_, i) => {
    const token = Math.floor(i / size);
    const col = i % size;
    const sum = Math.fround(word[ids[token]! * size + col]! + typeTable[types[token]! * size + col]!);
    return sum + positionTable[positions[token]! * size + col]!;
  });
  const label = `size ${size}, vocabulary ${vocab}, ids ${ids}, types ${types}, positions ${positions}`;
  const answers = everyBuild(cases, label, (arena, { embed }) => {
    const integers = ([values]: [readonly number[]]) =>
      arena.input(Int32Array.from(values), 1, values.length, values.length * 4, values.length).address;
    const stride = (size + gapTable) * 4;
    const panels = arena.panels(decoder, size, vocab);
    const typeRows = arena.input(typeTable, typeCount, size, stride, size);
    const positionRows = arena.input(positionTable, positionCount, size, stride, size);
    const [i, t, p] = [integers([ids]), integers([types]), integers([positions])];
    const out = arena.output(ids.length, size, (padded(size) + gapOut) * 4);
    const run = () =>
      embed(i, t, p, panels, typeRows.address, positionRows.address, stride, out.address, out.stride, ids.length, size);
    return { run, out: [out] };
  });
  for (const { build, values } of answers) assertSameBits(values, expected, `${label}, ${build}`);
  checkI8({ word, typeTable, positionTable }, size, { ids, types, positions }, gapTable, gapOut);
}

/** The same tables with the words of int8: one scale a word, and the same two roundings after it. */
function checkI8(
  { word, typeTable, positionTable }: Record<'word' | 'typeTable' | 'positionTable', Float32Array>,
  size: number,
  { ids, types, positions }: Tokens,
  gapTable: number,
  gapOut: number,
): void {
  const words = quantize(word, size, 127);
  const expected = new Float32Array(ids.length * size).map((_, i) => {
    const [token, col] = [Math.floor(i / size), i % size];
    const id = ids[token]!;
    const value = Math.fround(words.values[id * size + col]! * words.scales[id]!);
    const sum = Math.fround(value + typeTable[types[token]! * size + col]!);
    return sum + positionTable[positions[token]! * size + col]!;
  });
  const label = `int8, size ${size}, vocabulary ${words.scales.length}, ids ${ids}`;
  const answers = everyBuild(cases, label, (arena, kernels) => {
    const stride = (size + gapTable) * 4;
    const panelWords = new Int32Array(panelBytes(words, size, formatOf(kernels)).buffer);
    const panels = arena.input(panelWords, 1, panelWords.length).address;
    const typeRows = arena.input(typeTable, typeTable.length / size, size, stride, size).address;
    const positionRows = arena.input(positionTable, positionTable.length / size, size, stride, size).address;
    const integers = (values: readonly number[]) =>
      arena.input(Int32Array.from(values), 1, values.length, values.length * 4, values.length).address;
    const [i, t, p] = [integers(ids), integers(types), integers(positions)];
    const out = arena.output(ids.length, size, (padded(size) + gapOut) * 4);
    const { address } = out;
    const run = () =>
      kernels.embedI8(i, t, p, panels, typeRows, positionRows, stride, address, out.stride, ids.length, size);
    return { run, out: [out] };
  });
  for (const { build, values } of answers) assertSameBits(values, expected, `${label}, ${build}`);
}

for (const vocab of [1, 2, 7, 8, 9, 13, 30]) {
  test(`every size, a vocabulary of ${vocab}`, () => {
    const last = vocab - 1;
    for (const size of [...Array.from({ length: 20 }, (_, i) => i + 1), 128]) {
      for (const gapTable of [0, 3]) {
        for (const gapOut of [0, 5]) {
          check(vocab, size, { ids: [0], types: [1], positions: [0] }, gapTable, gapOut);
          const tokens = { ids: [last, 0, last >> 1, last], types: [0, 1, 1, 0], positions: [0, 1, 2, 3] };
          check(vocab, size, tokens, gapTable, gapOut);
        }
      }
    }
  });
}

test('each id in turn', () => {
  const ids = Array.from({ length: 30 }, (_, i) => i);
  for (const id of ids) check(30, 5, { ids: [id], types: [0], positions: [0] });
  check(30, 5, { ids, types: ids.map((i) => i % 2), positions: ids });
  check(30, 5, { ids: ids.toReversed(), types: ids.map((i) => i % 3), positions: ids.toReversed() });
});

test('no tokens, no writes', () => check(3, 4, { ids: [], types: [], positions: [] }));

test('enough cases', () => cases.assertEnough());

test.run();
