/** What both writers take: float32 tensors, checked, and narrowed to the dtype of the file. */
import { mismatch } from '../ground/errors.js';
import { DTYPE_BYTES, elementCount, MAX_NAME_BYTES, MAX_RANK, MAX_TENSORS } from './checkpoint.js';
import { narrowBfloat16, narrowFloat16 } from './float16.js';

/** A named tensor in row-major order. */
export interface TensorToWrite<D extends Float32Array | Int8Array = Float32Array> {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: D;
}

/** The dtypes a checkpoint is written in. */
export type WrittenDtype = 'F32' | 'F16' | 'BF16';

/**
 * The tensors by name, in the order given.
 *
 * @throws ERR_PARAMETER for a name that comes twice or that no reader would take, and for data that do not fill the shape
 */
export function checkedTensors<T extends TensorToWrite<Float32Array | Int8Array>>(
  tensors: Iterable<T>,
): Map<string, T> {
  const checked = new Map<string, T>();
  for (const tensor of tensors) {
    const { name, shape, data } = tensor;
    if (new TextEncoder().encode(name).length > MAX_NAME_BYTES || /\p{Surrogate}/u.test(name))
      throw mismatch('ERR_PARAMETER', 'tensor name', `at most ${MAX_NAME_BYTES} bytes of UTF-8`, name);
    if (checked.has(name)) throw mismatch('ERR_PARAMETER', name, 'to be written once', 'a second tensor');
    const count = elementCount(shape);
    if (count === undefined) throw mismatch('ERR_PARAMETER', name, `a shape of rank ${MAX_RANK} or less`, [...shape]);
    if (count !== data.length)
      throw mismatch('ERR_PARAMETER', name, `${count} elements for shape [${shape.join(', ')}]`, data.length);
    if (checked.size === MAX_TENSORS)
      throw mismatch('ERR_PARAMETER', 'tensors', `at most ${MAX_TENSORS} in a file`, name);
    checked.set(name, tensor);
  }
  return checked;
}

/** Writes values in a dtype, little-endian, rounded to nearest even. `target` has exactly their bytes. */
export function encodeFloats(data: Float32Array, dtype: WrittenDtype, target: Uint8Array): void {
  if (dtype === 'F32') {
    target.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return;
  }
  const narrow = dtype === 'F16' ? narrowFloat16 : narrowBfloat16;
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  // Through an aligned window: in a msgpack file values start at any byte.
  const window = new Uint16Array(Math.min(data.length, 16384));
  for (let start = 0; start < bits.length; start += window.length) {
    const count = Math.min(window.length, bits.length - start);
    for (let i = 0; i < count; i++) window[i] = narrow(bits[start + i] as number);
    target.set(new Uint8Array(window.buffer, 0, count * DTYPE_BYTES[dtype]), start * DTYPE_BYTES[dtype]);
  }
}
