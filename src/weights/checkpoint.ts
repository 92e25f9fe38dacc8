/** What every checkpoint reader returns: named tensors as they are stored, and their way to float32. */
import type { FileBytes } from '../ground/bytes.js';
import { mismatch } from '../ground/errors.js';
import { float16Table } from './float16.js';

/** The dtypes that safetensors knows and this library can size, with their bytes per element. */
export const DTYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  U16: 2,
  U32: 4,
  U64: 8,
  BOOL: 1,
} as const;

export type StoredDtype = keyof typeof DTYPE_BYTES;

/** A tensor as a file holds it: row-major and little-endian, not yet decoded. */
export interface StoredTensor<B extends TensorBytes = TensorBytes> {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly bytes: B;
  /** Only of a matrix that a file holds column by column: the same elements as the file has them, a row-major (columns, rows). */
  readonly columns?: TensorBytes;
}

/**
 * A view of a file in memory, possibly unaligned and never to be modified; or a stretch of an open file. Only an array
 * that Flax wrote in several chunks is a copy.
 */
export type TensorBytes = Uint8Array | FileStretch;

/** What tensors are read from: an open file, or what looks like one. */
export type TensorFile = Pick<FileBytes, 'read'>;

/** Bytes of an open file from `begin` on. */
export interface FileStretch {
  readonly file: TensorFile;
  readonly begin: number;
  readonly length: number;
}

/** The tensors of a checkpoint by name, in the order of the file. */
export interface Checkpoint<B extends TensorBytes = TensorBytes> {
  readonly format: 'safetensors' | 'flax_msgpack' | 'pytorch';
  /** Whose names the tensors have, and with them the orientation: PyTorch's weights are (out, in), Flax's kernels (in, out). */
  readonly naming: 'pytorch' | 'flax';
  readonly tensors: ReadonlyMap<string, StoredTensor<B>>;
  /** What the file says of itself, e.g. `{ format: 'pt' }`; empty for Flax. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The most that a checkpoint of any size may claim. */
export const MAX_TENSORS = 4096;
export const MAX_NAME_BYTES = 256;
export const MAX_RANK = 8;

/** The dtypes of a checkpoint's tensors, the most frequent first. */
export function dtypesOf({ tensors }: Checkpoint): StoredDtype[] {
  const counts = new Map<StoredDtype, number>();
  for (const { dtype } of tensors.values()) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([dtype]) => dtype);
}

/** Whether {@link decodeFloat32} takes this dtype. */
export function isFloatDtype(dtype: StoredDtype): boolean {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16' || dtype === 'F64';
}

/**
 * The number of elements of a shape; `undefined` for an invalid shape: a rank above the limit, a dimension that is not a
 * count, or a product that float64 cannot hold exactly.
 */
export function elementCount(shape: readonly number[]): number | undefined {
  if (shape.length > MAX_RANK) return undefined;
  let count = 1;
  for (const dim of shape) {
    if (!Number.isSafeInteger(dim) || dim < 0) return undefined;
    count *= dim;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/**
 * Decodes F32, F16, BF16 or F64 to float32. F32, F16 and BF16 are exact bit for bit, NaN payloads
 * included; F64 rounds to nearest even.
 *
 * @param target as long as the tensor has elements; may lie in WebAssembly memory, shared or not
 * @throws ERR_PARAMETER for any other dtype or a target of another length
 */
export function decodeFloat32({ name, dtype, bytes }: StoredTensor<Uint8Array>, target: Float32Array): void {
  if (!isFloatDtype(dtype)) throw mismatch('ERR_PARAMETER', name, 'a floating-point dtype', dtype);
  const count = bytes.length / DTYPE_BYTES[dtype];
  if (count !== target.length) throw mismatch('ERR_PARAMETER', name, `a target of ${count} elements`, target.length);
  const window = windowOf(dtype, target);
  window.set(bytes);
  widen(dtype, window, target);
}

/**
 * The same for elements `first` to `first + target.length` of a tensor. Of a tensor in a file, they are read straight into `target`,
 * except for F64.
 *
 * @throws ERR_SOURCE when the file cannot be read
 */
export async function readFloat32(tensor: StoredTensor, target: Float32Array, first: number): Promise<void> {
  const window = windowOf(tensor.dtype, target);
  await readBytes(tensor, window, first * DTYPE_BYTES[tensor.dtype]);
  widen(tensor.dtype, window, target);
}

/** Fills `target` with a tensor's bytes from `begin` on. @throws ERR_SOURCE when the file cannot be read */
export async function readBytes({ bytes }: StoredTensor, target: Uint8Array, begin: number): Promise<void> {
  if (bytes instanceof Uint8Array) target.set(bytes.subarray(begin, begin + target.length));
  else await bytes.file.read(target, bytes.begin + begin);
}

/**
 * Where stored values go before they are widened, since they may start at any byte and typed arrays may not: the end of the
 * target, which is aligned, and where no value is overwritten before it is read. Only float64 takes memory of its own.
 */
function windowOf(dtype: StoredDtype, target: Float32Array): Uint8Array {
  if (dtype === 'F64') return new Uint8Array(target.length * 8);
  const bytes = target.length * DTYPE_BYTES[dtype];
  return new Uint8Array(target.buffer, target.byteOffset + target.byteLength - bytes, bytes);
}

/** From stored values in their window to float32. */
function widen(dtype: StoredDtype, window: Uint8Array, target: Float32Array): void {
  if (dtype === 'F32') return;
  const count = target.length;
  if (dtype === 'F64') {
    target.set(new Float64Array(window.buffer));
    return;
  }
  const halves = new Uint16Array(window.buffer, window.byteOffset, count);
  // Bits, not floats: a signalling NaN would come out quiet on its way through a register.
  const bits = new Uint32Array(target.buffer, target.byteOffset, count);
  if (dtype === 'BF16') {
    for (let i = 0; i < count; i++) bits[i] = (halves[i] as number) << 16;
  } else {
    const table = float16Table();
    for (let i = 0; i < count; i++) bits[i] = table[halves[i] as number] as number;
  }
}
