/** Stored floats to float32 and back: every pattern of 16 bits, and roundings against a search for the nearest. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { DTYPE_BYTES, decodeFloat32, isFloatDtype, type StoredDtype } from '../../src/weights/checkpoint.js';
import { encodeFloats } from '../../src/weights/tensor-to-write.js';
import { decoded, refuses, sameBytes, seeded } from './samples.js';

const test = suite('decodeFloat32');

const PATTERNS = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** The value of a pattern from the definition of the format, in float64. */
function patternValue(pattern: number, exponentBits: number, mantissaBits: number): number {
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = pattern >>> 15 ? -1 : 1;
  const exponent = (pattern >>> mantissaBits) % 2 ** exponentBits;
  const fraction = (pattern % 2 ** mantissaBits) / 2 ** mantissaBits;
  if (exponent === 2 ** exponentBits - 1) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const FORMATS = [
  ['F16', 5, 10],
  ['BF16', 8, 7],
] as const;

/** The same bytes at an odd address. */
function unaligned(bytes: Uint8Array): Uint8Array {
  const moved = new Uint8Array(bytes.length + 1).subarray(1);
  moved.set(bytes);
  return moved;
}

for (const [dtype, exponentBits, mantissaBits] of FORMATS) {
  test(`${dtype}: all 65,536 patterns by definition, aligned and not, and back again`, () => {
    const aligned = new Uint8Array(PATTERNS.buffer);
    for (const bytes of [aligned, unaligned(aligned)]) {
      const values = decoded({ name: 'x', dtype, shape: [65536], bytes });
      for (let i = 0; i < 65536; i++) {
        const expected = patternValue(i, exponentBits, mantissaBits);
        if (!Object.is(values[i], expected)) assert.is(values[i], expected, `pattern ${i.toString(16)}`);
      }
      const again = new Uint8Array(131072);
      encodeFloats(values, dtype, again);
      assert.ok(sameBytes(again, aligned), 'NaN payloads and signed zeros included');
    }
    assert.ok(sameBytes(aligned, new Uint8Array(PATTERNS.slice().buffer)), 'the source is untouched');
  });

  test(`${dtype}: rounds to nearest, ties to even`, () => {
    const infinity = ((1 << exponentBits) - 1) << mantissaBits;
    // As if the exponents went on: what lies half-way to here is infinite.
    const magnitude = (pattern: number) =>
      pattern === infinity ? 2 ** (2 ** (exponentBits - 1)) : patternValue(pattern, exponentBits, mantissaBits);
    const nearest = (x: number): number => {
      if (x >= magnitude(infinity)) return infinity;
      let [low, high] = [0, infinity];
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        if (magnitude(middle) <= x) low = middle;
        else high = middle;
      }
      const [below, above] = [x - magnitude(low), magnitude(high) - x];
      return below < above || (below === above && low % 2 === 0) ? low : high;
    };
    const bits: number[] = [];
    const float = new Float32Array(1);
    const floatBits = new Uint32Array(float.buffer);
    for (let pattern = 0; pattern < infinity; pattern++) {
      float[0] = (magnitude(pattern) + magnitude(pattern + 1)) / 2; // the tie, and its neighbours
      const tie = floatBits[0] as number;
      for (const near of [tie - 1, tie, tie + 1]) if (near >= 0 && near <= 0x7f800000) bits.push(near);
    }
    const random = seeded(7);
    for (let i = 0; i < 50_000; i++) bits.push(random(0x7f800001));
    assert.ok(bits.length >= 140_000, `${bits.length} cases`);

    const data = new Float32Array(Uint32Array.from(bits).buffer);
    for (const sign of [0, 0x8000]) {
      const signed = sign ? data.map((x) => -x) : data;
      const target = new Uint16Array(data.length);
      encodeFloats(signed, dtype, new Uint8Array(target.buffer));
      for (let i = 0; i < data.length; i++) {
        const expected = sign | nearest(data[i] as number);
        if (target[i] !== expected) assert.is(target[i], expected, `bits ${bits[i]?.toString(16)}`);
      }
    }
  });
}

test('a NaN stays a NaN when its payload does not fit', () => {
  const data = new Float32Array(Uint32Array.of(0x7f800001, 0xff800fff, 0x7f807fff, 0xffffffff).buffer);
  for (const dtype of ['F16', 'BF16'] as const) {
    const bytes = new Uint8Array(8);
    encodeFloats(data, dtype, bytes);
    const values = decoded({ name: 'x', dtype, shape: [4], bytes });
    assert.ok(values.every(Number.isNaN), `${dtype}: ${values}`);
    assert.equal(
      [...bytes].filter((_, i) => i % 2 === 1).map((byte) => byte >>> 7),
      [0, 1, 0, 1],
      'signs',
    );
  }
});

test('F32 is copied bit for bit, F64 rounds as Math.fround does', () => {
  const random = seeded(3);
  const floats = Uint32Array.from({ length: 10_000 }, () => random(2 ** 32));
  const values = decoded({
    name: 'x',
    dtype: 'F32',
    shape: [10_000],
    bytes: unaligned(new Uint8Array(floats.buffer)),
  });
  assert.ok(sameBytes(new Uint8Array(values.buffer), new Uint8Array(floats.buffer)));

  const doubles = Float64Array.from({ length: 10_000 }, () => (random(2 ** 32) - 2 ** 31) * 2 ** (random(400) - 200));
  const rounded = decoded({
    name: 'x',
    dtype: 'F64',
    shape: [10_000],
    bytes: unaligned(new Uint8Array(doubles.buffer)),
  });
  assert.equal(rounded, Float32Array.from(doubles, Math.fround));
});

test('a target inside larger memory, shared or not, is filled and nothing beside it', () => {
  for (const memory of [new ArrayBuffer(64), new SharedArrayBuffer(64)]) {
    new Uint8Array(memory).fill(0xee);
    const bytes = Uint8Array.of(0, 0x3c, 0, 0x40, 1, 0); // 1, 2 and the least subnormal
    decodeFloat32({ name: 'x', dtype: 'F16', shape: [3], bytes }, new Float32Array(memory, 12, 3));
    assert.equal([...new Float32Array(memory, 12, 3)], [1, 2, 2 ** -24]);
    const guards = [...new Uint8Array(memory, 0, 12), ...new Uint8Array(memory, 24)];
    assert.ok(guards.every((byte) => byte === 0xee));
  }
});

test('zero elements are legal', () => {
  for (const dtype of ['F64', 'F32', 'F16', 'BF16'] as const)
    assert.is(decoded({ name: 'x', dtype, shape: [0, 3], bytes: new Uint8Array(0) }).length, 0);
});

test('other dtypes and targets of another length are refused', () => {
  let others = 0;
  for (const dtype of Object.keys(DTYPE_BYTES) as StoredDtype[]) {
    const tensor = { name: 'a.weight', dtype, shape: [2], bytes: new Uint8Array(2 * DTYPE_BYTES[dtype]) };
    if (isFloatDtype(dtype))
      refuses(() => decodeFloat32(tensor, new Float32Array(3)), 'ERR_PARAMETER', 'a.weight', '3');
    else {
      others++;
      refuses(() => decodeFloat32(tensor, new Float32Array(2)), 'ERR_PARAMETER', 'a.weight', dtype);
    }
  }
  assert.is(others, 9);
});

test.run();
