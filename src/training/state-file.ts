/** The file of a training's state: both moments of every trainable parameter, and what the training was. */
import { closeBytes } from '../ground/bytes.js';
import { AlbertError, mismatch } from '../ground/errors.js';
import { nestsDeeper } from '../ground/nesting.js';
import type { OpenedSource } from '../ground/source.js';
import { readParameter } from '../model/parameters/pack.js';
import type { Parameter } from '../model/parameters/table.js';
import type { ModelAccess } from '../model/runners/local.js';
import type { Checkpoint, StoredTensor } from '../weights/checkpoint.js';
import { decodeSafetensors, encodeSafetensors, openSafetensors, type TensorToWrite } from '../weights/safetensors.js';
import type { Moment } from './held.js';
import { describeOptimizer, type Optimizer, type OptimizerDescription } from './optimizers.js';

export const TRAIN_STATE_FILE = 'train_state.safetensors';

const FORMAT = 'albert-wasm training state';
const VERSION = '1';

/** Characters of a value of the file's metadata, at most; and how deep it nests. */
const MAX_METADATA = 10_000;
const MAX_DEPTH = 4;

/** The keys of a configuration that decide what a step computes, beside the shapes of the parameters. */
const KEYS = [
  'num_hidden_layers',
  'num_hidden_groups',
  'inner_group_num',
  'num_attention_heads',
  'hidden_act',
  'hidden_dropout_prob',
  'attention_probs_dropout_prob',
  'classifier_dropout_prob',
  'layer_norm_eps',
] as const;

/** What a file says of a training. */
export interface SavedState {
  readonly steps: number;
  readonly optimizer: OptimizerDescription;
  /** The names of the parameters that have moments. */
  readonly trainable: ReadonlySet<string>;
  moment(kind: Moment, name: string): StoredTensor;
}

/** @param moments every trainable parameter's, in PyTorch's orientation */
export function encodeTrainState(
  access: ModelAccess,
  optimizer: Optimizer,
  steps: number,
  moments: Iterable<TensorToWrite>,
): Uint8Array {
  return encodeSafetensors(moments, 'F32', {
    format: FORMAT,
    version: VERSION,
    steps: String(steps),
    optimizer: JSON.stringify(describeOptimizer(optimizer)),
    model: JSON.stringify(modelOf(access)),
    weights: fingerprint(access),
  });
}

/**
 * Opens the state in a source and checks that it is this model's. The tensors are read later, while the file is open.
 *
 * @throws ERR_SOURCE without the file, ERR_CHECKPOINT for a file that holds no state of a training, ERR_PARAMETER for tensors that
 *   the model does not have, ERR_CONFIG for another configuration, ERR_INPUT for other weights
 */
export async function withState<T>(
  source: OpenedSource,
  access: ModelAccess,
  signal: AbortSignal | undefined,
  use: (saved: SavedState) => Promise<T>,
): Promise<T> {
  const file = await source.openFile(TRAIN_STATE_FILE, signal);
  if (file === undefined) throw new AlbertError('ERR_SOURCE', `there is no ${TRAIN_STATE_FILE} in ${source.name}`);
  try {
    const { tensors, metadata } =
      file instanceof Uint8Array
        ? decodeSafetensors(file, TRAIN_STATE_FILE)
        : await openSafetensors(file, TRAIN_STATE_FILE);
    const steps = checkMetadata(metadata);
    const trainable = checkTensors(tensors, access.layout.parameters);
    checkModel(readJson(metadata, 'model'), access);
    const weights = fingerprint(access);
    if (metadata.weights !== weights) {
      const expected = `the weights that the state in ${source.name} was saved with; load the model that was saved with it`;
      throw new AlbertError('ERR_INPUT', `"model" expected ${expected}, got others`);
    }
    return await use({
      steps,
      optimizer: readOptimizer(metadata),
      trainable,
      moment: (kind, name) => tensors.get(`${kind}.${name}`) as StoredTensor,
    });
  } finally {
    await closeBytes(file);
  }
}

function checkMetadata(metadata: Checkpoint['metadata']): number {
  const { format, version, steps = '' } = metadata;
  if (format !== FORMAT) throw mismatch('ERR_CHECKPOINT', 'format', FORMAT, format, TRAIN_STATE_FILE);
  if (version !== VERSION) throw mismatch('ERR_CHECKPOINT', 'version', VERSION, version, TRAIN_STATE_FILE);
  if (!/^\d{1,15}$/.test(steps))
    throw mismatch('ERR_CHECKPOINT', 'steps', 'a number of steps', steps, TRAIN_STATE_FILE);
  return Number(steps);
}

function readJson(metadata: Checkpoint['metadata'], key: string): object {
  const text = metadata[key] ?? '';
  let json: unknown;
  try {
    json = text.length > MAX_METADATA ? undefined : JSON.parse(text);
  } catch {
    // It is no object.
  }
  if (typeof json !== 'object' || json === null || nestsDeeper(json, MAX_DEPTH)) {
    throw mismatch('ERR_CHECKPOINT', key, 'a short JSON object', text, TRAIN_STATE_FILE);
  }
  return json;
}

/** The description of an optimiser; its numbers are checked where it is made. @throws ERR_CHECKPOINT unless it has the parts of one */
function readOptimizer(metadata: Checkpoint['metadata']): OptimizerDescription {
  const description = readJson(metadata, 'optimizer') as Record<string, unknown>;
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const { name, settings, learning_rate: rate } = description;
  const isRate = rate === undefined || typeof rate === 'number' || isObject(rate);
  if ((name !== 'adamw' && name !== 'lamb') || !isObject(settings) || !isRate) {
    throw mismatch(
      'ERR_CHECKPOINT',
      'optimizer',
      'the name, settings and learning rate of one',
      description,
      TRAIN_STATE_FILE,
    );
  }
  return description as unknown as OptimizerDescription;
}

/** Every tensor is a moment of a parameter, and each such parameter has both. */
function checkTensors(tensors: Checkpoint['tensors'], parameters: readonly Parameter[]): ReadonlySet<string> {
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape.join(', ')]));
  const trainable = new Set<string>();
  for (const [stored, { dtype, shape }] of tensors) {
    const name = stored.slice(2);
    const wanted = shapes.get(name);
    if (!/^[mv]\./.test(stored) || wanted === undefined) {
      throw mismatch('ERR_PARAMETER', 'tensor name', 'm. or v. and a parameter of the model', stored, TRAIN_STATE_FILE);
    }
    const [expected, got] = [`F32 [${wanted}]`, `${dtype} [${shape.join(', ')}]`];
    if (expected !== got) throw mismatch('ERR_PARAMETER', stored, expected, got, TRAIN_STATE_FILE);
    const other = `${stored.startsWith('m') ? 'v' : 'm'}.${name}`;
    if (!tensors.has(other))
      throw mismatch('ERR_PARAMETER', other, `a tensor beside ${stored}`, 'none', TRAIN_STATE_FILE);
    trainable.add(name);
  }
  if (trainable.size === 0) throw mismatch('ERR_PARAMETER', 'tensors', 'moments', 'none', TRAIN_STATE_FILE);
  return trainable;
}

function modelOf({ architecture, config }: ModelAccess): Record<string, unknown> {
  return { architecture, ...Object.fromEntries(KEYS.map((key) => [key, config[key]])) };
}

function checkModel(saved: object, access: ModelAccess): void {
  for (const [key, value] of Object.entries(modelOf(access))) {
    const got = Object.hasOwn(saved, key) ? (saved as Record<string, unknown>)[key] : undefined;
    if (got !== value) throw mismatch('ERR_CONFIG', key, `${value}, as the model's`, got, TRAIN_STATE_FILE);
  }
}

/** 64 bits of all weights: moments go on from the weights that they were made with, and from no others. */
function fingerprint({ engine, layout }: ModelAccess): string {
  let [a, b] = [0x811c9dc5, 0x01234567];
  for (const parameter of layout.parameters) {
    const { data } = readParameter(engine, parameter);
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
    for (const word of words) {
      a = Math.imul(a ^ word, 0x01000193);
      b = Math.imul(b ^ (word >>> 15) ^ (a >>> 13), 0x9e3779b1) + word;
    }
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
