/** dropout: the mask that its key says, bit for bit, at any size and stride; and that such masks are fair. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { padded } from './arena.js';
import { type Answer, assertSameBits, Cases, everyBuild } from './harness.js';
import { Random } from './reference.js';

const test = suite('dropout');
const cases = new Cases(2_000);

/** The share dropped, as the kernel takes it: in units of 2⁻³². */
function thresholdOf(rate: number): number {
  return Math.min(Math.floor(rate * 2 ** 32), 2 ** 32 - 1);
}

/** MurmurHash3's finaliser of an element's place in a Weyl sequence: the words that the threshold is held against. */
function randomWord(key: number, index: number): number {
  let x = (Math.imul(index, 0x9e3779b1) + key) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

interface Options {
  readonly key: number;
  readonly threshold: number;
  readonly scale: number;
  readonly gap?: number;
}

function dropout(x: Float32Array, rows: number, cols: number, options: Options): Answer[] {
  const { key, threshold, scale, gap = 0 } = options;
  return everyBuild(cases, `${rows} × ${cols}, ${JSON.stringify(options)}`, (arena, kernels) => {
    const matrix = arena.allow(arena.input(x, rows, cols, (padded(cols) + gap) * 4));
    const run = () => kernels.dropout(matrix.address, matrix.stride, rows, cols, key, threshold, scale);
    return { run, out: [matrix] };
  });
}

function check(x: Float32Array, rows: number, cols: number, options: Options): void {
  const { key, threshold, scale } = options;
  const factor = Math.fround(scale);
  const expected = x.map((v, i) => (randomWord(key, i) >= threshold ? v * factor : 0));
  for (const { build, values } of dropout(x, rows, cols, options)) {
    assertSameBits(values, expected, `${rows} × ${cols}, ${JSON.stringify(options)}, ${build}`);
  }
}

/** 1 where an element was kept. */
function mask(key: number, rate: number, count: number): Float32Array {
  return dropout(new Float32Array(count).fill(1), 1, count, { key, threshold: thresholdOf(rate), scale: 1 })[0]!.values;
}

function total(x: Float32Array): number {
  return x.reduce((sum, v) => sum + v, 0);
}

test('each element, at every size and stride', () => {
  const random = new Random(1);
  for (let cols = 1; cols <= 40; cols++) {
    for (const rows of [1, 2, 3, 7]) {
      const x = random.weighty(rows * cols);
      for (const gap of [0, 3, 8]) {
        for (const rate of [0.1, 0.5, 0.9]) {
          const key = Math.floor(random.next() * 2 ** 32);
          check(x, rows, cols, { key, threshold: thresholdOf(rate), scale: 1 / (1 - rate), gap });
        }
      }
    }
  }
});

test('keys as signed or unsigned numbers', () => {
  const x = new Random(2).weighty(64);
  const threshold = thresholdOf(0.5);
  for (const key of [0, 1, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32 - 1]) {
    check(x, 4, 16, { key, threshold, scale: 2 });
    const [signed] = dropout(x, 4, 16, { key: key | 0, threshold, scale: 2 });
    const [unsigned] = dropout(x, 4, 16, { key: key >>> 0, threshold, scale: 2 });
    assertSameBits(signed!.values, unsigned!.values, `key ${key}`);
  }
});

test('the threshold itself is kept, one below it is dropped', () => {
  for (let key = 1; key <= 50; key++) {
    for (let index = 0; index < 5; index++) {
      const word = randomWord(key, index);
      const x = new Float32Array(5).fill(3);
      const [at] = dropout(x, 1, 5, { key, threshold: word, scale: 1 });
      const [above] = dropout(x, 1, 5, { key, threshold: word + 1, scale: 1 });
      assert.is(at!.values[index], 3, `key ${key}, word ${index} at the threshold`);
      assert.is(above!.values[index], 0, `key ${key}, word ${index} below the threshold`);
    }
  }
});

test('rate 0 keeps all, and the scale is exact', () => {
  for (const scale of [1, 1 / 0.9, 2, 10 / 3]) {
    const x = new Random(3).weighty(999);
    const expected = x.map((v) => v * Math.fround(scale));
    const [answer] = dropout(x, 9, 111, { key: 5, threshold: 0, scale });
    assertSameBits(answer!.values, expected, `scale ${scale}`);
  }
});

test('a rate near 1 drops all, infinities too', () => {
  const x = new Float32Array(64).map((_, i) => (i % 2 ? Number.POSITIVE_INFINITY : Number.NaN));
  const [answer] = dropout(x, 1, 64, { key: 7, threshold: 2 ** 32 - 1, scale: 1 });
  for (const value of answer!.values) assert.is(value, 0);
});

test('the share kept, over all and in each of 256 blocks', () => {
  const count = 1 << 18;
  const block = count / 256;
  for (const rate of [0.1, 0.3, 0.5, 0.9]) {
    for (const key of [0, 1, 12_345, -99]) {
      const kept = mask(key, rate, count);
      const variance = rate * (1 - rate);
      const off = Math.abs(total(kept) - count * (1 - rate)) / Math.sqrt(count * variance);
      assert.ok(off < 4, `rate ${rate}, key ${key}: ${off} standard deviations`);
      let chi2 = 0;
      for (let at = 0; at < count; at += block) {
        chi2 += (total(kept.subarray(at, at + block)) - block * (1 - rate)) ** 2 / (block * variance);
      }
      // 256 degrees of freedom: mean 256, standard deviation 22.6. Too even a mask is as wrong as an uneven one.
      assert.ok(chi2 > 256 - 4 * 22.6 && chi2 < 256 + 4 * 22.6, `rate ${rate}, key ${key}: χ² = ${chi2}`);
    }
  }
});

test('neighbours, rows and keys are independent', () => {
  const count = 1 << 16;
  const independent = (a: Float32Array, b: Float32Array, label: string) => {
    const both = total(a.map((v, i) => v * (b[i] ?? 0)));
    const n = Math.min(a.length, b.length);
    const off = Math.abs(both - n / 4) / Math.sqrt((n * 3) / 16);
    assert.ok(off < 4, `${label}: ${off} standard deviations`);
  };
  for (const key of [0, 1, 77]) {
    const kept = mask(key, 0.5, count);
    for (const distance of [1, 2, 4, 8, 128, 768]) independent(kept, kept.subarray(distance), `${distance} apart`);
    for (const other of [key + 1, key + 2, key ^ 0x8000, ~key]) {
      independent(kept, mask(other, 0.5, count), `keys ${key} and ${other}`);
    }
    assertSameBits(kept, mask(key, 0.5, count), `key ${key} twice`);
  }
});

test('a mask does not depend on the matrix that it is laid over', () => {
  const flat = mask(9, 0.3, 240);
  for (const cols of [1, 3, 5, 8, 12, 40, 120]) {
    for (const gap of [0, 1, 16]) {
      const ones = new Float32Array(240).fill(1);
      const options = { key: 9, threshold: thresholdOf(0.3), scale: 1, gap };
      for (const { values } of dropout(ones, 240 / cols, cols, options)) {
        assertSameBits(values, flat, `${cols} columns, gap ${gap}`);
      }
    }
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
