/** Writing a model as Hugging Face and Flax libraries read it, or quantised as this one does. */
import { writeFiles } from '#platform';
import type { Engine } from '../../engine/engine.js';
import { SAVED_DTYPES } from '../../ground/dtypes.js';
import { AlbertError, mismatch } from '../../ground/errors.js';
import { encodeFlaxMsgpack } from '../../weights/flax-writer.js';
import { quantizationNamed } from '../../weights/quantizations.js';
import type { Quantization } from '../../weights/quantized.js';
import { encodeSafetensors, type TensorToWrite } from '../../weights/safetensors.js';
import type { SaveOptions } from '../options.js';
import { readParameter, readQuantized } from './pack.js';
import type { Parameter } from './table.js';

/** The stored dtype of each dtype of floats. */
const STORED = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;
type FloatDtype = keyof typeof STORED;

/** From these magnitudes on, rounding to nearest gives infinity. */
const OVERFLOW = { float32: Infinity, float16: 65_520, bfloat16: 2 ** 128 * (1 - 2 ** -9) };

/**
 * Writes a model's files.
 *
 * @throws what {@link encodeModel} throws; ERR_SOURCE when the directory cannot be written, or holds weights of a format that would
 *   be loaded instead
 */
export async function saveModel(
  engine: Engine,
  parameters: readonly Parameter[],
  config: Readonly<Record<string, unknown>>,
  directory: string | URL,
  options: SaveOptions,
): Promise<void> {
  const files = encodeModel(engine, parameters, config, options);
  // Loading prefers safetensors: beside old ones the new weights would never be seen.
  const rivals = files.has('model.safetensors') ? [] : ['model.safetensors', 'model.safetensors.index.json'];
  await writeFiles(directory, files, rivals);
}

/**
 * The configuration and the weights as files, by name.
 *
 * @throws ERR_INPUT for an unknown format or dtype, ERR_PARAMETER for a value that the dtype cannot hold
 */
export function encodeModel(
  engine: Engine,
  parameters: readonly Parameter[],
  config: Readonly<Record<string, unknown>>,
  { format = 'safetensors', dtype = 'float32' }: SaveOptions,
): Map<string, Uint8Array> {
  if (!SAVED_DTYPES.includes(dtype)) throw mismatch('ERR_INPUT', 'dtype', SAVED_DTYPES.join(', '), dtype);
  const quantization = quantizationNamed(dtype);
  // In quantised files, what is not quantised is float32 and keeps every bit: docs/int8-format.md lists it.
  const floats = quantization === undefined ? (dtype as FloatDtype) : 'float32';
  const files = new Map<string, Uint8Array>();
  if (format === 'safetensors') {
    const tensors = parameters.flatMap((parameter) =>
      quantization !== undefined && parameter.quantizable
        ? asQuantized(engine, parameter, quantization)
        : [asFloats(engine, parameter, floats)],
    );
    const metadata = { format: 'pt', ...quantization?.metadata };
    files.set('model.safetensors', encodeSafetensors(tensors, STORED[floats], metadata));
  } else if (format === 'flax_msgpack') {
    if (quantization !== undefined)
      throw mismatch('ERR_INPUT', 'format', `safetensors, since dtype is ${dtype}`, format);
    const tensors = parameters.map((parameter) => asFlax(parameter, asFloats(engine, parameter, floats)));
    files.set('flax_model.msgpack', encodeFlaxMsgpack(tensors, STORED[floats]));
  } else {
    throw mismatch('ERR_INPUT', 'format', 'safetensors or flax_msgpack', format);
  }
  files.set('config.json', encodeConfig({ model_type: 'albert', ...config, ...dtypeKeys(floats, quantization) }));
  return files;
}

/** How Hugging Face's configurations tell of numbers: the dtype to compute in, and a key that other readers must heed. */
function dtypeKeys(dtype: FloatDtype, quantization: Quantization | undefined): Record<string, unknown> {
  if (quantization === undefined) return { torch_dtype: undefined, dtype, quantization_config: undefined };
  const { quantization: quant_method, quantization_version: version } = quantization.metadata;
  return { torch_dtype: undefined, dtype, quantization_config: { quant_method, version: Number(version) } };
}

/** @throws ERR_PARAMETER for a value that the dtype cannot hold */
function asFloats(engine: Engine, parameter: Parameter, dtype: FloatDtype): TensorToWrite {
  const { name, shape } = parameter;
  const { data } = readParameter(engine, parameter);
  const huge = data.find((value) => Math.abs(value) >= OVERFLOW[dtype]);
  if (huge !== undefined) throw mismatch('ERR_PARAMETER', name, `values that ${dtype} can hold`, huge);
  return { name, shape, data };
}

/** The levels and their scales. @throws ERR_PARAMETER for numbers that are not finite */
function asQuantized(
  engine: Engine,
  parameter: Parameter,
  quantization: Quantization,
): TensorToWrite<Int8Array | Float32Array>[] {
  const { name, shape } = parameter;
  const rows = readQuantized(engine, parameter, quantization);
  const fault = quantization.faultOfRows(name, rows);
  if (fault !== undefined) throw new AlbertError('ERR_PARAMETER', fault);
  const { levels, scales } = rows;
  return [
    { name, shape, data: levels },
    { name: quantization.scaleName(name), shape: [scales.length], data: scales },
  ];
}

function encodeConfig(config: object): Uint8Array {
  try {
    return new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`);
  } catch (cause) {
    throw new AlbertError('ERR_CONFIG', `the configuration cannot be written: ${(cause as Error).message}`, { cause });
  }
}

/** Under Flax's path, a dense weight as Flax's kernel (in, out). */
function asFlax({ flaxName: name, shape, kernel }: Parameter, { data }: TensorToWrite): TensorToWrite {
  if (!kernel) return { name, shape, data };
  const [outputs = 0, inputs = 0] = shape;
  const transposed = new Float32Array(data.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) transposed[i * outputs + o] = data[o * inputs + i] as number;
  }
  return { name, shape: [inputs, outputs], data: transposed };
}
