/**
 * PyTorch's checkpoints: dicts of tensors over storages, in a zip archive or, before 1.6, in a sequence of pickles. Loaded on
 * demand (`rare.ts`).
 */
import { type Bytes, sliceBytes } from '../../ground/bytes.js';
import { mismatch } from '../../ground/errors.js';
import {
  type Checkpoint,
  DTYPE_BYTES,
  elementCount,
  type FileStretch,
  MAX_NAME_BYTES,
  MAX_RANK,
  MAX_TENSORS,
  type StoredTensor,
  type TensorFile,
} from '../checkpoint.js';
import { readArchive } from './archive.js';
import { readOlder } from './older.js';
import type { Stored } from './stored.js';
import { StridedFile } from './strided.js';
import { Dict, isCount, kindOf, type Value, View } from './values.js';

/**
 * Reads a checkpoint. Of a file on disk only the pickles are read; the tensors are stretches of the file, and those that are
 * not contiguous are gathered when they are read.
 *
 * @param name of the file, for messages
 * @throws ERR_CHECKPOINT for any departure from the format, including a name that no tensor needs
 */
export async function readPytorch(file: Bytes, name: string): Promise<Checkpoint<FileStretch>> {
  const [first, second] = await sliceBytes(file, 0, 2);
  const stored = await (first === 0x50 && second === 0x4b ? readArchive : readOlder)(file, name);
  const tensors = new Map<string, StoredTensor<FileStretch>>();
  const source = asTensorFile(file);
  for (const [title, view] of viewsOf(stored.root, name)) {
    if (new TextEncoder().encode(title).length > MAX_NAME_BYTES)
      throw mismatch('ERR_CHECKPOINT', 'tensor name', `at most ${MAX_NAME_BYTES} bytes`, title, name);
    if (tensors.size === MAX_TENSORS)
      throw mismatch('ERR_CHECKPOINT', 'dict', `at most ${MAX_TENSORS} tensors`, title, name);
    tensors.set(title, await locate(title, view, stored, source, name));
  }
  return { format: 'pytorch', naming: 'pytorch', tensors, metadata: {} };
}

function asTensorFile(file: Bytes): TensorFile {
  if (!(file instanceof Uint8Array)) return file;
  return { read: async (target, offset) => target.set(file.subarray(offset, offset + target.length)) };
}

/** The tensors of a dict by name, or of the `state_dict` in it; everything else in the dict is skipped. */
function viewsOf(root: Value, file: string): [string, View][] {
  const views = (dict: Value | undefined) =>
    dict instanceof Dict
      ? [...dict.entries].filter(
          (entry): entry is [string, View] => typeof entry[0] === 'string' && entry[1] instanceof View,
        )
      : [];
  const outside = views(root);
  const found = outside.length === 0 && root instanceof Dict ? views(root.entries.get('state_dict')) : outside;
  if (found.length > 0) return found;
  throw mismatch('ERR_CHECKPOINT', 'object', 'a dict of tensors', `${kindOf(root)} without one`, file);
}

/** A tensor of the file, after checking that all of it is within the bytes of its storage. */
async function locate(
  title: string,
  { storage, offset, shape, strides }: View,
  { find }: Stored,
  file: TensorFile,
  name: string,
): Promise<StoredTensor<FileStretch>> {
  const wrong = (expected: string, got: unknown) => mismatch('ERR_CHECKPOINT', title, expected, got, name);
  if (!areCounts(shape)) throw wrong(`a shape of at most ${MAX_RANK} dimensions`, kindOf(shape));
  if (!areCounts(strides)) throw wrong(`strides of at most ${MAX_RANK} dimensions`, kindOf(strides));
  if (strides.length !== shape.length) throw wrong(`${shape.length} strides`, strides.length);
  if (!isCount(offset)) throw wrong('an offset from 0 on', kindOf(offset));
  const { dtype, key, count } = storage;
  const size = DTYPE_BYTES[dtype];
  const elements = elementCount(shape);
  if (elements === undefined || !Number.isSafeInteger(elements * size))
    throw wrong('a shape that can be counted', shape);
  const last = shape.reduce((sum, dim, i) => sum + (dim - 1) * (strides[i] as number), offset);
  if (elements > 0 && !(last < count)) throw wrong(`elements below ${count} of storage ${key}`, last);
  const stretch = await find(storage);
  if (stretch === undefined) throw wrong(`the storage ${key}`, 'none');
  if (!(count * size <= stretch.length)) throw wrong(`${count * size} bytes of storage ${key}`, stretch.length);
  const begin = stretch.begin + offset * size;
  const length = elements * size;
  const lying = { file, begin, length };
  if (isContiguous(shape, strides)) return { name: title, dtype, shape, bytes: lying };
  const bytes = { file: new StridedFile({ file, begin, size, shape, strides }), begin: 0, length };
  const transposed = shape.length === 2 && isContiguous([...shape].reverse(), [...strides].reverse());
  return { name: title, dtype, shape, bytes, ...(transposed && { columns: lying }) };
}

function areCounts(value: Value): value is readonly number[] {
  return Array.isArray(value) && value.length <= MAX_RANK && value.every(isCount);
}

/** Whether elements lie one after another in row-major order. Dimensions of one index have any stride. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const dim = shape[i] as number;
    if (dim === 0) return true;
    if (dim > 1 && strides[i] !== expected) return false;
    expected *= dim;
  }
  return true;
}
