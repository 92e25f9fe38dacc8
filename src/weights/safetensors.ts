/**
 * The safetensors format, read and written: 8 bytes of header length, a JSON header, then the values without a gap.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { type FileBytes, sliceBytes } from '../ground/bytes.js';
import { AlbertError, mismatch } from '../ground/errors.js';
import {
  type Checkpoint,
  DTYPE_BYTES,
  elementCount,
  MAX_RANK,
  MAX_TENSORS,
  type StoredDtype,
  type StoredTensor,
  type TensorBytes,
} from './checkpoint.js';
import { JsonCursor } from './json-cursor.js';
import { checkedTensors, encodeFloats, type TensorToWrite, type WrittenDtype } from './tensor-to-write.js';

export type { TensorToWrite } from './tensor-to-write.js';

/** The format's own bound, in bytes. */
export const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

/** One tensor as the header describes it, not yet checked against the file. */
interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file. The tensors are views of `bytes`.
 *
 * @param file for messages
 * @throws ERR_CHECKPOINT for any departure from the format, naming the tensor where there is one
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): Checkpoint<Uint8Array> {
  const dataStart = findData(bytes, bytes.length, file);
  return tensorsOf(bytes.subarray(8, dataStart), bytes.length - dataStart, file, (begin, end) =>
    bytes.subarray(dataStart + begin, dataStart + end),
  );
}

/**
 * The same of an open file: only the header is read, the tensors are stretches of the file.
 *
 * @throws ERR_SOURCE when the file cannot be read
 */
export async function openSafetensors(file: FileBytes, name: string): Promise<Checkpoint> {
  const dataStart = findData(await sliceBytes(file, 0, Math.min(8, file.length)), file.length, name);
  return tensorsOf(await sliceBytes(file, 8, dataStart), file.length - dataStart, name, (begin, end) => ({
    file,
    begin: dataStart + begin,
    length: end - begin,
  }));
}

/** Where the values begin: after the header, whose length comes first. */
function findData(start: Uint8Array, fileBytes: number, file: string): number {
  if (fileBytes < 10) throw mismatch('ERR_CHECKPOINT', 'file', 'at least 10 bytes', fileBytes, file);
  const stated = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  const limit = Math.min(MAX_HEADER_BYTES, fileBytes - 8);
  if (stated < 2n || stated > BigInt(limit))
    throw mismatch('ERR_CHECKPOINT', 'header length', `2 to ${limit} bytes`, stated, file);
  return 8 + Number(stated);
}

/** @param bytesOf the values from one offset to another, both counted from the end of the header */
function tensorsOf<B extends TensorBytes>(
  header: Uint8Array,
  dataBytes: number,
  file: string,
  bytesOf: (begin: number, end: number) => B,
): Checkpoint<B> {
  const { entries, metadata } = readHeader(header, file);
  checkLayout(entries, dataBytes, file);
  const tensors = new Map<string, StoredTensor<B>>();
  for (const { name, dtype, shape, begin, end } of entries) {
    tensors.set(name, { name, dtype: dtype as StoredDtype, shape, bytes: bytesOf(begin, end) });
  }
  return { format: 'safetensors', naming: 'pytorch', tensors, metadata };
}

function readHeader(header: Uint8Array, file: string) {
  if (header[0] !== 0x7b)
    throw mismatch('ERR_CHECKPOINT', 'header', 'an opening brace', header[0], `byte 8 of ${file}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch (cause) {
    throw new AlbertError('ERR_CHECKPOINT', `"header" expected valid UTF-8 at ${file}`, { cause });
  }
  const json = new JsonCursor(text, file);
  const entries: Entry[] = [];
  const pairs: [string, string][] = [];
  json.object('header', (name) => {
    if (name === METADATA) {
      json.object(METADATA, (key) => pairs.push([key, json.string(`${METADATA}.${key}`)]));
      return;
    }
    if (entries.length === MAX_TENSORS)
      throw mismatch('ERR_CHECKPOINT', 'header', `at most ${MAX_TENSORS} tensors`, name, file);
    entries.push(readEntry(json, name, file));
  });
  json.end('header');
  // fromEntries defines properties, so that a key `__proto__` is one like any other.
  return { entries, metadata: Object.fromEntries(pairs) };
}

function readEntry(json: JsonCursor, name: string, file: string): Entry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  const counts = (what: string, most: number): number[] => {
    const values: number[] = [];
    json.array(`${name}.${what}`, () => {
      if (values.length === most)
        throw mismatch('ERR_CHECKPOINT', `${name}.${what}`, `at most ${most} numbers`, 'more', file);
      values.push(json.count(`${name}.${what}`));
    });
    return values;
  };
  json.object(name, (field) => {
    if (field === 'dtype') dtype = json.string(`${name}.dtype`);
    else if (field === 'shape') shape = counts('shape', MAX_RANK);
    else if (field === 'data_offsets') offsets = counts('data_offsets', 2);
    else throw mismatch('ERR_CHECKPOINT', name, 'only dtype, shape and data_offsets', field, file);
  });
  if (dtype === undefined || shape === undefined || offsets === undefined) {
    const missing = dtype === undefined ? 'dtype' : shape === undefined ? 'shape' : 'data_offsets';
    throw mismatch('ERR_CHECKPOINT', name, 'dtype, shape and data_offsets', `no ${missing}`, file);
  }
  if (offsets.length !== 2) throw mismatch('ERR_CHECKPOINT', `${name}.data_offsets`, '[begin, end]', offsets, file);
  return { name, dtype, shape, begin: offsets[0] as number, end: offsets[1] as number };
}

/** Every tensor has the bytes its dtype and shape ask for, and together they cover the data once, without a gap. */
function checkLayout(entries: readonly Entry[], dataBytes: number, file: string): void {
  for (const { name, dtype, shape, begin, end } of entries) {
    if (!Object.hasOwn(DTYPE_BYTES, dtype))
      throw mismatch('ERR_CHECKPOINT', name, `a dtype of ${Object.keys(DTYPE_BYTES).join(', ')}`, dtype, file);
    if (begin > end || end > dataBytes)
      throw mismatch('ERR_CHECKPOINT', name, `offsets in order and within ${dataBytes} bytes`, [begin, end], file);
    const bytes = (elementCount(shape) ?? Number.NaN) * DTYPE_BYTES[dtype as StoredDtype];
    if (!Number.isSafeInteger(bytes))
      throw mismatch('ERR_CHECKPOINT', name, 'a shape that can be counted', shape, file);
    if (bytes !== end - begin)
      throw mismatch('ERR_CHECKPOINT', name, `${bytes} bytes for ${dtype} of [${shape.join(', ')}]`, end - begin, file);
  }
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      const fault = begin < covered ? 'an overlap' : 'a hole';
      throw mismatch('ERR_CHECKPOINT', name, `to begin at data byte ${covered}`, `${begin}, ${fault}`, file);
    }
    covered = end;
  }
  if (covered !== dataBytes)
    throw mismatch('ERR_CHECKPOINT', 'data', `${covered} bytes, the end of the last tensor`, dataBytes, file);
}

/**
 * Writes a safetensors file, to the byte as the safetensors library does: wider dtypes first, then in the order of the
 * names' UTF-8 bytes; values from a multiple of 8 on.
 *
 * @param dtype of every tensor of floats; F16 and BF16 round to nearest even. Tensors of int8 are I8
 * @param metadata e.g. `{ format: 'pt' }`, which transformers asks for; none is written when empty
 * @throws ERR_PARAMETER for tensors that no reader would take
 */
export function encodeSafetensors(
  tensors: Iterable<TensorToWrite<Float32Array | Int8Array>>,
  dtype: WrittenDtype,
  metadata: Record<string, string>,
): Uint8Array {
  const dtypeOf = (data: Float32Array | Int8Array) => (data instanceof Int8Array ? 'I8' : dtype);
  const bytesOf = (data: Float32Array | Int8Array) => data.length * DTYPE_BYTES[dtypeOf(data)];
  const sorted = [...checkedTensors(tensors).values()].sort(
    (a, b) => DTYPE_BYTES[dtypeOf(b.data)] - DTYPE_BYTES[dtypeOf(a.data)] || compareUtf8(a.name, b.name),
  );
  const members: string[] = [];
  if (Object.keys(metadata).length > 0) members.push(`"${METADATA}":${JSON.stringify(metadata)}`);
  let end = 0;
  for (const { name, shape, data } of sorted) {
    if (name === METADATA) throw mismatch('ERR_PARAMETER', 'tensor name', 'anything else', name);
    const begin = end;
    end += bytesOf(data);
    const entry = { dtype: dtypeOf(data), shape, data_offsets: [begin, end] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const header = new TextEncoder().encode(`{${members.join(',')}}`);
  const headerBytes = Math.ceil(header.length / 8) * 8;

  const file = new Uint8Array(8 + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.set(header, 8);
  file.fill(0x20, 8 + header.length, 8 + headerBytes);
  let offset = 8 + headerBytes;
  for (const { data } of sorted) {
    const target = file.subarray(offset, (offset += bytesOf(data)));
    if (data instanceof Int8Array) target.set(new Uint8Array(data.buffer, data.byteOffset, data.length));
    else encodeFloats(data, dtype, target);
  }
  return file;
}

/** The library orders by UTF-8, JavaScript by UTF-16: they disagree beyond the basic plane. */
function compareUtf8(a: string, b: string): number {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const difference = (left[i] as number) - (right[i] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
