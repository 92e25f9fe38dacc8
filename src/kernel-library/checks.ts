/** Checks of what callers pass: sizes, arrays of the right length, names. */
import { MASKED } from '../engine/masked.js';
import { mismatch } from '../ground/errors.js';
import { isA } from '../ground/realm.js';

/** @param sizes by their names @throws ERR_INPUT for a size that is no integer from `min` on */
export function checkSizes(sizes: Readonly<Record<string, number>>, min = 0): void {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isSafeInteger(size) || size < min) throw mismatch('ERR_INPUT', name, `an integer >= ${min}`, size);
  }
}

/** @throws ERR_INPUT unless `value` is a Float32Array of rows x columns numbers */
export function checkMatrix(name: string, value: Float32Array, rows: number, cols: number): void {
  if (!isA('Float32Array', value)) throw mismatch('ERR_INPUT', name, 'a Float32Array', value);
  if (value.length !== rows * cols) {
    throw mismatch('ERR_INPUT', name, `${rows} x ${cols} = ${rows * cols} numbers`, value.length);
  }
}

/** @throws ERR_INPUT for a NaN or an infinity, with its index */
export function checkFinite(name: string, values: Float32Array, dtype: string): void {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index === -1) return;
  throw mismatch('ERR_INPUT', name, `finite numbers, since dtype is ${dtype}`, values[index], `[${index}]`);
}

/** @throws ERR_INPUT unless `value` is among the names */
export function checkName(title: string, value: string, names: readonly string[]): void {
  if (!names.includes(value)) throw mismatch('ERR_INPUT', title, `one of ${names.join(', ')}`, value);
}

/** The number that is added to the scores of each key. @throws ERR_INPUT unless the mask has one 0 or 1 per key */
export function maskBiasOf(mask: ArrayLike<number> | undefined, seq: number): Float32Array {
  const bias = new Float32Array(seq);
  if (mask === undefined) return bias;
  if (mask?.length !== seq) throw mismatch('ERR_INPUT', 'mask', `${seq} numbers`, mask?.length ?? mask);
  for (let i = 0; i < seq; i++) {
    if (mask[i] !== 0 && mask[i] !== 1) throw mismatch('ERR_INPUT', 'mask', '0 or 1', mask[i], `[${i}]`);
    if (mask[i] === 0) bias[i] = MASKED;
  }
  return bias;
}
