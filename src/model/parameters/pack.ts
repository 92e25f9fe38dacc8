/** Packs parameters into the weights' memory, a few rows at a time, and copies them back. */

import type { Engine } from '../../engine/engine.js';
import { matrixBytes, PANEL_COLUMNS, padded } from '../../engine/memory.js';
import { throwIfAborted } from '../../ground/abort.js';
import { AlbertError, mismatch } from '../../ground/errors.js';
import { Tensor } from '../../ground/tensor.js';
import type { Quantization, QuantizedRows } from '../../weights/quantized.js';
import { matrixOf, type Parameter } from './table.js';

/** Where a parameter's numbers come from, and how a matrix lies there. */
export interface FloatSource {
  /** Its name in a checkpoint or among a caller's `params`, whose values must be finite; absent for initial values, which are. */
  readonly stored?: string;
  /** Whether a dense weight is stored as Flax's kernel, (in, out). */
  readonly transposed: boolean;
  /**
   * Fills `target` with whole rows of the parameter, row-major, from the row that begins with element `first` on; those
   * of a transposed source side by side, (in, rows).
   */
  fill(target: Float32Array, first: number): void | Promise<void>;
}

/** A matrix that a checkpoint holds quantised. */
export interface QuantizedSource {
  /** Its name there. */
  readonly stored: string;
  readonly quantization: Quantization;
  /** Fills levels and scales with rows from `row` on. */
  fillRows(rows: QuantizedRows, row: number): Promise<void>;
}

export type ParameterSource = FloatSource | QuantizedSource;

/** Floats that pass through staging memory at once: 1 MiB stays in the second cache, and a file is read in few calls. */
const STAGING_FLOATS = 2 ** 18;

/** Rows of a parameter that are packed at once: whole panels where there is room for one, and all of a vector. */
function rowsAtOnce(parameter: Parameter): number {
  const [rows, cols] = matrixOf(parameter);
  const most = Math.max(1, Math.floor(STAGING_FLOATS / cols));
  return Math.min(rows, most < PANEL_COLUMNS ? most : most - (most % PANEL_COLUMNS));
}

/** Floats of staging memory that packing takes: for some rows, and a scale for each. */
export function stagingFloats(parameters: readonly Parameter[]): number {
  return parameters.reduce((most, parameter) => {
    return Math.max(most, rowsAtOnce(parameter) * (matrixOf(parameter)[1] + 1));
  }, 0);
}

/** Faults listed in one message; a checkpoint of another model has hundreds. */
const FAULTS_LISTED = 20;

/** Several faults as one error. */
export function faultsOf(faults: readonly string[]): AlbertError {
  const more = faults.length > FAULTS_LISTED ? [`and ${faults.length - FAULTS_LISTED} more`] : [];
  return new AlbertError('ERR_PARAMETER', [...faults.slice(0, FAULTS_LISTED), ...more]);
}

/**
 * Packs parameters into the weights' part of memory.
 *
 * @param weights the region that holds the parameters' locations; its padding is zeroed
 * @param staging address of `stagingFloats` floats; the parameters pass through it a few rows at a time
 * @throws ERR_PARAMETER that lists every tensor with invalid values, ERR_SOURCE, ERR_ABORTED; the weights' memory is then
 *   not usable
 */
export async function packWeights(
  engine: Engine,
  sources: ReadonlyMap<Parameter, ParameterSource>,
  weights: { readonly start: number; readonly end: number },
  staging: number,
  signal?: AbortSignal,
): Promise<void> {
  const { memory } = engine;
  memory.f32(weights.start, (weights.end - weights.start) / 4).fill(0);
  const faults: string[] = [];
  for (const [parameter, source] of sources) {
    const [rows, cols] = matrixOf(parameter);
    const most = rowsAtOnce(parameter);
    let fault: string | undefined;
    for (let row = 0; row < rows; row += most) {
      throwIfAborted(signal);
      const staged = memory.f32(staging, Math.min(most, rows - row) * cols);
      const found =
        'fillRows' in source
          ? await packQuantized(engine, parameter, source, row, staged)
          : await packFloats(engine, parameter, source, row, staged);
      fault ??= found;
    }
    if (fault !== undefined) faults.push(fault);
  }
  if (faults.length > 0) throw faultsOf(faults);
}

/** Packs the rows that fill `staged`. @returns what is wrong with them, if anything */
async function packFloats(
  engine: Engine,
  parameter: Parameter,
  { stored, transposed, fill }: FloatSource,
  row: number,
  staged: Float32Array,
): Promise<string | undefined> {
  await fill(staged, row * matrixOf(parameter)[1]);
  writePacked(engine, parameter, transposed, row, staged);
  if (stored === undefined || engine.kernels.allFinite(staged.byteOffset, staged.length) !== 0) return undefined;
  return mismatch('ERR_PARAMETER', stored, 'finite values', 'NaN or infinity').message;
}

/** The same of quantised rows: into panels of their dtype as they are, elsewhere as the numbers they stand for. */
async function packQuantized(
  engine: Engine,
  parameter: Parameter,
  { stored, quantization, fillRows }: QuantizedSource,
  row: number,
  staged: Float32Array,
): Promise<string | undefined> {
  const [, cols] = matrixOf(parameter);
  const rows = staged.length / cols;
  // The levels at the end of the floats that may be made of them, the scales behind.
  const levels = new Int8Array(staged.buffer, staged.byteOffset + 3 * staged.length, staged.length);
  const scales = engine.memory.f32(staged.byteOffset + staged.byteLength, rows);
  await fillRows({ levels, scales }, row);
  const fault = quantization.faultOfRows(stored, { levels, scales });
  const { location: to } = parameter;
  if (to.kind === 'panels' && to.panels.dtype === quantization.dtype) {
    engine.packing.packLevels(to.panels, levels.byteOffset, scales.byteOffset, [cols, rows], to.first + row);
  } else {
    quantization.dequantize({ levels, scales }, staged);
    writePacked(engine, parameter, false, row, staged);
  }
  return fault;
}

/** Moves rows of a parameter, from `row` on, from staging memory to their location. */
function writePacked(
  engine: Engine,
  parameter: Parameter,
  transposed: boolean,
  row: number,
  staged: Float32Array,
): void {
  const { location } = parameter;
  const [, cols] = matrixOf(parameter);
  const rows = staged.length / cols;
  if (location.kind === 'vector') {
    engine.memory.f32(location.address, cols).set(staged);
  } else if (location.kind === 'table') {
    const table = engine.memory.f32(location.address + matrixBytes(row, cols), rows * padded(cols));
    for (let i = 0; i < rows; i++) table.set(staged.subarray(i * cols, (i + 1) * cols), i * padded(cols));
  } else {
    const strides = transposed ? ([rows * 4, 4] as const) : ([4, cols * 4] as const);
    for (const panels of [location.panels, location.fine]) {
      if (panels !== undefined)
        engine.packing.pack(panels, staged.byteOffset, strides, [cols, rows], location.first + row);
    }
  }
}

/** A copy of one parameter, in PyTorch's orientation: bit for bit what was packed in float32, dequantised where it was quantised. */
export function readParameter(engine: Engine, parameter: Parameter): Tensor<Float32Array> {
  const { location, shape } = parameter;
  const [rows, cols] = matrixOf(parameter);
  if (location.kind === 'panels')
    return new Tensor(engine.packing.unpack(location.panels, cols, rows, location.first), shape);
  const data = new Float32Array(rows * cols);
  if (location.kind === 'vector') {
    data.set(engine.memory.f32(location.address, data.length));
  } else {
    engine.read({ address: location.address, rows, cols, stride: padded(cols) * 4 }, data);
  }
  return new Tensor(data, shape);
}

/** A copy of a matrix, quantised: as it was packed, or quantised as packing would. */
export function readQuantized(engine: Engine, parameter: Parameter, quantization: Quantization): QuantizedRows {
  const { location } = parameter;
  const [rows, cols] = matrixOf(parameter);
  if (location.kind === 'panels' && location.panels.dtype === quantization.dtype)
    return engine.packing.unpackLevels(location.panels, cols, rows, location.first);
  return quantization.quantize(readParameter(engine, parameter).data, rows);
}
