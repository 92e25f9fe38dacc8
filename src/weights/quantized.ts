/** What a quantisation is: how a checkpoint stores its large matrices in fewer bits. */
import type { Dtype } from '../ground/dtypes.js';
import type { StoredDtype, StoredTensor } from './checkpoint.js';

/** Rows of a matrix: their levels, one row after the other, and one scale per row. */
export interface QuantizedRows {
  readonly levels: Int8Array;
  readonly scales: Float32Array;
}

export interface Quantization {
  /** The dtype of a model that holds such matrices as they are stored; `save_pretrained` knows the quantisation by it. */
  readonly dtype: Exclude<Dtype, 'float32'>;
  /** What a file says of itself. */
  readonly metadata: { readonly quantization: string; readonly quantization_version: string };
  /** The stored dtype of levels. */
  readonly levels: StoredDtype;
  /** The name of a matrix's scales. */
  scaleName(name: string): string;
  /** What is wrong with the scales of a matrix of so many rows, by their header; `undefined` if nothing. */
  faultOfScales(name: string, rows: number, scales: StoredTensor | undefined): string | undefined;
  /** What is wrong with the values of rows; `undefined` if nothing. */
  faultOfRows(name: string, rows: QuantizedRows): string | undefined;
  /** Quantises a row-major matrix of so many rows, bit for bit as an engine of this dtype packs it. */
  quantize(data: Float32Array, rows: number): QuantizedRows;
  /** The numbers of rows; `levels` may be the last bytes of `target`. */
  dequantize(rows: QuantizedRows, target: Float32Array): void;
}
