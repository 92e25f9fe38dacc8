/** Matches a checkpoint's tensors, or a caller's, with the table of parameters: a source of numbers for each parameter. */

import { reading } from '../../ground/checks.js';
import { mismatch } from '../../ground/errors.js';
import { isA, ownArray } from '../../ground/realm.js';
import { Tensor } from '../../ground/tensor.js';
import { type Checkpoint, isFloatDtype, readBytes, readFloat32, type StoredTensor } from '../../weights/checkpoint.js';
import { decodeColumns, readColumns } from '../../weights/columns.js';
import { quantizationOf } from '../../weights/quantizations.js';
import type { Quantization } from '../../weights/quantized.js';
import type { Params } from '../options.js';
import { type FloatSource, faultsOf, type ParameterSource, type QuantizedSource } from './pack.js';
import { elements, type Parameter } from './table.js';

/** What a checkpoint held for a model. */
export interface Matched {
  readonly sources: ReadonlyMap<Parameter, ParameterSource>;
  /** Parameters that the checkpoint lacks and that were left to initialisation: the head's, or none. */
  readonly missing: readonly Parameter[];
  /** Tensors of the checkpoint that the model does not use. */
  readonly surplus: readonly string[];
}

/** How strict a match is, and what the faults of one tell besides names, shapes and dtypes. */
export interface Matching {
  /** Whether a missing head is a fault as well. */
  readonly strict: boolean;
  /** The name of the class that is loaded. */
  readonly architecture: string;
  /** The name of the class that the checkpoint was made for, reported if the head does not fit. */
  readonly made: string;
  /** What the configuration leaves open, reported if something does not fit. */
  readonly doubts: readonly string[];
  /** Present where head weights of another shape, and a classifier of other labels, are left to initialisation. */
  readonly newHead?: { readonly sameLabels: boolean } | undefined;
}

/**
 * Finds each parameter in a checkpoint, with or without the `albert.` prefix, and checks name, shape and dtype of all
 * of them before any memory is claimed. Their values are checked as they are packed.
 *
 * @throws ERR_PARAMETER that lists every fault by name
 */
export function matchCheckpoint(
  parameters: readonly Parameter[],
  checkpoint: Checkpoint,
  { strict, architecture, made, doubts, newHead }: Matching,
): Matched {
  const flax = checkpoint.naming === 'flax';
  const quantization = quantizationOf(checkpoint);
  const sources = new Map<Parameter, ParameterSource>();
  const missing: Parameter[] = [];
  const faults: string[] = [];
  const used = new Set<StoredTensor>();
  let headFits = true;
  for (const parameter of parameters) {
    const name = flax ? parameter.flaxName : parameter.name;
    const tensor = findTensor(checkpoint, name, flax ? 'albert/' : 'albert.');
    if (tensor === undefined) {
      if (parameter.of === 'head' && !strict) {
        missing.push(parameter);
        continue;
      }
      headFits &&= parameter.of !== 'head';
      faults.push(mismatch('ERR_PARAMETER', name, `a tensor [${parameter.shape.join(', ')}]`, 'none').message);
      continue;
    }
    used.add(tensor);
    const transposed = flax && parameter.kernel;
    const inLevels = tensor.dtype === quantization?.levels ? quantization : undefined;
    const scales = inLevels && checkpoint.tensors.get(inLevels.scaleName(tensor.name));
    if (scales !== undefined) used.add(scales);
    const quantized = parameter.shape.length === 2 ? inLevels : undefined;
    // Classifiers of texts, tokens and choices have one name, and may have one shape.
    const isOther =
      newHead !== undefined &&
      parameter.name.startsWith('classifier.') &&
      (made !== architecture || !newHead.sameLabels);
    const fault =
      faultOfShape(tensor, transposed ? [...parameter.shape].reverse() : parameter.shape) ??
      (quantized ? quantized.faultOfScales(tensor.name, parameter.shape[0] as number, scales) : faultOfDtype(tensor));
    if (isOther || (fault !== undefined && newHead !== undefined && parameter.of === 'head')) {
      missing.push(parameter);
      used.delete(tensor);
    } else if (fault !== undefined) {
      headFits &&= parameter.of !== 'head';
      faults.push(fault);
    } else
      sources.set(
        parameter,
        quantized
          ? quantizedSource(quantized, tensor, scales as StoredTensor)
          : floatSource(tensor, parameter, transposed),
      );
  }
  if (!headFits && made !== architecture) faults.unshift(`the checkpoint is one of ${made}, not of ${architecture}`);
  if (faults.length > 0) throw faultsOf([...doubts, ...faults]);
  const surplus = [...new Set(checkpoint.tensors.values())].filter((tensor) => !used.has(tensor));
  return { sources, missing, surplus: surplus.map(({ name }) => name) };
}

/** @param kernel whether the tensor is one of Flax's, (in, out) */
function floatSource(tensor: StoredTensor, { location }: Parameter, kernel: boolean): FloatSource {
  const stored = tensor.name;
  const [rows = 1, inputs = 1] = kernel ? [...tensor.shape].reverse() : tensor.shape;
  // Only panels are packed from either orientation.
  if (tensor.columns !== undefined && location.kind === 'panels') {
    const columns = { ...tensor, shape: [inputs, rows], bytes: tensor.columns };
    return { stored, transposed: true, fill: (target, first) => readColumns(columns, target, first / inputs) };
  }
  if (!kernel) return { stored, transposed: false, fill: (target, first) => readFloat32(tensor, target, first) };
  let whole: StoredTensor<Uint8Array> | undefined;
  return {
    stored,
    transposed: true,
    async fill(target, first) {
      // Rows of a kernel are columns of what is stored: all of it is needed for the first of them.
      whole ??= await inMemory(tensor);
      decodeColumns(whole, target, first / inputs);
      if (first + target.length === elements(tensor.shape)) whole = undefined;
    },
  };
}

async function inMemory(tensor: StoredTensor): Promise<StoredTensor<Uint8Array>> {
  if (tensor.bytes instanceof Uint8Array) return tensor as StoredTensor<Uint8Array>;
  const bytes = new Uint8Array(tensor.bytes.length);
  await readBytes(tensor, bytes, 0);
  return { ...tensor, bytes };
}

function quantizedSource(quantization: Quantization, tensor: StoredTensor, scales: StoredTensor): QuantizedSource {
  const [, cols = 1] = tensor.shape;
  return {
    stored: tensor.name,
    quantization,
    async fillRows(rows, row) {
      const { levels } = rows;
      await readBytes(tensor, new Uint8Array(levels.buffer, levels.byteOffset, levels.length), row * cols);
      await readFloat32(scales, rows.scales, row);
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

/**
 * The parameters that a caller passes to one forward, by PyTorch's names, as `params` returns them.
 *
 * @throws ERR_PARAMETER that lists every missing or misshapen tensor; their values are checked as they are packed
 */
export function matchParams(parameters: readonly Parameter[], params: Params): ReadonlyMap<Parameter, ParameterSource> {
  if (typeof params !== 'object' || params === null) throw mismatch('ERR_INPUT', 'params', 'named tensors', params);
  return reading('params', () => matchNamed(parameters, params));
}

function matchNamed(parameters: readonly Parameter[], params: Params): ReadonlyMap<Parameter, ParameterSource> {
  const faults: string[] = [];
  const sources = new Map<Parameter, ParameterSource>();
  for (const parameter of parameters) {
    const { name, shape } = parameter;
    const tensor = isA('Map', params) ? params.get(name) : (params as Readonly<Record<string, Tensor>>)[name];
    const { data: given, shape: stated } = tensor ?? {};
    const data = ownArray(given, 'Float32Array');
    const shaped =
      Array.isArray(stated) && stated.length === shape.length && shape.every((size, i) => stated[i] === size);
    if (data === undefined || !shaped || data.length !== elements(shape)) {
      const got = tensor instanceof Tensor ? `${tensor.dtype} [${tensor.shape.join(', ')}]` : (tensor ?? 'none');
      faults.push(mismatch('ERR_PARAMETER', name, `a float32 tensor [${shape.join(', ')}]`, got).message);
    } else {
      const fill = (target: Float32Array, first: number) => target.set(data.subarray(first, first + target.length));
      sources.set(parameter, { stored: name, transposed: false, fill });
    }
  }
  if (faults.length > 0) throw faultsOf(faults);
  return sources;
}
