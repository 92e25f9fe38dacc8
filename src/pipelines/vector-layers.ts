/**
 * What sentence-transformers does with a pooled vector: dense layers, layer norms, scaling to length 1.
 *
 * Source: its modules of these names, and torch.nn for the activations.
 */
import { mismatch } from '../ground/errors.js';
import type { OpenedSource } from '../ground/source.js';
import { readTensors } from '../weights/read-tensors.js';
import { normalizeRows } from './pooling.js';

/** One step after the pooling. */
export interface VectorLayer {
  readonly kind: string;
  /** The sizes of its input and its output; `undefined`: any size, which stays the same. */
  readonly inputs?: number;
  readonly outputs?: number;
  /** Its folder, for messages. */
  readonly path: string;
  apply(vector: Float32Array): Float32Array;
}

type Config = Readonly<Record<string, unknown>>;

/** The most numbers of a vector. */
const MAX_SIZE = 1 << 16;

/** Each module and how it is read. */
const LAYERS: Readonly<
  Record<string, (config: Config, files: OpenedSource, path: string, signal?: AbortSignal) => Promise<VectorLayer>>
> = {
  Normalize: async (_config, _files, path) => ({
    kind: 'Normalize',
    path,
    apply(vector) {
      const scaled = vector.slice();
      normalizeRows(scaled, scaled.length);
      return scaled;
    },
  }),
  // It drops in training only.
  Dropout: async (_config, _files, path) => ({ kind: 'Dropout', path, apply: (vector) => vector }),
  Dense: readDense,
  LayerNorm: readLayerNorm,
};

/** @throws ERR_CONFIG for an unknown module or an invalid setting; what `readTensors` throws */
export async function readLayer(
  kind: string,
  config: Config,
  files: OpenedSource,
  path: string,
  signal: AbortSignal | undefined,
): Promise<VectorLayer> {
  if (!Object.hasOwn(LAYERS, kind)) {
    throw mismatch(
      'ERR_CONFIG',
      'type',
      `one of ${Object.keys(LAYERS).join(', ')} after Pooling`,
      kind,
      'modules.json',
    );
  }
  return (LAYERS[kind] as (typeof LAYERS)[string])(config, files, path, signal);
}

async function readDense(
  config: Config,
  files: OpenedSource,
  path: string,
  signal?: AbortSignal,
): Promise<VectorLayer> {
  const where = `${path}/config.json`;
  const inputs = readSize(config, 'in_features', where);
  const outputs = readSize(config, 'out_features', where);
  const { bias = true, activation_function = 'torch.nn.modules.activation.Tanh' } = config;
  if (typeof bias !== 'boolean') throw mismatch('ERR_CONFIG', 'bias', 'true or false', bias, where);
  for (const key of ['module_input_name', 'module_output_name']) {
    const name = config[key] ?? 'sentence_embedding';
    if (name !== 'sentence_embedding') throw mismatch('ERR_CONFIG', key, '"sentence_embedding"', name, where);
  }
  const name = /^torch\.nn\.(?:\w+\.)*(\w+)$/.exec(String(activation_function ?? 'torch.nn.Identity'))?.[1] ?? '';
  if (!Object.hasOwn(ACTIVATIONS, name)) {
    const known = Object.keys(ACTIVATIONS).join(', ');
    throw mismatch('ERR_CONFIG', 'activation_function', `torch.nn's ${known}`, activation_function, where);
  }
  const activation = ACTIVATIONS[name] as (x: number) => number;
  const shapes = new Map<string, number[]>([['linear.weight', [outputs, inputs]]]);
  if (bias) shapes.set('linear.bias', [outputs]);
  const tensors = await readTensors(files, shapes, signal);
  const weight = tensors.get('linear.weight') as Float32Array; // (outputs, inputs)
  const offset = tensors.get('linear.bias');
  return {
    kind: 'Dense',
    inputs,
    outputs,
    path,
    apply(vector) {
      return Float32Array.from({ length: outputs }, (_, row) => {
        let sum = offset?.[row] ?? 0;
        for (let i = 0; i < inputs; i++) sum += (weight[row * inputs + i] as number) * (vector[i] as number);
        return activation(sum);
      });
    },
  };
}

async function readLayerNorm(
  config: Config,
  files: OpenedSource,
  path: string,
  signal?: AbortSignal,
): Promise<VectorLayer> {
  const size = readSize(config, 'dimension', `${path}/config.json`);
  const shapes = new Map([
    ['norm.weight', [size]],
    ['norm.bias', [size]],
  ]);
  const tensors = await readTensors(files, shapes, signal);
  const [weight, bias] = [...tensors.values()] as [Float32Array, Float32Array];
  return {
    kind: 'LayerNorm',
    inputs: size,
    outputs: size,
    path,
    apply(vector) {
      const mean = vector.reduce((sum, value) => sum + value, 0) / size;
      const variance = vector.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
      const deviation = Math.sqrt(variance + 1e-5);
      return vector.map((value, i) => ((value - mean) / deviation) * (weight[i] as number) + (bias[i] as number));
    },
  };
}

function readSize(config: Config, key: string, where: string): number {
  const value = config[key];
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MAX_SIZE) return value as number;
  throw mismatch('ERR_CONFIG', key, `an integer from 1 to ${MAX_SIZE}`, value, where);
}

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** torch.nn's, with its default parameters. */
const ACTIVATIONS: Readonly<Record<string, (x: number) => number>> = {
  Identity: (x) => x,
  Tanh: Math.tanh,
  ReLU: (x) => Math.max(x, 0),
  ReLU6: (x) => Math.min(Math.max(x, 0), 6),
  LeakyReLU: (x) => (x >= 0 ? x : 0.01 * x),
  ELU: (x) => (x > 0 ? x : Math.expm1(x)),
  GELU: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  SiLU: (x) => x / (1 + Math.exp(-x)),
  Mish: (x) => x * Math.tanh(softplus(x)),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  LogSigmoid: (x) => -softplus(-x),
  Softplus: softplus,
  Softsign: (x) => x / (1 + Math.abs(x)),
  Hardtanh: (x) => Math.min(Math.max(x, -1), 1),
};

/** The error function, by its series of positive terms. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return ((2 * sum) / Math.sqrt(Math.PI)) * Math.exp(-x * x);
}
