/** Columns of a stored matrix: the outputs of a Flax kernel (in, out), a few at a time. */
import { DTYPE_BYTES, decodeFloat32, type StoredTensor } from './checkpoint.js';

/**
 * Decodes the columns from `first` on, side by side: `target` is a row-major (rows, count) matrix.
 *
 * @param tensor in memory
 */
export function decodeColumns(tensor: StoredTensor<Uint8Array>, target: Float32Array, first: number): void {
  const { dtype, shape, bytes } = tensor;
  const [rows = 1, cols = 1] = shape;
  const count = target.length / rows;
  const size = DTYPE_BYTES[dtype];
  for (let row = 0; row < rows; row++) {
    const begin = (row * cols + first) * size;
    const values = bytes.subarray(begin, begin + count * size);
    decodeFloat32({ ...tensor, bytes: values }, target.subarray(row * count, (row + 1) * count));
  }
}
