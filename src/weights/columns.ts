/** Columns of a stored matrix: the outputs of a kernel (in, out), a few at a time. */
import { DTYPE_BYTES, decodeFloat32, readBytes, type StoredTensor } from './checkpoint.js';

/** The most bytes read of a file at once, or one row. */
const BLOCK_BYTES = 2 ** 18;

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

/**
 * The same of a matrix in a file, which is read from beginning to end, a block of rows at a time.
 *
 * @throws ERR_SOURCE when the file cannot be read
 */
export async function readColumns(tensor: StoredTensor, target: Float32Array, first: number): Promise<void> {
  const [rows = 1, cols = 1] = tensor.shape;
  const rowBytes = cols * DTYPE_BYTES[tensor.dtype];
  const count = target.length / rows;
  const most = Math.min(rows, Math.max(1, Math.floor(BLOCK_BYTES / rowBytes)));
  const block = new Uint8Array(most * rowBytes);
  for (let row = 0; row < rows; row += most) {
    const read = Math.min(most, rows - row);
    const bytes = block.subarray(0, read * rowBytes);
    await readBytes(tensor, bytes, row * rowBytes);
    decodeColumns({ ...tensor, shape: [read, cols], bytes }, target.subarray(row * count, (row + read) * count), first);
  }
}
