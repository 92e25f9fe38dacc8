/** What PyTorch's files may not hold is refused: by its name, early, whatever it promises. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readPytorch } from '../../src/weights/pytorch/read.js';
import {
  type Python,
  pickle,
  stateDict,
  type TorchTensor,
  tensorObject,
  torchOlder,
  torchZip,
  zip,
} from './pytorch-files.js';
import { openFile, rejects, seeded } from './samples.js';

const test = suite('invalid PyTorch files');

const NAME = 'pytorch_model.bin';

const random = seeded(1);
const bytesFrom = (count: number) => Uint8Array.from({ length: count }, () => random(256));

const tensorsOf = async (file: Uint8Array) => (await readPytorch(file, NAME)).tensors;

/** From memory and in pieces alike. */
const refused = async (file: Uint8Array, ...words: string[]) => {
  await rejects(readPytorch(file, NAME), 'ERR_CHECKPOINT', NAME, ...words);
  await rejects(readPytorch(openFile(file), NAME), 'ERR_CHECKPOINT', NAME, ...words);
};

const W = { name: 'w', storage: { key: '0', dtype: 'F32', bytes: bytesFrom(24) }, shape: [2, 3] } as const;
const object = (value: Python, protocol?: number) => torchZip([W], value, protocol);
const raw = (...opcodes: number[]) => object({ raw: opcodes });

test('a pickle that would run code is refused by the name that it asks for', async () => {
  const names = [
    'os system',
    'builtins eval',
    'posix system',
    'torch load',
    'transformers.modeling_albert AlbertModel',
  ];
  for (const name of [
    ...names,
    'numpy.core.multiarray _reconstruct',
    'torch._utils _rebuild_qtensor',
    'collections Counter',
  ]) {
    const shown = name.replace(' ', '.');
    for (const protocol of [2, 4]) {
      await refused(object({ call: { global: name }, args: ['echo'] }, protocol), shown);
      await refused(
        object(
          {
            dict: [
              ['w', tensorObject(W)],
              ['x', { global: name }],
            ],
          },
          protocol,
        ),
        shown,
      );
      await refused(torchOlder([W], { call: { global: name }, args: [] }, { protocol }), shown);
    }
  }
  await refused(object({ global: 'torch\u001b[31m x' }), 'torch\\u001b[31m.x');
  // What is known, but no function.
  await refused(object({ call: { global: 'torch FloatStorage' }, args: [1] }), 'torch.FloatStorage');
  await refused(object({ call: 'w', args: [] }), 'a function that rebuilds tensors', 'a string');
  await refused(
    object({ call: { global: 'collections OrderedDict' }, args: [{ list: [] }] }),
    'arguments of collections',
  );
  await refused(
    object({ call: { global: 'torch._utils _rebuild_tensor_v2' }, args: [1, 2] }),
    'arguments of torch._utils',
  );
  await refused(object({ call: { global: 'torch._utils _rebuild_parameter' }, args: [null] }), '(None)');
  await refused(object({ call: { global: 'torch Size' }, args: [2] }), 'torch.Size');
});

test('opcodes that PyTorch does not write, and a stack that does not hold what they take', async () => {
  // INST, OBJ, NEWOBJ, EXT1, PERSID, POP, DUP, INT, UNICODE, BYTEARRAY8, NEXT_BUFFER.
  for (const opcode of [0x69, 0x6f, 0x81, 0x82, 0x50, 0x30, 0x32, 0x49, 0x56, 0x96, 0x97]) {
    await refused(raw(opcode), `0x${opcode.toString(16)}`, 'byte 2');
  }
  for (const opcode of [0x52, 0x62, 0x61, 0x73, 0x51, 0x85, 0x93, 0x2e]) await refused(raw(opcode), 'on the stack');
  for (const opcode of [0x74, 0x75, 0x65]) await refused(raw(opcode), 'a mark');
  await refused(raw(0x71, 0), 'on the stack');
  await refused(raw(0x68, 9), 'remembered', '9');
  await refused(raw(0x6a, 255, 255, 255, 255), 'remembered', '4294967295');
  await refused(raw(0x4e, 0x4e), 'one value at its end');
  await refused(raw(0x28, 0x4e), 'one value at its end');
  await refused(raw(0x7d, 0x28, 0x4e, 0x75), 'a value for each key');
  await refused(raw(0x4e, 0x4e, 0x61), 'a list to append to', 'None');
  await refused(raw(0x4e, 0x4e, 0x4e, 0x73), 'a dict to add to');
  await refused(raw(0x4e, 0x4e, 0x62), 'attributes of a dict');
  await refused(raw(0x4e, 0x4e, 0x93), 'a name of two strings', 'None and None');
  await refused(raw(0x4e, 0x51), 'storage', 'None');
  await refused(raw(0x58, 1, 0, 0, 0, 0xff), 'valid UTF-8');
  await refused(raw(0x58, 255, 255, 255, 255, 0x61), 'a whole pickle');
  await refused(raw(0x8d, 255, 255, 255, 255, 255, 255, 255, 255), 'a whole pickle');
  await refused(raw(0x63, 0x61, 0x61), 'a whole pickle');
  await refused(zip([{ name: 'a/data.pkl', bytes: Uint8Array.of(0x80, 6, 0x7d, 0x2e) }]), 'protocol 5', '6');
  for (const value of [
    null,
    1,
    'a',
    { list: [] },
    { dict: [] },
    { dict: [['state_dict', { dict: [] }]] },
  ] as Python[]) {
    await refused(object(value), 'a dict of tensors');
  }
  await refused(
    object({
      dict: [
        ['w', tensorObject(W)],
        ['w', tensorObject(W)],
      ],
    }),
    'every key once',
    '"w"',
  );
});

test('bombs end early: operations, depth, memo, tuples of tuples, long names, many tensors, a pickle of 16 MiB', async () => {
  const many = (count: number, ...opcodes: number[]) => {
    const bytes = new Uint8Array(count * opcodes.length + 3);
    bytes.set([0x80, 2]);
    for (let i = 0; i < count; i++) bytes.set(opcodes, 2 + i * opcodes.length);
    bytes[bytes.length - 1] = 0x2e;
    return bytes;
  };
  const started = performance.now();
  const bombs: [bytes: Uint8Array, ...words: string[]][] = [
    [many(600_000, 0x5d), '524288 operations'],
    [many(600_000, 0x28), '524288 operations'],
    [many(300_000, 0x4e, 0x71, 1), '524288 operations'],
    [many(400_000, 0x5d, 0x94), '524288 operations'],
    [many(400_000, 0x28), 'on the stack'],
    [many(1000, 0x85), 'on the stack'],
    // Sixty tuples, each of eight times the last: 8^60 when written out.
    [
      Uint8Array.from([
        0x80,
        2,
        0x4e,
        ...Array.from({ length: 60 }, () => [0x71, 0, 0x28, ...Array(8).fill([0x68, 0]).flat(), 0x74]).flat(),
        0x51,
        0x2e,
      ]),
      'storage',
    ],
    [new Uint8Array(2 ** 24 + 1), '16777216 bytes'],
  ];
  for (const [bytes, ...words] of bombs) {
    await rejects(readPytorch(pickled(bytes), NAME), 'ERR_CHECKPOINT', ...words);
  }
  const short = { ...W.storage, bytes: new Uint8Array(4) };
  const crowd = Array.from({ length: 4097 }, (_, i) => ({ name: `t${i}`, storage: short, shape: [1] }));
  await refused(torchZip(crowd), '4096 tensors', 't4096');
  await refused(torchZip([{ ...W, name: 'n'.repeat(257) }]), '256 bytes');
  assert.is((await tensorsOf(torchZip([{ ...W, name: 'n'.repeat(256) }]))).size, 1);
  assert.is((await tensorsOf(torchZip(crowd.slice(1)))).size, 4096);
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds < 60, `${seconds} s`);
});

/** An archive around a pickle, made without spreading it. */
function pickled(bytes: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode('a/data.pkl');
  const file = new Uint8Array(30 + name.length + bytes.length + 46 + name.length + 22);
  const view = new DataView(file.buffer);
  const end = 30 + name.length + bytes.length;
  view.setUint32(0, 0x04034b50, true);
  view.setUint16(26, name.length, true);
  file.set(name, 30);
  file.set(bytes, 30 + name.length);
  view.setUint32(end, 0x02014b50, true);
  view.setUint32(end + 20, bytes.length, true);
  view.setUint32(end + 24, bytes.length, true);
  view.setUint16(end + 28, name.length, true);
  file.set(name, end + 46);
  const last = end + 46 + name.length;
  view.setUint32(last, 0x06054b50, true);
  view.setUint16(last + 10, 1, true);
  view.setUint32(last + 12, 46 + name.length, true);
  view.setUint32(last + 16, end, true);
  return file;
}

test('tensors outside of their storages, with wrong numbers, over storages that are not there', async () => {
  type Changes = Partial<Omit<TorchTensor, 'storage'>> & { readonly storage?: Partial<TorchTensor['storage']> };
  const wrong: [changes: Changes, ...words: string[]][] = [
    [{ shape: [7] }, '"w"', 'elements below 6', '6'],
    [{ offset: 1 }, 'elements below 6', '6'],
    [{ offset: 6, shape: [1] }, 'elements below 6'],
    [{ shape: [2, 3], strides: [4, 1] }, 'elements below 6'],
    [{ shape: [2, 3], strides: [1, 3] }, 'elements below 6', '7'],
    [{ strides: [2 ** 53 - 1, 1] }, 'elements below 6'],
    [{ shape: [2 ** 40, 2 ** 40] }, 'counted'],
    [{ shape: [2 ** 52], strides: [0] }, 'counted'],
    [{ shape: [-1] }, 'a shape of at most 8'],
    [{ shape: [1.5] }, 'a shape of at most 8'],
    [{ shape: Array(9).fill(1) }, 'a shape of at most 8'],
    [{ strides: [-3, 1] }, 'strides of at most 8'],
    [{ strides: [1] }, '2 strides', '1'],
    [{ offset: -1 }, 'an offset'],
    [{ offset: 0.5 }, 'an offset'],
    [{ storage: { count: 7 }, shape: [7] }, '28 bytes of storage 0'],
    [{ storage: { count: 2 ** 53 - 1 }, shape: [2 ** 20, 2 ** 20] }, 'bytes of storage 0'],
    [{ storage: { count: -6 } }, 'a count of elements', '-6'],
    [{ storage: { count: 1.5 } }, 'a count of elements'],
    [{ storage: { count: -(2 ** 40) } }, 'a count of elements', '-1099511627776'],
    [{ storage: { type: 'torch float32' } }, 'a class of storages', 'torch.float32'],
    [{ storage: { type: 'torch ComplexFloatStorage' } }, 'torch.ComplexFloatStorage'],
  ];
  for (const [{ storage, ...changes }, ...words] of wrong) {
    await refused(torchZip([{ ...W, ...changes, storage: { ...W.storage, ...storage } } as TorchTensor]), ...words);
  }
  const names = { dict: [['w', tensorObject({ ...W, storage: { ...W.storage, key: 'gone' } })]] } as Python;
  await refused(torchZip([W], names), 'the storage gone', 'none');
  const twice = {
    dict: [
      ['w', tensorObject(W)],
      ['x', tensorObject({ ...W, storage: { ...W.storage, dtype: 'I32' } })],
    ],
  } as Python;
  await refused(torchZip([W], twice), '6 elements of F32 in storage 0', '6 of I32');
  const part = {
    dict: [
      [
        'w',
        {
          call: { global: 'torch._utils _rebuild_tensor_v2' },
          args: [
            {
              persistent: {
                tuple: ['storage', { global: 'torch FloatStorage' }, '0', 'cpu', 6, { tuple: ['1', 0, 6] }],
              },
            },
            0,
            { tuple: [6] },
            { tuple: [1] },
          ],
        },
      ],
    ],
  } as Python;
  await refused(torchZip([W], part), 'a part of another');
});

test('archives: compressed, encrypted, twice, overlapping, records that disagree, other archives', async () => {
  const data = { name: 'archive/data.pkl', bytes: pickle(stateDict([W])) };
  const record = { name: 'archive/data/0', bytes: W.storage.bytes };
  assert.is((await tensorsOf(zip([data, record], true))).size, 1, 'records of 64 bits');
  assert.is((await tensorsOf(zip([data, { ...record, flags: 0x808, padding: 50 }]))).size, 1, 'as PyTorch writes');
  await refused(zip([{ ...data, method: 8 }, record]), 'archive/data.pkl', 'method 8');
  await refused(zip([data, { ...record, method: 12 }]), 'archive/data/0', 'method 12');
  for (const flags of [1, 0x40, 0x2000]) await refused(zip([data, { ...record, flags }]), 'encryption');
  await refused(zip([data, record, record]), 'every name once', 'archive/data/0');
  await refused(zip([record]), 'data.pkl', 'none');
  await refused(zip([data, { ...data, name: 'other/data.pkl' }]), 'one data.pkl', '2');
  await refused(zip([{ name: 'data.pkl', bytes: data.bytes }]), 'in a folder');
  await refused(zip([data, record, { name: 'archive/code/__torch__.py', bytes: data.bytes }]), 'TorchScript');
  await refused(zip([data, record, { name: 'archive/byteorder', bytes: Buffer.from('big') }]), 'byteorder', 'big');
  await refused(zip([]), 'none');

  const good = zip([data, record]);
  const directory = good.length - 22 - (46 + record.name.length) - (46 + data.name.length);
  const second = directory + 46 + data.name.length;
  const changed = (at: number, value: number, bytes: 1 | 2 | 4 = 4) => {
    const file = good.slice();
    const view = new DataView(file.buffer);
    if (bytes === 4) view.setUint32(at, value, true);
    else if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint8(at, value);
    return file;
  };
  await refused(changed(second + 42, 0), 'to end by byte 0');
  await refused(changed(second + 42, 0xfffffff0), 'to end by byte');
  await refused(changed(directory + 24, data.bytes.length + 1), 'not compressed');
  await refused(changed(second + 42, 0xffffffff), '64 bits');
  await refused(changed(30 + data.name.length + data.bytes.length, 0), 'a record at byte');
  await refused(changed(26, 0xffff, 2), 'to end by byte');
  await refused(changed(good.length - 12, 3, 2), 'an entry');
  await refused(changed(good.length - 12, 1, 2), 'bytes of entries');
  await refused(changed(good.length - 12, 0xffff, 2), '16384 entries');
  await refused(changed(good.length - 6, 5), 'a directory that ends');
  await refused(changed(directory + 28, 0xffff, 2), 'a whole entry');
  await refused(changed(directory + 46, 0xff, 1), 'valid UTF-8');
  await refused(Uint8Array.of(...good, 0), 'a directory at its end');
  const wide = zip([data, record], true);
  const locator = wide.length - 22 - 20;
  for (const [at, word] of [
    [locator + 8, '64 bits'],
    [locator - 56 + 48, 'agree'],
    [locator - 56, '64 bits at'],
  ] as const) {
    const file = wide.slice();
    file[at]! ^= 1;
    await refused(file, word);
  }
  const far = wide.slice();
  new DataView(far.buffer).setBigUint64(locator + 8, 2n ** 64n - 1n, true);
  await refused(far, '64 bits before');
});

test('the older format: magic number, protocol, byte order, keys, counts, its end', async () => {
  const good = torchOlder([W]);
  assert.is((await tensorsOf(good)).size, 1);
  await refused(torchOlder([W], undefined, { magic: 7 }), '0x1950a86a20f9469cfc6c', '7');
  await refused(pickle(stateDict([W])), '0x1950a86a20f9469cfc6c');
  await refused(torchOlder([W], undefined, { littleEndian: false }), 'little_endian');
  await refused(torchOlder([W], undefined, { keys: [] }), 'the end of its storages');
  await refused(torchOlder([W], undefined, { keys: ['1'] }), 'storage 1', 'no tensor uses');
  await refused(torchOlder([W], undefined, { keys: [3] }), 'a number');
  await refused(torchOlder([W], undefined, { keys: ['0', '0'] }), 'to come once');
  await refused(torchOlder([{ ...W, storage: { ...W.storage, count: 5 } }]), '5 elements', '6');
  const huge = torchOlder([{ ...W, storage: { ...W.storage, count: 2 ** 40 } }]);
  new DataView(huge.buffer).setBigUint64(huge.length - 32, 2n ** 40n, true);
  await refused(huge, 'bytes');
  await refused(Uint8Array.of(...good, 0), 'the end of its storages');
});

test('cut at any byte, a file is refused', async () => {
  const view = { ...W, name: 'v', shape: [3, 2], strides: [1, 3] };
  let cuts = 0;
  for (const file of [
    torchZip([W, view]),
    torchOlder([W, view]),
    torchZip([W], stateDict([W]), 4),
    zip(
      [
        { name: 'a/data.pkl', bytes: pickle(stateDict([W])) },
        { name: 'a/data/0', bytes: W.storage.bytes },
      ],
      true,
    ),
  ]) {
    await tensorsOf(file);
    for (let length = 0; length < file.length; length++, cuts++) {
      await rejects(readPytorch(file.subarray(0, length), NAME), 'ERR_CHECKPOINT');
    }
  }
  assert.ok(cuts >= 2000, `${cuts} cuts`);
});

test.run();
