/** Writing a model as Hugging Face and Flax libraries read it. */
import { writeFiles } from '#platform';
import { AlbertError, mismatch } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { encodeFlaxMsgpack } from '../weights/flax-msgpack.js';
import { encodeSafetensors } from '../weights/safetensors.js';
import type { Parameter } from './parameters.js';

export interface SaveOptions {
  /** `model.safetensors` with PyTorch's names (the default), or `flax_model.msgpack` with Flax's tree. */
  readonly format?: 'safetensors' | 'flax_msgpack';
  /** The stored type of the numbers; float32 unless given. */
  readonly dtype?: 'float32' | 'float16' | 'bfloat16';
}

const STORED = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

/** From these magnitudes on, rounding to nearest gives infinity. */
const OVERFLOW = { float32: Infinity, float16: 65_520, bfloat16: 2 ** 128 * (1 - 2 ** -9) };

interface Named {
  readonly parameter: Parameter;
  readonly tensor: Tensor<Float32Array>;
}

/**
 * @throws ERR_INPUT for an unknown format or dtype, ERR_PARAMETER for a value that the dtype cannot hold, ERR_SOURCE when
 *   the directory cannot be written, or holds weights of a format that would be loaded instead
 */
export async function saveModel(
  directory: string | URL,
  config: Readonly<Record<string, unknown>>,
  tensors: readonly Named[],
  { format = 'safetensors', dtype = 'float32' }: SaveOptions,
): Promise<void> {
  if (!Object.hasOwn(STORED, dtype)) throw mismatch('ERR_INPUT', 'dtype', Object.keys(STORED).join(', '), dtype);
  const overflow = OVERFLOW[dtype];
  for (const { parameter, tensor } of tensors) {
    const huge = tensor.data.find((value) => Math.abs(value) >= overflow);
    if (huge !== undefined) throw mismatch('ERR_PARAMETER', parameter.name, `values that ${dtype} can hold`, huge);
  }
  const files = new Map<string, Uint8Array>();
  const stored = STORED[dtype];
  if (format === 'safetensors') {
    const named = tensors.map(({ parameter: { name, shape }, tensor: { data } }) => ({ name, shape, data }));
    files.set('model.safetensors', encodeSafetensors(named, stored, { format: 'pt' }));
  } else if (format === 'flax_msgpack') {
    files.set('flax_model.msgpack', encodeFlaxMsgpack(tensors.map(asFlax), stored));
  } else {
    throw mismatch('ERR_INPUT', 'format', 'safetensors or flax_msgpack', format);
  }
  files.set('config.json', encodeConfig({ model_type: 'albert', ...config, torch_dtype: undefined, dtype }));
  // Loading prefers safetensors: beside old ones the new weights would never be seen.
  const rivals = format === 'safetensors' ? [] : ['model.safetensors', 'model.safetensors.index.json'];
  await writeFiles(directory, files, rivals);
}

function encodeConfig(config: object): Uint8Array {
  try {
    return new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`);
  } catch (cause) {
    throw new AlbertError('ERR_CONFIG', `the configuration cannot be written: ${(cause as Error).message}`, { cause });
  }
}

/** Under Flax's path, a dense weight as Flax's kernel (in, out). */
function asFlax({ parameter, tensor: { data } }: Named) {
  const { flaxName: name, shape, kernel } = parameter;
  if (!kernel) return { name, shape, data };
  const [outputs = 0, inputs = 0] = shape;
  const transposed = new Float32Array(data.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) transposed[i * outputs + o] = data[o * inputs + i] as number;
  }
  return { name, shape: [inputs, outputs], data: transposed };
}
