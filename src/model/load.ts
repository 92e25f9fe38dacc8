/** From a checkpoint's tensors to packed parameters, and back. */
import type { Engine } from '../engine/engine.js';
import { matrixBytes, padded } from '../engine/memory.js';
import { AlbertError, mismatch, throwIfAborted } from '../errors.js';
import { Tensor } from '../tensor.js';
import { type Checkpoint, isFloatDtype, readFloat32, type StoredTensor } from '../weights/checkpoint.js';
import { decodeColumns } from '../weights/columns.js';
import { elements, matrixOf, type Parameter, rowsAtOnce } from './parameters.js';

/** Where a parameter's numbers come from, and how a matrix lies there. */
export interface ParameterSource {
  /** Its name in a checkpoint, where every value must be finite; other sources are the caller's own affair. */
  readonly stored?: string;
  /** Whether a dense weight is stored as Flax's kernel, (in, out). */
  readonly transposed: boolean;
  /**
   * Fills `target` with whole rows of the parameter, row-major, from the row that begins with element `first` on; those
   * of a transposed source side by side, (in, rows).
   */
  fill(target: Float32Array, first: number): void | Promise<void>;
}

/** What a checkpoint held for a model. */
export interface Matched {
  readonly sources: ReadonlyMap<Parameter, ParameterSource>;
  /** Parameters that the checkpoint lacks and that were left to initialisation: the head's, or none. */
  readonly missing: readonly Parameter[];
  /** Tensors of the checkpoint that the model has no use for. */
  readonly surplus: readonly string[];
}

/** Faults listed in one message; a checkpoint of another model has hundreds. */
const FAULTS_LISTED = 20;

/**
 * Finds each parameter in a checkpoint, with or without the `albert.` prefix, and checks name, shape and dtype of all
 * of them before any memory is claimed. Their values are checked as they are packed.
 *
 * @param strict whether a missing head is a fault as well
 * @throws ERR_PARAMETER that lists every fault by name
 */
export function matchCheckpoint(parameters: readonly Parameter[], checkpoint: Checkpoint, strict: boolean): Matched {
  const flax = checkpoint.format === 'flax_msgpack';
  const sources = new Map<Parameter, ParameterSource>();
  const missing: Parameter[] = [];
  const faults: string[] = [];
  const used = new Set<string>();
  for (const parameter of parameters) {
    const name = flax ? parameter.flaxName : parameter.name;
    const tensor = findTensor(checkpoint, name, flax ? 'albert/' : 'albert.');
    if (tensor === undefined) {
      if (parameter.head && !strict) missing.push(parameter);
      else faults.push(mismatch('ERR_PARAMETER', name, `a tensor [${parameter.shape.join(', ')}]`, 'none').message);
      continue;
    }
    used.add(tensor.name);
    const transposed = flax && parameter.kernel;
    const fault = faultOf(tensor, transposed ? parameter.shape.toReversed() : parameter.shape);
    if (fault !== undefined) faults.push(fault);
    else sources.set(parameter, { stored: tensor.name, transposed, fill: filler(tensor, transposed) });
  }
  if (faults.length > 0) throw new AlbertError('ERR_PARAMETER', listed(faults));
  return { sources, missing, surplus: [...checkpoint.tensors.keys()].filter((name) => !used.has(name)) };
}

function filler(tensor: StoredTensor, transposed: boolean): ParameterSource['fill'] {
  if (!transposed) return (target, first) => readFloat32(tensor, target, first);
  const [inputs = 1] = tensor.shape;
  // Flax checkpoints are in memory as a whole.
  return (target, first) => decodeColumns(tensor as StoredTensor<Uint8Array>, target, first / inputs);
}

function findTensor({ tensors }: Checkpoint, name: string, prefix: string): StoredTensor | undefined {
  const other = name.startsWith(prefix) ? name.slice(prefix.length) : `${prefix}${name}`;
  return tensors.get(name) ?? tensors.get(other);
}

function faultOf(tensor: StoredTensor, shape: readonly number[]): string | undefined {
  const { name, dtype } = tensor;
  if (tensor.shape.join() !== shape.join()) {
    return mismatch('ERR_PARAMETER', name, `the shape [${shape.join(', ')}]`, [...tensor.shape]).message;
  }
  if (!isFloatDtype(dtype)) return mismatch('ERR_PARAMETER', name, 'a floating-point dtype', dtype).message;
  return undefined;
}

function listed(faults: readonly string[]): string {
  const more = faults.length > FAULTS_LISTED ? [`and ${faults.length - FAULTS_LISTED} more`] : [];
  return [...faults.slice(0, FAULTS_LISTED), ...more].join('\n');
}

/** Named tensors, as `params` of a model returns them, or as an object. */
export type Params = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/**
 * The parameters that a caller hands to one forward, by PyTorch's names as `params` gives them.
 *
 * @throws ERR_PARAMETER that lists every missing or misshapen tensor
 */
export function matchParams(parameters: readonly Parameter[], params: Params): ReadonlyMap<Parameter, ParameterSource> {
  if (typeof params !== 'object' || params === null) throw mismatch('ERR_INPUT', 'params', 'named tensors', params);
  const faults: string[] = [];
  const sources = new Map<Parameter, ParameterSource>();
  for (const parameter of parameters) {
    const { name, shape } = parameter;
    const tensor = params instanceof Map ? params.get(name) : (params as Readonly<Record<string, Tensor>>)[name];
    const { data } = tensor ?? {};
    if (!(data instanceof Float32Array) || tensor?.shape?.join() !== shape.join() || data.length !== elements(shape)) {
      const got = tensor === undefined ? 'none' : `${tensor?.dtype} [${tensor?.shape?.join(', ')}]`;
      faults.push(mismatch('ERR_PARAMETER', name, `a float32 tensor [${shape.join(', ')}]`, got).message);
    } else {
      const fill = (target: Float32Array, first: number) => target.set(data.subarray(first, first + target.length));
      sources.set(parameter, { transposed: false, fill });
    }
  }
  if (faults.length > 0) throw new AlbertError('ERR_PARAMETER', listed(faults));
  return sources;
}

/**
 * Packs parameters into the weights' part of memory.
 *
 * @param weights what the parameters' places lie in; its padding is zeroed
 * @param staging address of `stagingFloats` floats; the parameters pass through it a few rows at a time
 * @throws ERR_PARAMETER that lists every tensor of a checkpoint with a NaN or an infinity, ERR_SOURCE, ERR_ABORTED; what
 *   is in the weights' memory then is good for nothing
 */
export async function packParameters(
  engine: Engine,
  sources: ReadonlyMap<Parameter, ParameterSource>,
  weights: { readonly start: number; readonly end: number },
  staging: number,
  signal?: AbortSignal,
): Promise<void> {
  const { memory, kernels } = engine;
  memory.f32(weights.start, (weights.end - weights.start) / 4).fill(0);
  const faults: string[] = [];
  for (const [parameter, source] of sources) {
    const [rows, cols] = matrixOf(parameter);
    const most = rowsAtOnce(parameter);
    let finite = true;
    for (let row = 0; row < rows; row += most) {
      throwIfAborted(signal);
      const staged = memory.f32(staging, Math.min(most, rows - row) * cols);
      await source.fill(staged, row * cols);
      finite &&= kernels.allFinite(staging, staged.length) !== 0;
      place(engine, parameter, source.transposed, row, staged);
    }
    if (source.stored !== undefined && !finite) {
      faults.push(mismatch('ERR_PARAMETER', source.stored, 'finite values', 'NaN or infinity').message);
    }
  }
  if (faults.length > 0) throw new AlbertError('ERR_PARAMETER', listed(faults));
}

/** Moves rows of a parameter, from `row` on, from staging memory to their place. */
function place(engine: Engine, parameter: Parameter, transposed: boolean, row: number, staged: Float32Array): void {
  const { place } = parameter;
  const [, cols] = matrixOf(parameter);
  const rows = staged.length / cols;
  if (place.kind === 'vector') {
    engine.memory.f32(place.address, cols).set(staged);
  } else if (place.kind === 'table') {
    const table = engine.memory.f32(place.address + matrixBytes(row, cols), rows * padded(cols));
    for (let i = 0; i < rows; i++) table.set(staged.subarray(i * cols, (i + 1) * cols), i * padded(cols));
  } else {
    const strides = transposed ? ([rows * 4, 4] as const) : ([4, cols * 4] as const);
    engine.pack(place.panels, staged.byteOffset, strides, [cols, rows], place.first + row);
  }
}

/** A copy of one parameter, in PyTorch's orientation: bit for bit what was packed in float32, dequantised from int8. */
export function readParameter(engine: Engine, { place, shape }: Parameter): Tensor<Float32Array> {
  const [rows = 1, cols = 1] = shape;
  if (place.kind === 'panels') return new Tensor(engine.unpack(place.panels, cols, rows, place.first), shape);
  const data = new Float32Array(elements(shape));
  if (place.kind === 'vector') {
    data.set(engine.memory.f32(place.address, data.length));
  } else {
    engine.read({ address: place.address, rows, cols, stride: padded(cols) * 4 }, data);
  }
  return new Tensor(data, shape);
}
