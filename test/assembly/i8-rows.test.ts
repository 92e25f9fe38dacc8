/** quantizeRows, packI8 and unpackI8: every size and stride, rounding, zeros, extremes, bit for bit. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIVATION_RANGES, type ActivationRange } from '../../src/engine/schemes.js';
import type { Arena, Region } from './arena.js';
import { assertSameBits, Cases, everyBuild } from './harness.js';
import { columnsOf, depthOf, FORMATS, formatOf, formatsOf, panelBytes, plainLevels, quantize } from './int8.js';
import { Random } from './reference.js';

const test = suite('quantize');
const cases = new Cases(1530);

/** Numbers whose quotients by the largest are halves: ties, both signs, towards even either way. */
function ties(levels: number): Float32Array {
  return Float32Array.from([levels, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3.5, -0, 0.49999997, -levels]);
}

function checkRows(a: Float32Array, m: number, k: number, gap: number): void {
  for (const range of ACTIVATION_RANGES) checkRange(a, m, k, gap, range);
}

function checkRange(a: Float32Array, m: number, k: number, gap: number, range: ActivationRange): void {
  const { lowest, highest } = range;
  const label = `m ${m}, k ${k}, gap ${gap}, ${lowest} to ${highest}`;
  const answers = everyBuild(cases, label, (arena, kernels) => {
    const { bytes } = formatOf(kernels);
    const rows = arena.input(a, m, k, (k + gap) * 4, k);
    const words = (depthOf(k) * bytes) / 4;
    const out = arena.allowExactly(arena.matrix(m, words, words * 4, words));
    const scales = arena.allowExactly(arena.matrix(1, m, m * 4, m));
    const zeros = arena.allowExactly(arena.matrix(1, m, m * 4, m));
    const [rowsAt, outAt, scalesAt, zerosAt] = [rows.address, out.address, scales.address, zeros.address];
    const run = () => kernels.quantizeRows(rowsAt, rows.stride, outAt, scalesAt, zerosAt, m, k, lowest, highest);
    return { run, out: [scales, zeros, out] };
  });
  for (const { build, values } of answers) {
    const { bytes, rows } = formatsOf(range)[build];
    const expected = rows(a, k);
    assertSameBits(values.slice(0, m), expected.scales, `${label}, ${build}: scales`);
    assert.equal(new Int32Array(values.slice(m, 2 * m).buffer), expected.zeros, `${label}, ${build}: zero points`);
    const stored = values.slice(2 * m).buffer;
    const numbers = bytes === 2 ? new Int16Array(stored) : lowest < 0 ? new Int8Array(stored) : new Uint8Array(stored);
    for (let i = 0; i < m; i++) {
      for (let p = 0; p < depthOf(k); p++) {
        const want = expected.zeros[i]! + (p < k ? expected.values[i * k + p]! : 0);
        assert.is(numbers[i * depthOf(k) + p], want, `${label}, ${build}, row ${i}, at ${p}`);
        if (bytes === 1) assert.ok(want >= lowest && want <= highest, `${label}: ${want}`);
      }
    }
  }
}

test('rows of every length and stride', () => {
  for (const m of [1, 2, 3, 7]) {
    for (let k = 1; k <= 40; k++) {
      const a = new Random(m * 100 + k).uniform(m * k, -3, 3);
      for (const gap of [0, 1]) checkRows(a, m, k, gap);
    }
  }
});

test('rows of zeros, of the largest and of the smallest numbers', () => {
  for (const k of [1, 3, 8, 21]) {
    const random = new Random(k);
    for (const scale of [0, -0, 3.4e38, 1e30, 1e-29, 2 ** -99, 2 ** -101, 1e-40, 2 ** -149]) {
      const a = random.uniform(2 * k).map((v) => Math.fround(v * scale));
      checkRows(a, 2, k, 0);
    }
  }
});

test('halves go to the even neighbour', () => {
  // A row of relaxed SIMD has 126 or 254 steps: symmetric, it ends at 63 or 127.
  for (const levels of [plainLevels(11), 63, 127]) {
    const a = ties(levels);
    checkRows(a, 1, 11, 0);
    // Where the vector loop sees them, and where the tail does.
    checkRows(Float32Array.from([...a.slice(0, 8), ...a]), 1, 19, 0);
  }
  // The reference itself, by hand.
  assert.equal([...quantize(ties(63), 11, 63).values], [63, 0, 2, 2, 0, -2, -2, 4, 0, 0, -63]);
});

test('deep rows use fewer levels, so that sums stay 32 bits', () => {
  for (const k of [4129, 4130, 8192, 66_311, 66_312, 2 ** 17]) checkRows(new Random(k).uniform(k), 1, k, 0);
});

/** Panels that hold zeros, as the packer finds them. */
function zeroPanels(arena: Arena, k: number, n: number): Region {
  const words = Math.ceil(n / 8) * (16 + depthOf(k) * 2);
  return arena.allowExactly(arena.input(new Int32Array(words), 1, words, words * 4, words));
}

/** Packs `count` matrices (k, n) side by side, from (in, out) or (out, in) layout, and unpacks them again. */
function checkPack(b: Float32Array, k: number, n: number, count: number, transposed: boolean): void {
  const label = `k ${k}, n ${n}, ${count} side by side, ${transposed ? '(out, in)' : '(in, out)'}`;
  const total = n * count;
  const columns = columnsOf(b, k, total);
  const answers = everyBuild(cases, label, (arena, { packI8, unpackI8, panelsBytesI8 }) => {
    const source = transposed
      ? arena.input(columns, total, k, k * 4, k)
      : arena.input(b, k, total, (total + 3) * 4, total);
    const panels = zeroPanels(arena, k, total);
    assert.is(panelsBytesI8(k, total, k), panels.cols * 4, label);
    const back = arena.allowExactly(arena.matrix(1, total * k, total * k * 4, total * k));
    const [strideK, strideN] = transposed ? [4, source.stride] : [source.stride, 4];
    const run = () => {
      for (let i = 0; i < count; i++) {
        packI8(source.address + i * n * strideN, strideK, strideN, panels.address, k, n, i * n, k);
      }
      // In two parts: from the first column on, and from another.
      unpackI8(panels.address, k, total, 0, back.address, k);
      unpackI8(panels.address, k, n, total - n, back.address + (total - n) * k * 4, k);
    };
    return { run, out: [back, panels] };
  });
  const quantized = quantize(columns, k, 127);
  const dequantized = columns.map((_, i) => quantized.values[i]! * quantized.scales[Math.floor(i / k)]!);
  for (const { build, values } of answers) {
    // Zeros of either sign are equal here: an integer has one.
    assert.equal(
      [...values.subarray(0, total * k)],
      [...dequantized].map((v) => v + 0),
      `${label}, ${build}`,
    );
    const bytes = new Uint8Array(values.slice(total * k).buffer);
    assert.is(Buffer.compare(bytes, panelBytes(quantized, k, FORMATS[build], 0)), 0, `${label}, ${build}: panels`);
  }
}

test('matrices of every size, in both layouts, side by side', () => {
  for (const k of [1, 2, 3, 4, 5, 8, 13, 64]) {
    for (const n of [1, 2, 5, 7, 8, 9, 16, 17]) {
      for (const count of [1, 3]) {
        const b = new Random(k * 100 + n).uniform(k * n * count, -2, 2);
        for (const transposed of [false, true]) checkPack(b, k, n, count, transposed);
      }
    }
  }
});

test('columns of zeros, extremes and ties', () => {
  for (const scale of [0, 3.4e38, 1e30, 2 ** -99, 2 ** -101, 2 ** -149]) {
    const b = new Random(1).uniform(7 * 9).map((v) => Math.fround(v * scale));
    checkPack(b, 7, 9, 1, false);
  }
  checkPack(ties(127), 11, 1, 1, false);
});

test('a NaN or an infinity among the weights becomes the scale of its column', () => {
  for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY]) {
    const b = new Random(2).uniform(5 * 3);
    b[7] = bad;
    for (const { values } of everyBuild(cases, `${bad}`, (arena, { packI8 }) => {
      const source = arena.input(b, 5, 3, 12, 3);
      const panels = zeroPanels(arena, 5, 3);
      return { run: () => packI8(source.address, 12, 4, panels.address, 5, 3, 0, 5), out: [panels] };
    })) {
      assert.equal([...values.subarray(0, 3)].map(Number.isFinite), [true, false, true]);
    }
  }
});

/** Bytes as the words that hold them, zeros behind. */
function words(bytes: Int8Array): Int32Array {
  const result = new Int32Array(Math.ceil(bytes.length / 4));
  new Int8Array(result.buffer).set(bytes);
  return result;
}

/** Packs columns that are quantised already, in two parts from column `first` on, and takes them out again. */
function checkLevels(k: number, n: number, first: number): void {
  const label = `levels, k ${k}, n ${n}, first ${first}`;
  const random = new Random(k * 1e4 + n * 100 + first);
  const levels = Int8Array.from(random.uniform(n * k, -127.49, 127.49), Math.round);
  const scales = random.uniform(n, 0, 3);
  const part = Math.ceil(n / 2);
  const answers = everyBuild(cases, label, (arena, { packLevels, unpackLevels }) => {
    const source = arena.input(words(levels), 1, Math.ceil((n * k) / 4));
    const factors = arena.input(scales, 1, n, n * 4, n);
    const panels = zeroPanels(arena, k, first + n);
    const empty = words(new Int8Array(n * k));
    const back = arena.allowExactly(arena.input(empty, 1, empty.length, empty.length * 4, empty.length));
    const backScales = arena.allowExactly(arena.matrix(1, n, n * 4, n));
    const run = () => {
      packLevels(source.address, factors.address, panels.address, k, part, first);
      if (n > part) {
        const [from, factor] = [source.address + part * k, factors.address + part * 4];
        packLevels(from, factor, panels.address, k, n - part, first + part);
      }
      unpackLevels(panels.address, k, n, first, back.address, backScales.address);
    };
    return { run, out: [backScales, back, panels] };
  });
  const values = new Int32Array((first + n) * k);
  values.set(levels, first * k);
  const padded = new Float32Array(first + n);
  padded.set(scales, first);
  for (const { build, values: answer } of answers) {
    assertSameBits(answer.slice(0, n), scales, `${label}, ${build}: scales`);
    const bytes = new Int8Array(answer.slice(n).buffer);
    assert.equal([...bytes.subarray(0, n * k)], [...levels], `${label}, ${build}: levels`);
    const expected = panelBytes({ values, scales: padded }, k, FORMATS[build], 0);
    const packed = new Uint8Array(bytes.buffer, 4 * Math.ceil((n * k) / 4));
    assert.is(Buffer.compare(packed, expected), 0, `${label}, ${build}: panels`);
  }
}

test('levels of every size, from any column on, in and out again', () => {
  for (const k of [1, 2, 3, 4, 5, 8, 13, 64]) {
    for (const n of [1, 2, 7, 8, 9, 17]) for (const first of [0, 1, 6, 8, 11]) checkLevels(k, n, first);
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
