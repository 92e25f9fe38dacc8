/**
 * int8 in a safetensors file: a matrix as I8 levels under its usual name, and one float32 scale per row under the name with
 * `_scale` (docs/int8-format.md).
 */
import { mismatch } from '../errors.js';
import type { Checkpoint, StoredTensor } from './checkpoint.js';

/** What a file says of itself. */
export const INT8_METADATA = { quantization: 'albert-wasm-int8', quantization_version: '1' } as const;

/** -128 is left out, so that the range is symmetric; the kernels' sums rely on it. */
const MAX_LEVEL = 127;

/** The largest scale whose numbers float32 can hold. */
const MAX_SCALE = Math.fround(3.4028234663852886e38 / MAX_LEVEL);

/** Rows of levels, one after another, and one scale per row. */
export interface Int8Rows {
  readonly levels: Int8Array;
  readonly scales: Float32Array;
}

/**
 * Whether a checkpoint is of this format.
 *
 * @throws ERR_CHECKPOINT for a version that this library does not know
 */
export function isInt8({ metadata }: Checkpoint): boolean {
  const { quantization, quantization_version: version } = metadata;
  if (quantization !== INT8_METADATA.quantization) return false;
  if (version !== INT8_METADATA.quantization_version) {
    throw mismatch(
      'ERR_CHECKPOINT',
      'quantization_version',
      `"${INT8_METADATA.quantization_version}"`,
      version ?? 'none',
    );
  }
  return true;
}

/** The name of a matrix's scales. */
export function scaleName(name: string): string {
  return `${name}_scale`;
}

/** What the header shows to be wrong with the scales of a matrix; `undefined` if nothing is. */
export function faultOfScales(name: string, rows: number, scales: StoredTensor | undefined): string | undefined {
  const title = scaleName(name);
  const wrong = (expected: string, got: unknown) => mismatch('ERR_PARAMETER', title, expected, got).message;
  if (scales === undefined) return wrong(`a tensor [${rows}]`, 'none');
  if (scales.shape.join() !== `${rows}`) return wrong(`the shape [${rows}]`, [...scales.shape]);
  if (scales.dtype !== 'F32') return wrong('the dtype F32', scales.dtype);
  return undefined;
}

/** What is wrong with the values of rows; `undefined` if nothing is. */
export function faultOfRows(name: string, { levels, scales }: Int8Rows): string | undefined {
  const scale = scales.find((value) => !(value >= 0 && value <= MAX_SCALE));
  if (scale !== undefined) {
    return mismatch('ERR_PARAMETER', scaleName(name), `scales from 0 to ${MAX_SCALE}`, scale).message;
  }
  if (!levels.includes(-128)) return undefined;
  return mismatch('ERR_PARAMETER', name, `levels from -${MAX_LEVEL} to ${MAX_LEVEL}`, -128).message;
}

/** The numbers of rows; `levels` may be the last bytes of `target`. */
export function dequantize({ levels, scales }: Int8Rows, target: Float32Array): void {
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
export function quantize(data: Float32Array, rows: number): Int8Rows {
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
