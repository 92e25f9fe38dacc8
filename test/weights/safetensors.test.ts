/** The safetensors reader and writer: real files, every fault of the format by name, every limit from both sides. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { DTYPE_BYTES } from '../../src/weights/checkpoint.js';
import { decodeSafetensors, encodeSafetensors, MAX_HEADER_BYTES } from '../../src/weights/safetensors.js';
import { decoded, fixture, REAL_CASES, refuses, rewritable, safetensorsFile, sameBytes } from './samples.js';

const test = suite('safetensors');

const read = (header: string | Uint8Array, dataBytes: number, length?: bigint) =>
  decodeSafetensors(safetensorsFile(header, dataBytes, length), 'model.safetensors');
const entry = (name: string, shape: number[], begin: number, end: number, dtype = 'F32') =>
  `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`;

test('real files: names, shapes, metadata, and the very same bytes when written again', () => {
  for (const name of REAL_CASES) {
    const bytes = fixture(`${name}/model.safetensors`);
    const checkpoint = decodeSafetensors(bytes, name);
    assert.is(checkpoint.format, 'safetensors');
    assert.equal(checkpoint.metadata, { format: 'pt' });
    assert.ok(checkpoint.tensors.size >= 20);
    assert.ok(sameBytes(encodeSafetensors(rewritable(checkpoint).reverse(), 'F32', { format: 'pt' }), bytes), name);
  }
});

test('mixed dtypes without metadata', () => {
  const { tensors, metadata } = decodeSafetensors(fixture('tiny/model/expected.safetensors'), 'expected');
  assert.equal(metadata, {});
  assert.is(tensors.get('input.input_ids')?.dtype, 'I64');
  assert.equal(tensors.get('input.input_ids')?.shape, [2, 9]);
  assert.is(tensors.get('f64.last_hidden_state')?.dtype, 'F64');
  assert.is(tensors.get('flax.last_hidden_state')?.dtype, 'F32');
});

test('tensors are views of the file, at any address', () => {
  const file = fixture('tiny/model/model.safetensors');
  const moved = new Uint8Array(file.length + 3).subarray(3);
  moved.set(file);
  for (const [name, tensor] of decodeSafetensors(moved, 'moved').tensors) {
    assert.is(tensor.bytes.buffer, moved.buffer);
    assert.equal(decoded(tensor), decoded(decodeSafetensors(file, 'file').tensors.get(name)!));
  }
});

test('what is written is read: every dtype, scalars, empty tensors, odd names', () => {
  const tensors = [
    { name: 'z', shape: [2, 3], data: Float32Array.of(1, -2, 0.5, 0, -0, 65504) },
    { name: 'scalar', shape: [], data: Float32Array.of(3) },
    { name: 'empty', shape: [4, 0], data: new Float32Array(0) },
    { name: '__proto__', shape: [1], data: Float32Array.of(7) },
    { name: 'constructor', shape: [1], data: Float32Array.of(8) },
    { name: 'quote " slash \\ line \n tab \t é 漢 😀', shape: [1], data: Float32Array.of(9) },
    { name: '', shape: [1], data: Float32Array.of(10) },
    { name: '\uffee', shape: [1], data: Float32Array.of(11) },
  ];
  for (const dtype of ['F32', 'F16', 'BF16'] as const) {
    const metadata = JSON.parse('{"format":"pt","__proto__":"harmless"}');
    const file = encodeSafetensors(tensors, dtype, metadata);
    const checkpoint = decodeSafetensors(file, dtype);
    assert.is(checkpoint.tensors.size, tensors.length);
    assert.is(Object.getPrototypeOf(checkpoint.metadata), Object.prototype);
    assert.equal(Object.entries(checkpoint.metadata), Object.entries(metadata));
    for (const { name, shape, data } of tensors) {
      const tensor = checkpoint.tensors.get(name)!;
      assert.is(tensor.dtype, dtype);
      assert.equal(tensor.shape, shape);
      const expected = dtype === 'BF16' ? data.map((x) => (x === 65504 ? 65536 : x)) : data;
      assert.equal([...decoded(tensor)], [...expected], name);
    }
    const header = Number(new DataView(file.buffer).getBigUint64(0, true));
    assert.is(header % 8, 0);
    // By UTF-8 U+FFEE comes before U+1F600, by UTF-16 after it; here each starts a name of its own.
    const names = [
      ...decodeSafetensors(
        encodeSafetensors(
          ['😀', '\uffee'].map((name) => ({ name, shape: [0], data: new Float32Array() })),
          dtype,
          {},
        ),
        '',
      ).tensors.keys(),
    ];
    assert.equal(names, ['\uffee', '😀']);
  }
});

test('white space, escapes and any order of fields are legal', () => {
  const header = ' { "a\\u002eb" : { "data_offsets" : [ 0 , 4 ] ,\n"shape":[ ],\t"dtype":"\\u0046\\u00332"} } \n';
  assert.equal([...read(header.trimStart(), 4).tensors.keys()], ['a.b']);
  assert.is(read('{}', 0).tensors.size, 0);
  assert.is(read('{"__metadata__":{}}', 0).tensors.size, 0);
});

test('tensors may lie in any order', () => {
  const header = `{${entry('b', [1], 4, 8)},${entry('e', [0], 4, 4)},${entry('a', [1], 0, 4)}}`;
  assert.equal([...read(header, 8).tensors.keys()], ['b', 'e', 'a']);
});

type Fault = readonly [why: string, header: string | Uint8Array, dataBytes: number, ...words: string[]];
const FAULTS: readonly Fault[] = [
  ['not an object', '[]      ', 0, 'header', 'brace'],
  ['white space first', ' {}     ', 0, 'header', 'brace'],
  ['not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 0, 'header', 'UTF-8'],
  ['an object without end', '{"a":', 0, 'an object', 'the end'],
  ['something behind it', '{}{}', 0, 'nothing after'],
  ['NUL padding', '{}\0\0', 0, 'nothing after'],
  ['a trailing comma', `{${entry('a', [], 0, 4)},}`, 4, 'header', 'a string'],
  ['a string without end', '{"a', 0, 'a string that ends'],
  ['an escape without end', '{"a\\', 0, 'a string that ends'],
  ['a bad escape', '{"\\x":1}', 0, 'escapes'],
  ['a lone surrogate', '{"\\ud800":1}', 0, 'escapes'],
  ['a control character', '{"a\n":1}', 0, 'a string that ends'],
  ['a duplicate tensor', `{${entry('a.w', [1], 0, 4)},${entry('a.w', [1], 0, 4)}}`, 4, 'every key once', 'a.w'],
  ['a duplicate by escape', `{${entry('a', [1], 0, 4)},"\\u0061":{}}`, 4, 'every key once', '"a"'],
  ['a duplicate field', '{"a.w":{"dtype":"F32","dtype":"F32"}}', 0, '"a.w"', 'every key once', 'dtype'],
  ['a duplicate metadata key', '{"__metadata__":{"k":"1","k":"2"}}', 0, '__metadata__', 'every key once', '"k"'],
  ['metadata that are no strings', '{"__metadata__":{"k":1}}', 0, '__metadata__.k', 'a string'],
  ['metadata that are no object', '{"__metadata__":"pt"}', 0, '__metadata__', 'an object'],
  ['an entry that is no object', '{"a.w":1}', 0, '"a.w"', 'an object'],
  ['no dtype', '{"a.w":{"shape":[1],"data_offsets":[0,4]}}', 4, '"a.w"', 'no dtype'],
  ['no shape', '{"a.w":{"dtype":"F32","data_offsets":[0,4]}}', 4, '"a.w"', 'no shape'],
  ['no offsets', '{"a.w":{"dtype":"F32","shape":[1]}}', 4, '"a.w"', 'no data_offsets'],
  ['a field unheard of', '{"a.w":{"strides":[1]}}', 4, '"a.w"', 'strides'],
  ['an unknown dtype', `{${entry('a.w', [4], 0, 4, 'F8_E4M3')}}`, 4, '"a.w"', 'F8_E4M3'],
  ['a dtype from the prototype', `{${entry('a.w', [4], 0, 4, 'toString')}}`, 4, '"a.w"', 'toString'],
  ['a negative dimension', `{${entry('a.w', [-1], 0, 4)}}`, 4, 'a.w.shape', '-1'],
  ['a fractional dimension', `{${entry('a.w', [1.5], 0, 4)}}`, 4, 'a.w.shape', '1.5'],
  ['an exponent', '{"a.w":{"shape":[1e0]}}', 4, 'a.w.shape', '1e0'],
  ['a leading zero', '{"a.w":{"shape":[01]}}', 4, 'a.w.shape', '01'],
  ['a dimension past 2^53', '{"a.w":{"shape":[9007199254740993]}}', 4, 'a.w.shape', '9007199254740993'],
  ['a huge dimension', `{"a.w":{"shape":[${'9'.repeat(400)}]}}`, 4, 'a.w.shape', '999'],
  ['a product past 2^53', `{${entry('a.w', [2 ** 30, 2 ** 30], 0, 4)}}`, 4, '"a.w"', 'counted'],
  ['bytes past 2^53', `{${entry('a.w', [2 ** 52], 0, 4)}}`, 4, '"a.w"', 'counted'],
  ['an overflow hidden by a zero', `{${entry('a.w', [2 ** 30, 2 ** 30, 0], 0, 0)}}`, 0, '"a.w"', 'counted'],
  ['too few bytes', `{${entry('a.w', [2, 2], 0, 12)}}`, 12, '"a.w"', '16 bytes', '12'],
  ['too many bytes', `{${entry('a.w', [], 0, 8)}}`, 8, '"a.w"', '4 bytes', '8'],
  ['one offset', '{"a.w":{"dtype":"F32","shape":[],"data_offsets":[0]}}', 4, 'a.w.data_offsets', '[begin, end]'],
  ['three offsets', '{"a.w":{"data_offsets":[0,4,8]}}', 4, 'a.w.data_offsets', 'at most 2'],
  ['offsets swapped', `{${entry('a.w', [1], 4, 0)}}`, 4, '"a.w"', '[4, 0]'],
  ['offsets past the end', `{${entry('a.w', [1], 1, 5)}}`, 4, '"a.w"', '[1, 5]'],
  ['an overlap', `{${entry('a', [2], 0, 8)},${entry('b.w', [2], 4, 12)}}`, 12, '"b.w"', 'an overlap'],
  ['the same bytes twice', `{${entry('a', [1], 0, 4)},${entry('b.w', [1], 0, 4)}}`, 4, '"b.w"', 'an overlap'],
  ['a hole', `{${entry('a', [1], 0, 4)},${entry('b.w', [1], 8, 12)}}`, 12, '"b.w"', 'a hole'],
  ['a hole in front', `{${entry('a.w', [1], 4, 8)}}`, 8, '"a.w"', 'a hole'],
  ['bytes left over', `{${entry('a', [1], 0, 4)}}`, 8, '4 bytes', 'got 8'],
  ['a depth bomb', `{"a":${'['.repeat(100_000)}`, 0, '"a"', 'an object'],
];

test(`each of ${FAULTS.length} faults is refused in words of its own`, () => {
  assert.ok(FAULTS.length >= 46);
  for (const [why, header, dataBytes, ...words] of FAULTS) {
    try {
      refuses(() => read(header, dataBytes), 'ERR_CHECKPOINT', 'model.safetensors', ...words);
    } catch (error) {
      throw new Error(`${why}: ${(error as Error).message}`);
    }
  }
});

test('header lengths that lie', () => {
  for (const length of [0n, 1n, 3n, 2n ** 32n + 2n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])
    refuses(() => read('{}', 0, length), 'ERR_CHECKPOINT', 'header length', `${length}`);
  for (let length = 0; length < 10; length++)
    refuses(() => decodeSafetensors(new Uint8Array(length), 'cut'), 'ERR_CHECKPOINT', 'cut', `${length}`);
});

test('a header of 100 MB is read, and not one byte more', () => {
  const limit = 100_000_000;
  const file = new Uint8Array(8 + limit + 1).fill(0x20);
  file[8] = 0x7b;
  for (const length of [limit - 1, limit, limit + 1]) {
    new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
    file[8 + length - 1] = 0x7d;
    const whole = file.subarray(0, 8 + length);
    if (length <= limit) assert.is(decodeSafetensors(whole, 'large').tensors.size, 0);
    else
      refuses(
        () => decodeSafetensors(whole, 'large'),
        'ERR_CHECKPOINT',
        'header length',
        '2 to 100000000',
        `${length}`,
      );
    file[8 + length - 1] = 0x20;
  }
});

test('limits hold at the last value and fail at the next', () => {
  const tensors = (count: number) => `{${Array.from({ length: count }, (_, i) => entry(`t${i}`, [0], 0, 0))}}`;
  for (const count of [4095, 4096]) assert.is(read(tensors(count), 0).tensors.size, count);
  refuses(() => read(tensors(4097), 0), 'ERR_CHECKPOINT', '4096 tensors', 't4096');

  for (const name of ['n'.repeat(255), 'n'.repeat(256), 'é'.repeat(128)])
    assert.ok(read(`{${entry(name, [0], 0, 0)}}`, 0).tensors.has(name));
  for (const name of ['n'.repeat(257), 'é'.repeat(129), '😀'.repeat(65)])
    refuses(() => read(`{${entry(name, [0], 0, 0)}}`, 0), 'ERR_CHECKPOINT', '256 bytes', name.slice(0, 20));

  for (const rank of [7, 8]) assert.is(read(`{${entry('a', Array(rank).fill(1), 0, 4)}}`, 4).tensors.size, 1);
  refuses(() => read(`{${entry('a', Array(9).fill(1), 0, 4)}}`, 4), 'ERR_CHECKPOINT', 'a.shape', 'at most 8');

  const metadata = (count: number) => `{"__metadata__":{${Array.from({ length: count }, (_, i) => `"${i}":""`)}}}`;
  assert.is(Object.keys(read(metadata(4097), 0).metadata).length, 4097);
  refuses(() => read(metadata(4098), 0), 'ERR_CHECKPOINT', '__metadata__', '4097 members');

  for (const length of [MAX_HEADER_BYTES - 1, MAX_HEADER_BYTES])
    assert.is(read(new Uint8Array(length).fill(0x20).fill(0x7b, 0, 1).fill(0x7d, 1, 2), 0).tensors.size, 0);
  const over = new Uint8Array(MAX_HEADER_BYTES + 1).fill(0x20);
  refuses(() => read(over, 0), 'ERR_CHECKPOINT', 'header length', `${MAX_HEADER_BYTES + 1}`);
});

test('every dtype that is known is sized', () => {
  for (const [dtype, size] of Object.entries(DTYPE_BYTES))
    assert.is(read(`{${entry('a', [3], 0, 3 * size, dtype)}}`, 3 * size).tensors.get('a')?.bytes.length, 3 * size);
});

test('the writer refuses what no reader would take', () => {
  const data = Float32Array.of(1);
  const write = (...tensors: { name: string; shape: number[]; data: Float32Array }[]) =>
    encodeSafetensors(tensors, 'F32', {});
  refuses(() => write({ name: 'a', shape: [2], data }), 'ERR_PARAMETER', '"a"', '2 elements', '1');
  refuses(() => write({ name: 'a', shape: [-1], data }), 'ERR_PARAMETER', '"a"', 'shape');
  refuses(() => write({ name: 'a', shape: Array(9).fill(1), data }), 'ERR_PARAMETER', '"a"', 'rank');
  refuses(
    () => write({ name: 'a', shape: [1], data }, { name: 'a', shape: [1], data }),
    'ERR_PARAMETER',
    '"a"',
    'once',
  );
  refuses(() => write({ name: 'n'.repeat(257), shape: [1], data }), 'ERR_PARAMETER', '256 bytes');
  refuses(() => write({ name: '\ud800', shape: [1], data }), 'ERR_PARAMETER', 'UTF-8');
  refuses(() => write({ name: '__metadata__', shape: [1], data }), 'ERR_PARAMETER', '__metadata__');
  const many = Array.from({ length: 4097 }, (_, i) => ({ name: `t${i}`, shape: [1], data }));
  refuses(() => write(...many), 'ERR_PARAMETER', '4096');
});

test.run();
