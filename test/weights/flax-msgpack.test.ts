/** The Flax reader and writer: real files, an independent msgpack library, every fault by name, every limit. */
import { ExtData, encode as encodeMsgpack } from '@msgpack/msgpack';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NUMPY_NAMES } from '../../src/weights/flax-format.js';
import { decodeFlaxMsgpack, encodeFlaxMsgpack } from '../../src/weights/flax-msgpack.js';
import { decodeSafetensors } from '../../src/weights/safetensors.js';
import { decoded, fixture, REAL_CASES, refuses, rewritable, sameBytes, seeded } from './samples.js';

const test = suite('flax msgpack');

/** A file of any tree, right or wrong, as another implementation writes it. */
const pack = (tree: unknown) => new Uint8Array(encodeMsgpack(tree, { maxDepth: 1000 }));
const read = (tree: unknown) => decodeFlaxMsgpack(tree instanceof Uint8Array ? tree : pack(tree), 'flax_model.msgpack');
const extension = (payload: unknown, type = 1) => new ExtData(type, pack(payload));
const array = (shape: number[], dtype = 'float32', bytes = 4 * shape.reduce((a, b) => a * b, 1), type = 1) =>
  extension([shape, dtype, new Uint8Array(bytes).fill(1)], type);
const chunked = (members: object) => ({ a: { b: { __msgpack_chunked_array__: true, ...members } } });

test('real files: the very same bytes when written again', () => {
  for (const name of REAL_CASES) {
    const bytes = fixture(`${name}/flax_model.msgpack`);
    const checkpoint = decodeFlaxMsgpack(bytes, name);
    assert.is(checkpoint.format, 'flax_msgpack');
    assert.equal(checkpoint.metadata, {});
    for (const tensor of checkpoint.tensors.values())
      assert.is(tensor.bytes.buffer, bytes.buffer, 'a view of the file');
    assert.ok(sameBytes(encodeFlaxMsgpack(rewritable(checkpoint), 'F32'), bytes), name);
  }
});

test('the same case holds the same numbers in both formats: kernels are transposed weights', () => {
  const word: Record<string, string> = { kernel: 'weight', scale: 'weight', embedding: 'weight' };
  let compared = 0;
  for (const name of REAL_CASES) {
    const flax = decodeFlaxMsgpack(fixture(`${name}/flax_model.msgpack`), name).tensors;
    const torch = decodeSafetensors(fixture(`${name}/model.safetensors`), name).tensors;
    for (const [path, tensor] of flax) {
      const keys = path.split('/');
      const leaf = keys.pop() as string;
      const other = torch.get([...keys, word[leaf] ?? leaf].join('.'));
      assert.ok(other, `${name}: ${path}`);
      const [a, b] = [decoded(tensor), decoded(other)];
      if (leaf !== 'kernel') {
        assert.equal(tensor.shape, other.shape);
        assert.ok(sameBytes(new Uint8Array(a.buffer), new Uint8Array(b.buffer)), path);
      } else {
        const [rows, columns] = tensor.shape as [number, number];
        assert.equal([columns, rows], other.shape);
        for (let i = 0; i < a.length; i++)
          if (a[i] !== b[(i % columns) * rows + Math.floor(i / columns)]) assert.unreachable(`${path} differs at ${i}`);
      }
      compared++;
    }
  }
  assert.ok(compared >= 140, `${compared} tensors`);
});

test('an independent library writes what this one reads', () => {
  let tensors = 0;
  for (const [dtype, name] of Object.entries(NUMPY_NAMES)) {
    const size = { 8: 1, 16: 2, 32: 4, 64: 8 }[name.match(/\d+/)?.[0] ?? '8'] as number;
    for (const shape of [[], [0], [1], [3], [200], [2, 3], [40_000], [1, 2, 3, 4, 5, 1, 2, 1]]) {
      const tree = { outer: { [name]: array(shape, name, size * shape.reduce((a, b) => a * b, 1)) } };
      const tensor = read(tree).tensors.get(`outer/${name}`)!;
      assert.is(tensor.dtype, dtype);
      assert.equal(tensor.shape, shape);
      assert.ok(tensor.bytes.every((byte) => byte === 1));
      tensors++;
    }
  }
  assert.is(tensors, 13 * 8);
  assert.equal(read({ scalar: array([], 'float32', 4, 3) }).tensors.get('scalar')?.shape, []);
  assert.is(read({ empty: {}, a: { b: {} } }).tensors.size, 0);
});

test('this one writes to the byte what an independent library writes', () => {
  const random = seeded(11);
  let cases = 0;
  for (let round = 0; round < 60; round++, cases++) {
    const tree: Record<string, Record<string, ExtData>> = {};
    const tensors = [];
    for (let i = 0; i < 1 + random(20); i++) {
      const [outer, inner] = [`group ${'x'.repeat(random(60))}`, `${'é'.repeat(random(40))}${i}e`];
      const shape = Array.from({ length: random(4) }, () => random(300) * random(2));
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) % 90_000 }, () => random(1000));
      const fitting = [data.length];
      (tree[outer] ??= {})[inner] = extension([fitting, 'float32', new Uint8Array(data.buffer)]);
      tensors.push({ name: `${outer}/${inner}`, shape: fitting, data });
    }
    assert.ok(sameBytes(encodeFlaxMsgpack(tensors, 'F32'), pack(tree)), `round ${round}`);
  }
  assert.is(cases, 60);
  // Heads of maps, names and dimensions of every width.
  for (const count of [15, 16, 1000]) {
    const names = Array.from({ length: count }, (_, i) => `n${i}`);
    const shape = [0, 127, 128, 255, 256, 65536, 2 ** 20];
    const tensors = names.map((name) => ({ name, shape, data: new Float32Array(0) }));
    const tree = Object.fromEntries(names.map((name) => [name, extension([shape, 'float32', new Uint8Array(0)])]));
    assert.ok(sameBytes(encodeFlaxMsgpack(tensors, 'F32'), pack(tree)));
  }
});

test('what is written is read: F16 and BF16, keys that objects would reorder or lose', () => {
  const names = ['10/x', '2/x', '2/__proto__', '__proto__/y', 'constructor', '', 'toString/valueOf'];
  const data = Float32Array.of(1, -0, 0.333251953125, 65504);
  for (const dtype of ['F32', 'F16', 'BF16'] as const) {
    const { tensors } = decodeFlaxMsgpack(
      encodeFlaxMsgpack(
        names.map((name) => ({ name, shape: [2, 2], data })),
        dtype,
      ),
      dtype,
    );
    assert.equal([...tensors.keys()], names);
    for (const tensor of tensors.values()) {
      assert.is(tensor.dtype, dtype);
      const expected = dtype === 'BF16' ? [1, -0, 0.333984375, 65536] : [...data];
      assert.equal([...decoded(tensor)], expected);
    }
  }
});

test('arrays past the limit are written in chunks and joined again', () => {
  const data = Float32Array.from({ length: 105 }, (_, i) => i);
  const tensors = [
    { name: 'a/large', shape: [15, 7], data },
    { name: 'a/small', shape: [16], data: data.subarray(0, 16) },
  ];
  const file = encodeFlaxMsgpack(tensors, 'F32', 64);
  const chunk = (i: number) => {
    const part = new Uint8Array(data.slice(i * 16, (i + 1) * 16).buffer);
    return extension([[part.length / 4], 'float32', part]);
  };
  const chunks = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [String(i), chunk(i)]));
  const large = { __msgpack_chunked_array__: true, shape: { 0: 15, 1: 7 }, chunks };
  const small = extension([[16], 'float32', new Uint8Array(data.slice(0, 16).buffer)]);
  assert.ok(sameBytes(file, pack({ a: { large, small } })), 'as flax.serialization lays it out');
  const checkpoint = decodeFlaxMsgpack(file, 'chunked');
  assert.equal([...checkpoint.tensors.keys()], ['a/large', 'a/small']);
  assert.equal(checkpoint.tensors.get('a/large')?.shape, [15, 7]);
  assert.equal(decoded(checkpoint.tensors.get('a/large')!), data);

  for (const dtype of ['F16', 'BF16'] as const)
    for (const limit of [1, 2, 3, 100, 209, 210]) {
      const again = decodeFlaxMsgpack(encodeFlaxMsgpack(tensors, dtype, limit), dtype).tensors.get('a/large')!;
      assert.equal(decoded(again), data, `${dtype} by ${limit} bytes`);
    }
});

const SHAPE = { shape: { 0: 2 } };
const FAULTS: readonly (readonly [why: string, tree: unknown, ...words: string[]])[] = [
  ['no tree', 7, 'tree', 'integer'],
  ['a bare array', array([1]), 'tree', 'extension'],
  ['a list', [array([1])], 'tree', 'array'],
  ['a list inside', { a: { b: [array([1])] } }, '"a/b"', 'an array'],
  ['a native number', { a: { step: 3 } }, '"a/step"', 'integer'],
  ['a native float', { a: { rate: 0.5 } }, '"a/rate"', 'float'],
  ['a native string', { a: { b: 'x' } }, '"a/b"', 'string'],
  ['native bytes', { a: { b: new Uint8Array(3) } }, '"a/b"', 'binary'],
  ['None', { a: { b: null } }, '"a/b"', 'nil'],
  ['a boolean', { a: { b: true } }, '"a/b"', 'true'],
  ['a complex number', { a: { b: extension([1, 2], 2) } }, '"a/b"', 'a complex number'],
  ['a timestamp', { a: { b: new Date(0) } }, '"a/b"', 'extension -1'],
  ['an unknown extension', { a: { b: extension([], 9) } }, '"a/b"', 'extension 9'],
  ['a scalar with a shape', { a: { b: array([1], 'float32', 4, 3) } }, '"a/b"', 'rank 0'],
  ['a payload that is no array', { a: { b: extension('x') } }, '"a/b"', '[shape, dtype, values]'],
  ['a payload of two', { a: { b: extension([[1], 'float32']) } }, '"a/b"', '[shape, dtype, values]'],
  ['an empty payload', { a: { b: new ExtData(1, new Uint8Array(0)) } }, '"a/b"', '1 more bytes'],
  ['a shape that is a number', { a: { b: extension([1, 'float32', new Uint8Array(4)]) } }, '"a/b"', 'a shape'],
  ['a shape of strings', { a: { b: extension([['1'], 'float32', new Uint8Array(4)]) } }, '"a/b"', 'integers'],
  ['a negative dimension', { a: { b: extension([[-1], 'float32', new Uint8Array(4)]) } }, '"a/b"', '[-1]'],
  ['bytes past 2^53', { a: { b: extension([[2 ** 52], 'float32', new Uint8Array(4)]) } }, '"a/b"', 'counted'],
  ['a product past 2^53', { a: { b: extension([[2 ** 30, 2 ** 30], 'int8', new Uint8Array(4)]) } }, '"a/b"', 'counted'],
  ['an unknown dtype', { a: { b: array([1], 'complex64', 8) } }, '"a/b"', 'complex64'],
  ['a dtype from the prototype', { a: { b: array([1], 'toString') } }, '"a/b"', 'toString'],
  ['a dtype as bytes', { a: { b: extension([[1], new Uint8Array(1), new Uint8Array(4)]) } }, '"a/b"', 'binary'],
  ['values as a string', { a: { b: extension([[1], 'float32', 'xxxx']) } }, '"a/b"', 'binary data'],
  ['too few bytes', { a: { b: array([2, 2], 'float32', 12) } }, '"a/b"', '16 bytes', '12'],
  ['too many bytes', { a: { b: array([2], 'float16', 5) } }, '"a/b"', '4 bytes', '5'],
  ['one name by two paths', { a: { b: array([1]) }, 'a/b': array([1]) }, '"a/b"', 'once'],
  ['a chunked array of two members', chunked(SHAPE), '"a/b"', '2 members'],
  ['a chunked array unmarked', { a: { __msgpack_chunked_array__: false, ...SHAPE, chunks: {} } }, '"a"', 'chunks'],
  ['chunks before shape', chunked({ chunks: { 0: array([2]) }, ...SHAPE }), '"a/b"', 'shape'],
  ['a shape as a list', chunked({ shape: [2], chunks: { 0: array([2]) } }), '"a/b"', 'shape as a map'],
  ['chunks as a list', chunked({ ...SHAPE, chunks: [array([2])] }), '"a/b"', 'chunks as a map'],
  ['no chunks', chunked({ ...SHAPE, chunks: {} }), '"a/b"', 'one chunk'],
  ['a chunk left out', chunked({ ...SHAPE, chunks: { 0: array([1]), 2: array([1]) } }), '"a/b"', '"1" next'],
  ['chunks of two dtypes', chunked({ ...SHAPE, chunks: { 0: array([1]), 1: array([1], 'int32') } }), '"a/b"', 'I32'],
  ['a chunk of rank 2', chunked({ ...SHAPE, chunks: { 0: array([1, 2]) } }), '"a/b"', 'rank 1'],
  ['a chunk that is a map', chunked({ ...SHAPE, chunks: { 0: {} } }), '"a/b"', 'map'],
  ['chunks that fall short', chunked({ ...SHAPE, chunks: { 0: array([1]) } }), '"a/b"', '8 bytes'],
  ['a dimension that is no number', chunked({ shape: { 0: 'x' }, chunks: { 0: array([1]) } }), '"a/b"', 'integers'],
  ['a tree that is one chunked array', { __msgpack_chunked_array__: true, ...SHAPE, chunks: {} }, 'chunked', 'true'],
];

/** Files that no library writes, byte by byte. */
const X = 0x78;
const INT8 = [0xa4, 0x69, 0x6e, 0x74, 0x38];
const RAW_FAULTS: readonly (readonly [why: string, bytes: number[], ...words: string[]])[] = [
  ['nothing', [], 'tree', '1 more'],
  ['a map cut short', [0x81], 'tree', '2 bytes or more'],
  ['a map of 2^32 - 1', [0xdf, 255, 255, 255, 255, 0xa1, X], 'tree', '8589934590 bytes'],
  ['a map of 2^16 - 1', [0xde, 255, 255, 0xa1, X], 'tree', '131070 bytes'],
  ['a map head cut short', [0xdf, 255], 'tree', '4 more bytes'],
  ['an array of 2^32 - 1', [0x81, 0xa1, X, 0xdd, 255, 255, 255, 255], '"x"', '4294967295 bytes'],
  ['a string of 2^32 - 1', [0x81, 0xdb, 255, 255, 255, 255], 'tree', '4294967295 more bytes'],
  ['binary data of 2^32 - 1', [0x81, 0xa1, X, 0xc6, 255, 255, 255, 255], '"x"', '4294967295 more bytes'],
  ['an extension of 2^32 - 1', [0x81, 0xa1, X, 0xc9, 255, 255, 255, 255, 1], '"x"', '4294967295 more bytes'],
  ['a reserved byte', [0x81, 0xa1, X, 0xc1], '"x"', '0xc1'],
  ['a float of four bytes', [0x81, 0xa1, X, 0xca, 0x3f, 0, 0, 0], '"x"', 'float'],
  ['a float cut short', [0x81, 0xa1, X, 0xca, 0x3f], '"x"', '4 more bytes'],
  ['a key that is a number', [0x81, 0x01, 0x80], 'tree', 'keys that are strings'],
  ['a key that is not UTF-8', [0x81, 0xa1, 0xff, 0x80], 'tree', 'UTF-8'],
  ['a key twice', [0x82, 0xa1, X, 0x80, 0xa1, X, 0x80], 'every key once', '"x"'],
  ['something behind the tree', [0x80, 0x80], 'nothing after', '1 bytes'],
  ['values left out', [0x81, 0xa1, X, 0xd7, 1, 0x93, 0x91, 0, ...INT8], '"x"', '1 more bytes'],
  [
    'something behind the values',
    [0x81, 0xa1, X, 0xc7, 11, 1, 0x93, 0x91, 0, ...INT8, 0xc4, 0, 0x80],
    '"x"',
    '1 bytes',
  ],
  [
    'a dimension past 2^53',
    [0x81, 0xa1, X, 0xc7, 18, 1, 0x93, 0x91, 0xcf, 0, 32, 0, 0, 0, 0, 0, 1, ...INT8, 0xc4, 0],
    '"x"',
    'counted',
  ],
  [
    'a dimension of -2^63',
    [0x81, 0xa1, X, 0xc7, 18, 1, 0x93, 0x91, 0xd3, 128, 0, 0, 0, 0, 0, 0, 0, ...INT8, 0xc4, 0],
    '"x"',
    'counted',
  ],
  ['a rank of 2^32 - 1', [0x81, 0xa1, X, 0xd7, 1, 0x93, 0xdd, 255, 255, 255, 255, 0, 0], '"x"', 'bytes or more'],
];

test(`each of ${FAULTS.length + RAW_FAULTS.length} faults is refused in words of its own`, () => {
  assert.ok(FAULTS.length >= 42 && RAW_FAULTS.length >= 21);
  const files = [
    ...FAULTS.map(([why, tree, ...words]) => ({ why, bytes: pack(tree), words })),
    ...RAW_FAULTS.map(([why, bytes, ...words]) => ({ why, bytes: Uint8Array.from(bytes), words })),
  ];
  for (const { why, bytes, words } of files) {
    try {
      refuses(() => read(bytes), 'ERR_CHECKPOINT', 'flax_model.msgpack', ...words);
    } catch (error) {
      throw new Error(`${why}: ${(error as Error).message}`);
    }
  }
});

test('limits hold at the last value and fail at the next', () => {
  const nested = (depth: number): unknown => (depth === 0 ? array([1]) : { k: nested(depth - 1) });
  for (const depth of [15, 16]) assert.is(read(nested(depth)).tensors.size, 1);
  refuses(() => read(nested(17)), 'ERR_CHECKPOINT', '16 nested maps');

  const tensors = (count: number) => ({
    a: Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, array([0])])),
  });
  for (const count of [4095, 4096]) assert.is(read(tensors(count)).tensors.size, count);
  refuses(() => read(tensors(4097)), 'ERR_CHECKPOINT', '4096 tensors', 'a/t4096');

  for (const size of [255, 256]) assert.ok(read({ a: { ['n'.repeat(size - 2)]: array([1]) } }));
  refuses(() => read({ a: { ['n'.repeat(255)]: array([1]) } }), 'ERR_CHECKPOINT', '256 bytes', 'a/nnn');
  refuses(() => read({ ['é'.repeat(129)]: array([1]) }), 'ERR_CHECKPOINT', '256 bytes');
  refuses(() => read({ ['n'.repeat(257)]: {} }), 'ERR_CHECKPOINT', '256 bytes');

  for (const rank of [7, 8]) assert.is(read({ a: array(Array(rank).fill(1)) }).tensors.size, 1);
  refuses(() => read({ a: array(Array(9).fill(1)) }), 'ERR_CHECKPOINT', '"a"', '8 dimensions');

  const empties = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, {}]));
  for (const count of [65_535, 65_536]) assert.is(read(empties(count)).tensors.size, 0);
  refuses(() => read(empties(65_537)), 'ERR_CHECKPOINT', '65536 keys');
});

test('depth bombs of four megabytes are refused at once', () => {
  const bombs = [[0x91], [0x81, 0xa0], [0x81], [0xdc, 0, 1], [0xdf, 0, 0, 0, 1, 0xa0]];
  for (const pattern of bombs) {
    const bomb = Uint8Array.from({ length: 4_000_000 }, (_, i) => pattern[i % pattern.length] as number);
    refuses(() => read(bomb), 'ERR_CHECKPOINT');
    const inside = Uint8Array.of(0x81, 0xa1, X, 0xc9, 0, 0x3d, 9, 0, 1);
    const file = new Uint8Array(inside.length + bomb.length);
    file.set(inside);
    file.set(bomb, inside.length);
    refuses(() => read(file), 'ERR_CHECKPOINT', '"x"');
  }
});

test('the writer refuses what no reader would take', () => {
  const data = Float32Array.of(1);
  const write = (...names: string[]) =>
    encodeFlaxMsgpack(
      names.map((name) => ({ name, shape: [1], data })),
      'F32',
    );
  refuses(() => write('a/b', 'a/b'), 'ERR_PARAMETER', 'a/b', 'once');
  refuses(() => write('a', 'a/b'), 'ERR_PARAMETER', 'a/b', 'a tensor');
  refuses(() => write('a/b', 'a'), 'ERR_PARAMETER', '"a"', 'a map');
  assert.ok(write(Array(16).fill('k').join('/')));
  refuses(() => write(Array(17).fill('k').join('/')), 'ERR_PARAMETER', '16 keys');
  refuses(() => encodeFlaxMsgpack([{ name: 'a', shape: [2], data }], 'F32'), 'ERR_PARAMETER', '"a"', '2 elements');
});

test.run();
