/** PyTorch's files: what they hold is read bit for bit, in both formats; what they may not hold is refused by its name. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Checkpoint, DTYPE_BYTES, readBytes, type StoredDtype } from '../../src/weights/checkpoint.js';
import { readPytorch } from '../../src/weights/pytorch/read.js';
import {
  type Python,
  pickle,
  STORAGE_CLASSES,
  stateDict,
  type TorchTensor,
  tensorObject,
  torchOlder,
  torchZip,
} from './pytorch-files.js';
import { openFile, sameBytes, seeded } from './samples.js';

const test = suite('PyTorch files');

const NAME = 'pytorch_model.bin';

/** Reads a file from memory and in pieces, which must be the same, and gives each tensor's values. */
async function read(file: Uint8Array): Promise<{ checkpoint: Checkpoint; values: Map<string, Uint8Array> }> {
  const before = file.slice();
  const [inMemory, inPieces] = [await readPytorch(file, NAME), await readPytorch(openFile(file), NAME)];
  const values = new Map<string, Uint8Array>();
  assert.equal([...inMemory.tensors.keys()], [...inPieces.tensors.keys()]);
  for (const [name, tensor] of inMemory.tensors) {
    const bytes = tensor.shape.reduce((product, dim) => product * dim, DTYPE_BYTES[tensor.dtype]);
    assert.is(tensor.bytes.length, bytes, name);
    const [one, other] = [new Uint8Array(bytes), new Uint8Array(bytes)];
    await readBytes(tensor, one, 0);
    await readBytes(inPieces.tensors.get(name)!, other, 0);
    assert.ok(sameBytes(one, other), name);
    values.set(name, one);
  }
  assert.ok(sameBytes(file, before));
  return { checkpoint: inMemory, values };
}

const bytesFrom = (count: number, seed = 1) => {
  const random = seeded(seed);
  return Uint8Array.from({ length: count }, () => random(256));
};

/** Both formats of the same tensors. */
const both = (tensors: readonly TorchTensor[]): Uint8Array[] => [torchZip(tensors), torchOlder(tensors)];

test('every dtype, in both formats', async () => {
  const dtypes = Object.keys(STORAGE_CLASSES) as StoredDtype[];
  const tensors = dtypes.map((dtype, i): TorchTensor => {
    return {
      name: dtype,
      storage: { key: String(i), dtype, bytes: bytesFrom(6 * DTYPE_BYTES[dtype], i) },
      shape: [2, 3],
    };
  });
  for (const file of both(tensors)) {
    const { checkpoint, values } = await read(file);
    assert.is(checkpoint.format, 'pytorch');
    assert.is(checkpoint.naming, 'pytorch');
    assert.equal([...values.keys()], dtypes);
    for (const { name, storage } of tensors) {
      assert.is(checkpoint.tensors.get(name)?.dtype, name);
      assert.equal(values.get(name), storage.bytes);
    }
  }
  assert.is(dtypes.length, 10);
  for (const type of ['torch.storage UntypedStorage', 'torch.storage _UntypedStorage']) {
    const storage = { key: '0', dtype: 'U8', bytes: bytesFrom(4), type } as const;
    for (const file of both([{ name: 'a', storage, shape: [4] }]))
      assert.equal((await read(file)).values.get('a'), storage.bytes);
  }
});

/** What a view holds, element by element. */
function elementsOf({ storage, shape, strides = [], offset = 0 }: TorchTensor): Uint8Array {
  const size = DTYPE_BYTES[storage.dtype];
  const count = shape.reduce((product, dim) => product * dim, 1);
  const values = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) {
    let [rest, at] = [i, offset];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += (rest % (shape[axis] as number)) * (strides[axis] as number);
      rest = Math.floor(rest / (shape[axis] as number));
    }
    values.set(storage.bytes.subarray(at * size, (at + 1) * size), i * size);
  }
  return values;
}

test('views: offsets, slices, transposes, repeated elements, empty ones, any rank and element size', async () => {
  let cases = 0;
  for (const dtype of ['F32', 'F16', 'F64', 'U8'] as const) {
    const storage = { key: 'all', dtype, bytes: bytesFrom(240 * DTYPE_BYTES[dtype], 9) };
    const views: Omit<TorchTensor, 'name' | 'storage'>[] = [
      { shape: [4, 60], strides: [60, 1] },
      { shape: [60, 4], strides: [1, 60] },
      { shape: [3, 7], strides: [9, 2], offset: 5 },
      { shape: [7, 3], strides: [2, 9], offset: 5 },
      { shape: [5], strides: [47], offset: 3 },
      { shape: [4, 6], strides: [0, 1], offset: 7 },
      { shape: [6, 4], strides: [1, 0], offset: 7 },
      { shape: [2, 3, 4], strides: [1, 20, 5], offset: 2 },
      { shape: [2, 3, 4], strides: [100, 0, 3] },
      { shape: [2, 2, 3, 2], strides: [64, 32, 2, 10] },
      { shape: [1, 60], strides: [999, 1], offset: 180 },
      { shape: [240], strides: [1] },
      { shape: [], strides: [], offset: 239 },
      { shape: [0, 4], strides: [4, 1], offset: 240 },
      { shape: [2, 0, 3], strides: [7, 7, 7] },
    ];
    const tensors = views.map((view, i) => ({ name: `view ${i}`, storage, ...view }));
    for (const file of both(tensors)) {
      const { values } = await read(file);
      for (const tensor of tensors)
        assert.equal(values.get(tensor.name), elementsOf(tensor), JSON.stringify(tensor.shape));
      cases += tensors.length;
    }
  }
  assert.is(cases, 120);
});

test('a large transposed matrix, read a few rows at a time, as packing does', async () => {
  const [rows, cols] = [600, 1100];
  const storage = { key: '0', dtype: 'F32', bytes: bytesFrom(rows * cols * 4, 3) } as const;
  const tensor: TorchTensor = { name: 'w', storage, shape: [rows, cols], strides: [1, rows] };
  const expected = elementsOf(tensor);
  let bytesRead = 0;
  const whole = torchZip([tensor]);
  const counted = {
    ...openFile(whole),
    read: async (target: Uint8Array, offset: number) => {
      bytesRead += target.length;
      target.set(whole.subarray(offset, offset + target.length));
    },
  };
  const { tensors } = await readPytorch(counted, NAME);
  const at = bytesRead;
  const values = new Uint8Array(expected.length);
  for (let row = 0; row < rows; row += 37) {
    await readBytes(tensors.get('w')!, values.subarray(row * cols * 4, (row + 37) * cols * 4), row * cols * 4);
  }
  assert.ok(sameBytes(values, expected));
  // Gathered in three parts of 1 MiB.
  assert.ok(bytesRead - at <= 3 * expected.length, `${bytesRead - at} bytes read of ${expected.length}`);
});

test('ties: two names of one storage, and a file that was saved by another one', async () => {
  const storage = { key: '7', dtype: 'F32', bytes: bytesFrom(24) } as const;
  const tensors = [
    { name: 'a', storage, shape: [2, 3] },
    { name: 'b', storage, shape: [2, 3] },
    { name: 'c', storage, shape: [3], offset: 3 },
  ];
  for (const file of both(tensors)) {
    const { values } = await read(file);
    assert.equal(values.get('a'), values.get('b'));
    assert.equal(values.get('c'), storage.bytes.subarray(12));
  }
});

test('parameters, attributes, a state_dict with other things around it, protocols 2 to 5', async () => {
  const storage = { key: '0', dtype: 'F32', bytes: bytesFrom(8) } as const;
  const tensor: TorchTensor = { name: 'w', storage, shape: [2], parameter: true };
  const around = (inner: Python): Python => ({
    dict: [
      ['epoch', 3],
      ['best', 0.5],
      ['seed', 2n ** 62n],
      ['negative', -7],
      ['args', { list: ['a', null, true, { tuple: [1, 2, 3, 4] }, { dict: [[{ tuple: [1, 2] }, -1]] }] }],
      ['shape', { call: { global: 'torch Size' }, args: [{ tuple: [2, 3] }] }],
      ['dtype', { global: 'torch float32' }],
      ['state_dict', inner],
    ],
  });
  const versions: Python = { dict: [['_metadata', { dict: [['', { dict: [['version', 1]] }]] }]] };
  const ordered: Python = {
    raw: [...pickle({ call: { global: 'collections OrderedDict' }, args: [] }).slice(2, -1), 0x58, 1, 0, 0, 0, 0x77],
  };
  for (const protocol of [2, 3, 4, 5]) {
    for (const older of [false, true]) {
      const object = around(stateDict([tensor], older));
      const file = older ? torchOlder([tensor], object, { protocol }) : torchZip([tensor], object, protocol);
      assert.equal((await read(file)).values.get('w'), storage.bytes, `protocol ${protocol}`);
    }
  }
  // As Module.state_dict is pickled: an OrderedDict that is filled item by item and then given its attributes.
  const itemwise: Python = {
    raw: [
      ...(ordered as { raw: number[] }).raw,
      ...pickle(tensorObject(tensor)).slice(2, -1),
      0x73,
      ...pickle(versions).slice(2, -1),
      0x62,
    ],
  };
  assert.equal((await read(torchZip([tensor], itemwise))).values.get('w'), storage.bytes);
});

test('the older format, with pickles longer than what is read of a file at first', async () => {
  // The pickles are longer than what is read of a file at first.
  const crowd = Array.from({ length: 900 }, (_, i) => {
    return { name: `t${i}`, storage: { key: `k${i}`, dtype: 'F32', bytes: bytesFrom(4, i) } as const, shape: [1] };
  });
  const file = torchOlder(crowd);
  assert.ok(file.length > 2 ** 17);
  const { values } = await read(file);
  for (const { name, storage } of crowd) assert.equal(values.get(name), storage.bytes);
});

test.run();
