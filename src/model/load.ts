/** From a checkpoint's tensors, or a caller's, to a source of numbers for each parameter. */
import { mismatch } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { type Checkpoint, isFloatDtype, readBytes, readFloat32, type StoredTensor } from '../weights/checkpoint.js';
import { decodeColumns } from '../weights/columns.js';
import { faultOfScales, isInt8, scaleName } from '../weights/int8.js';
import type { Architecture } from './heads/index.js';
import { type FloatSource, faultsOf, type Int8Source, type ParameterSource } from './pack.js';
import { elements, type Parameter } from './parameters.js';

/** What a checkpoint held for a model. */
export interface Matched {
  readonly sources: ReadonlyMap<Parameter, ParameterSource>;
  /** Parameters that the checkpoint lacks and that were left to initialisation: the head's, or none. */
  readonly missing: readonly Parameter[];
  /** Tensors of the checkpoint that the model has no use for. */
  readonly surplus: readonly string[];
}

/**
 * Finds each parameter in a checkpoint, with or without the `albert.` prefix, and checks name, shape and dtype of all
 * of them before any memory is claimed. Their values are checked as they are packed.
 *
 * @param strict whether a missing head is a fault as well
 * @param asked the class that is loaded
 * @param made the class that the checkpoint was made for, to be told of where the head does not fit
 * @throws ERR_PARAMETER that lists every fault by name
 */
export function matchCheckpoint(
  parameters: readonly Parameter[],
  checkpoint: Checkpoint,
  strict: boolean,
  asked: Architecture,
  made: Architecture,
): Matched {
  const flax = checkpoint.format === 'flax_msgpack';
  const int8 = isInt8(checkpoint);
  const sources = new Map<Parameter, ParameterSource>();
  const missing: Parameter[] = [];
  const faults: string[] = [];
  const used = new Set<string>();
  let headFits = true;
  for (const parameter of parameters) {
    const name = flax ? parameter.flaxName : parameter.name;
    const tensor = findTensor(checkpoint, name, flax ? 'albert/' : 'albert.');
    if (tensor === undefined) {
      if (parameter.head && !strict) {
        missing.push(parameter);
        continue;
      }
      headFits &&= !parameter.head;
      faults.push(mismatch('ERR_PARAMETER', name, `a tensor [${parameter.shape.join(', ')}]`, 'none').message);
      continue;
    }
    used.add(tensor.name);
    const transposed = flax && parameter.kernel;
    const scales = int8 && tensor.dtype === 'I8' ? checkpoint.tensors.get(scaleName(tensor.name)) : undefined;
    if (scales !== undefined) used.add(scales.name);
    const quantized = int8 && tensor.dtype === 'I8' && parameter.shape.length === 2;
    const fault =
      faultOfShape(tensor, transposed ? [...parameter.shape].reverse() : parameter.shape) ??
      (quantized ? faultOfScales(tensor.name, parameter.shape[0] as number, scales) : faultOfDtype(tensor));
    if (fault !== undefined) {
      headFits &&= !parameter.head;
      faults.push(fault);
    } else
      sources.set(parameter, quantized ? int8Source(tensor, scales as StoredTensor) : floatSource(tensor, transposed));
  }
  if (!headFits && made !== asked) faults.unshift(`the checkpoint is one of ${made}, not of ${asked}`);
  if (faults.length > 0) throw faultsOf(faults);
  return { sources, missing, surplus: [...checkpoint.tensors.keys()].filter((name) => !used.has(name)) };
}

function floatSource(tensor: StoredTensor, transposed: boolean): FloatSource {
  const [inputs = 1] = tensor.shape;
  return {
    stored: tensor.name,
    transposed,
    fill(target, first) {
      // Flax checkpoints are in memory as a whole.
      if (transposed) return decodeColumns(tensor as StoredTensor<Uint8Array>, target, first / inputs);
      return readFloat32(tensor, target, first);
    },
  };
}

function int8Source(tensor: StoredTensor, scaleTensor: StoredTensor): Int8Source {
  const [, cols = 1] = tensor.shape;
  return {
    stored: tensor.name,
    async fillRows({ levels, scales }, row) {
      await readBytes(tensor, new Uint8Array(levels.buffer, levels.byteOffset, levels.length), row * cols);
      await readFloat32(scaleTensor, scales, row);
    },
  };
}

function findTensor({ tensors }: Checkpoint, name: string, prefix: string): StoredTensor | undefined {
  const other = name.startsWith(prefix) ? name.slice(prefix.length) : `${prefix}${name}`;
  return tensors.get(name) ?? tensors.get(other);
}

function faultOfShape({ name, shape }: StoredTensor, wanted: readonly number[]): string | undefined {
  if (shape.join() === wanted.join()) return undefined;
  return mismatch('ERR_PARAMETER', name, `the shape [${wanted.join(', ')}]`, [...shape]).message;
}

function faultOfDtype({ name, dtype }: StoredTensor): string | undefined {
  return isFloatDtype(dtype) ? undefined : mismatch('ERR_PARAMETER', name, 'a floating-point dtype', dtype).message;
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
  if (faults.length > 0) throw faultsOf(faults);
  return sources;
}
