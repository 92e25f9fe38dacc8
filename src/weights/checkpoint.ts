/** What every checkpoint reader returns: named tensors as they are stored, and their way to float32. */
import { mismatch } from '../errors.js';
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
export interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /**
   * A view of the file, possibly unaligned; never to be modified. Only an array that Flax wrote in several
   * chunks is a copy.
   */
  readonly bytes: Uint8Array;
}

/** The tensors of a checkpoint by name, in the order of the file. */
export interface Checkpoint {
  /** Decides the names and the orientation: PyTorch weights are (out, in), Flax kernels (in, out). */
  readonly format: 'safetensors' | 'flax_msgpack';
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What the file says of itself, e.g. `{ format: 'pt' }`; empty for Flax. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a checkpoint may claim before it is refused, whatever its size. */
export const MAX_TENSORS = 4096;
export const MAX_NAME_BYTES = 256;
export const MAX_RANK = 8;

/** Whether {@link decodeFloat32} takes this dtype. */
export function isFloatDtype(dtype: StoredDtype): boolean {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16' || dtype === 'F64';
}

/**
 * The number of elements of a shape, or `undefined` when the shape is not one: a rank past the limit, a dimension
 * that is no count, or a product that float64 cannot hold exactly.
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
 * Decodes F32, F16, BF16 or F64 to float32. F32, F16 and BF16 are exact to the bit, NaN payloads included;
 * F64 rounds to nearest even.
 *
 * @param target as long as the tensor has elements; may lie in WebAssembly memory, shared or not
 * @throws ERR_PARAMETER for any other dtype or a target of another length
 */
export function decodeFloat32(tensor: StoredTensor, target: Float32Array): void {
  const { name, dtype, bytes } = tensor;
  if (!isFloatDtype(dtype)) throw mismatch('ERR_PARAMETER', name, 'a floating-point dtype', dtype);
  const count = bytes.length / DTYPE_BYTES[dtype];
  if (count !== target.length) throw mismatch('ERR_PARAMETER', name, `a target of ${count} elements`, target.length);

  if (dtype === 'F64') {
    decodeFloat64(bytes, target);
    return;
  }
  // Stored values may start at any byte, typed arrays may not: the values are copied to the end of the target,
  // which is aligned and where no value is overwritten before it is read. No memory beside the target is needed.
  const start = target.byteOffset + target.byteLength - bytes.length;
  new Uint8Array(target.buffer, start, bytes.length).set(bytes);
  if (dtype === 'F32') return;
  const halves = new Uint16Array(target.buffer, start, count);
  // Bits, not floats: a signalling NaN would come out quiet on its way through a register.
  const bits = new Uint32Array(target.buffer, target.byteOffset, count);
  if (dtype === 'BF16') {
    for (let i = 0; i < count; i++) bits[i] = (halves[i] as number) << 16;
  } else {
    const table = float16Table();
    for (let i = 0; i < count; i++) bits[i] = table[halves[i] as number] as number;
  }
}

/** Through a small aligned window, since stored values may start at any byte. */
function decodeFloat64(bytes: Uint8Array, target: Float32Array): void {
  const window = new Float64Array(Math.min(target.length, 4096));
  const windowBytes = new Uint8Array(window.buffer);
  for (let i = 0; i < target.length; i += window.length) {
    const part = bytes.subarray(i * 8, i * 8 + windowBytes.length);
    windowBytes.set(part);
    target.set(window.subarray(0, part.length / 8), i);
  }
}

/**
 * Whether a float tensor holds neither NaN nor infinity: in every IEEE format both have an exponent of all ones, so the
 * stored bits tell without decoding. Tensors of other dtypes are finite.
 */
export function allFinite({ dtype, bytes }: StoredTensor): boolean {
  const exponent = { F64: 0x7ff0, F32: 0x7f80, BF16: 0x7f80, F16: 0x7c00 }[dtype as string];
  if (exponent === undefined) return true;
  const size = DTYPE_BYTES[dtype];
  // The two most significant bytes of each little-endian element.
  for (let i = size - 2; i < bytes.length; i += size) {
    if ((((bytes[i + 1] as number) << 8) & exponent) === (exponent & 0xff00)) {
      if ((((bytes[i] as number) | ((bytes[i + 1] as number) << 8)) & exponent) === exponent) return false;
    }
  }
  return true;
}
