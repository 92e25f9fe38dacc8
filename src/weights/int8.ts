/**
 * int8 in a safetensors file: a matrix as I8 levels under its usual name, and one float32 scale per row under the name with
 * `_scale` (docs/int8-format.md).
 */
import { mismatch } from '../ground/errors.js';
import type { StoredTensor } from './checkpoint.js';
import type { Quantization, QuantizedRows } from './quantized.js';

/** -128 is left out, so that the range is symmetric; the kernels' sums rely on it. */
const MAX_LEVEL = 127;

/** The largest scale whose numbers float32 can hold. */
const MAX_SCALE = Math.fround(3.4028234663852886e38 / MAX_LEVEL);

function scaleName(name: string): string {
  return `${name}_scale`;
}

function faultOfScales(name: string, rows: number, scales: StoredTensor | undefined): string | undefined {
  const title = scaleName(name);
  const wrong = (expected: string, got: unknown) => mismatch('ERR_PARAMETER', title, expected, got).message;
  if (scales === undefined) return wrong(`a tensor [${rows}]`, 'none');
  if (scales.shape.join() !== `${rows}`) return wrong(`the shape [${rows}]`, [...scales.shape]);
  if (scales.dtype !== 'F32') return wrong('the dtype F32', scales.dtype);
  return undefined;
}

function faultOfRows(name: string, { levels, scales }: QuantizedRows): string | undefined {
  const scale = scales.find((value) => !(value >= 0 && value <= MAX_SCALE));
  if (scale !== undefined) {
    return mismatch('ERR_PARAMETER', scaleName(name), `scales from 0 to ${MAX_SCALE}`, scale).message;
  }
  if (!levels.includes(-128)) return undefined;
  return mismatch('ERR_PARAMETER', name, `levels from -${MAX_LEVEL} to ${MAX_LEVEL}`, -128).message;
}

function dequantize({ levels, scales }: QuantizedRows, target: Float32Array): void {
  const cols = levels.length / scales.length;
  for (let row = 0, i = 0; row < scales.length; row++) {
    const scale = scales[row] as number;
    for (const end = i + cols; i < end; i++) target[i] = (levels[i] as number) * scale;
  }
}

/**
 * Quantises a row-major matrix, each row by its largest magnitude, bit for bit as `packI8` does: every step is rounded to
 * float32, ties to even.
 */
function quantize(data: Float32Array, rows: number): QuantizedRows {
  const cols = data.length / rows;
  const [levels, scales] = [new Int8Array(data.length), new Float32Array(rows)];
  for (let row = 0; row < rows; row++) {
    let largest = 0;
    for (let i = row * cols; i < (row + 1) * cols; i++) largest = Math.max(largest, Math.abs(data[i] as number));
    // Smaller ones count as zeros.
    if (largest < 2 ** -100) continue;
    scales[row] = largest / MAX_LEVEL;
    const inverse = Math.fround(MAX_LEVEL / largest);
    for (let i = row * cols; i < (row + 1) * cols; i++)
      levels[i] = nearestEven(Math.fround((data[i] as number) * inverse));
  }
  return { levels, scales };
}

/** Added to a number below 2^22 it leaves no fraction in float32. */
const ROUND = 12582912;

function nearestEven(x: number): number {
  return Math.fround(x + ROUND) - ROUND;
}

export const INT8: Quantization = {
  dtype: 'int8',
  metadata: { quantization: 'albert-wasm-int8', quantization_version: '1' },
  levels: 'I8',
  scaleName,
  faultOfScales,
  faultOfRows,
  quantize,
  dequantize,
};
