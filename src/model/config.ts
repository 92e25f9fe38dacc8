/** An ALBERT configuration: `config.json` read, checked key by key and frozen. */
import { ACTIVATIONS, type Activation } from '../engine/kernels.js';
import { mismatch } from '../ground/errors.js';
import { count, flag, oneOf, positive, rate, wrong } from './config-keys.js';
import { parseLabels } from './labels.js';

/** What the forward pass needs of a configuration, in the words of Hugging Face's `AlbertConfig`. */
export interface AlbertConfig {
  readonly vocab_size: number;
  readonly embedding_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_hidden_groups: number;
  readonly inner_group_num: number;
  readonly num_attention_heads: number;
  readonly intermediate_size: number;
  readonly hidden_act: string;
  readonly hidden_dropout_prob: number;
  readonly attention_probs_dropout_prob: number;
  readonly classifier_dropout_prob: number;
  readonly max_position_embeddings: number;
  readonly type_vocab_size: number;
  readonly initializer_range: number;
  readonly layer_norm_eps: number;
  readonly tie_word_embeddings: boolean;
  readonly num_labels: number;
  readonly id2label: Readonly<Record<string, string>>;
  /** Decides how scores are made of logits; `multi_label_classification` takes a sigmoid for each label. */
  readonly problem_type?: string;
  /** Every other key of the file, kept as it was. */
  readonly [key: string]: unknown;
}

/**
 * transformers' `ACT2FN`: the names that a checkpoint may give an activation, and the kernel of each. It has three more: `prelu`
 * and `xielu` have parameters of their own, which FlaxAlbert does not have; `sqrtsoftplus` is of routers between experts.
 */
export const HIDDEN_ACTIVATIONS: Readonly<Record<string, Activation>> = Object.freeze({
  ...Object.fromEntries(ACTIVATIONS.slice(1).map((name) => [name, name])),
  gelu_accurate: 'gelu_new',
  gelu_fast: 'gelu_new',
  gelu_python: 'gelu',
  gelu_python_tanh: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_new',
  linear: 'identity',
  swish: 'silu',
});

const PROBLEM_TYPES = ['regression', 'single_label_classification', 'multi_label_classification'];

/** transformers' defaults of the sizes, those of ALBERT-xxlarge. */
const DEFAULT_SIZES: Readonly<Record<string, number>> = {
  vocab_size: 30_000,
  embedding_size: 128,
  hidden_size: 4096,
  num_hidden_layers: 12,
  num_attention_heads: 64,
  intermediate_size: 16_384,
  max_position_embeddings: 512,
  type_vocab_size: 2,
};

const MAX_LAYERS = 1024;
/** Sets of layer weights have 16 tensors each: this bounds what a small file can ask for. */
const MAX_LAYER_WEIGHTS = 240;

/** A `config.json`, checked, and what in it is worth reporting if the weights do not fit. */
export interface ReadConfig {
  readonly config: AlbertConfig;
  readonly doubts: readonly string[];
}

/**
 * Reads a parsed `config.json`: sizes that it lacks are transformers' defaults, since the weights show whether they are right.
 *
 * @throws ERR_CONFIG that names the key, what it must be and what it is
 */
export function readConfig(json: unknown): ReadConfig {
  const raw = asObject(json);
  const absent = Object.entries(DEFAULT_SIZES).filter(([key]) => raw[key] === undefined);
  const config = parseConfig({ ...raw, ...Object.fromEntries(absent) });
  const doubts = absent.map(([key, size]) => `config.json has no "${key}": ${size} is taken`);
  if ((raw.num_labels ?? config.num_labels) !== config.num_labels) doubts.push('"id2label" counts, not "num_labels"');
  return { config, doubts };
}

/**
 * Checks a configuration and fills in transformers' defaults, except for the sizes that decide the shapes of tensors: they must be
 * present. null counts as absent if there is a default.
 *
 * @throws ERR_CONFIG that names the key, what it must be and what it is
 */
export function parseConfig(json: unknown): AlbertConfig {
  const raw = asObject(json);
  const { model_type, position_embedding_type, problem_type } = raw;
  // AutoConfig needs exactly "albert"; AlbertConfig accepts anything, with a warning.
  oneOf('model_type', typeof model_type === 'string' ? model_type.toLowerCase() : model_type, ['albert']);
  oneOf('position_embedding_type', position_embedding_type, ['absolute']);
  oneOf('problem_type', problem_type, PROBLEM_TYPES);

  const labels = parseLabels(raw);
  const config: AlbertConfig = {
    ...raw,
    ...labels,
    model_type: 'albert',
    vocab_size: count(raw, 'vocab_size'),
    embedding_size: count(raw, 'embedding_size'),
    hidden_size: count(raw, 'hidden_size'),
    num_hidden_layers: count(raw, 'num_hidden_layers', undefined, MAX_LAYERS),
    num_hidden_groups: count(raw, 'num_hidden_groups', 1, MAX_LAYERS),
    inner_group_num: count(raw, 'inner_group_num', 1, MAX_LAYERS),
    num_attention_heads: count(raw, 'num_attention_heads'),
    intermediate_size: count(raw, 'intermediate_size'),
    hidden_act: activation(raw),
    hidden_dropout_prob: rate(raw, 'hidden_dropout_prob', 0),
    attention_probs_dropout_prob: rate(raw, 'attention_probs_dropout_prob', 0),
    classifier_dropout_prob: classifierDropout(raw),
    max_position_embeddings: count(raw, 'max_position_embeddings'),
    type_vocab_size: count(raw, 'type_vocab_size'),
    initializer_range: positive(raw, 'initializer_range', 0.02),
    layer_norm_eps: positive(raw, 'layer_norm_eps', 1e-12),
    tie_word_embeddings: flag(raw, 'tie_word_embeddings', true),
  };
  const { hidden_size, num_attention_heads, num_hidden_groups, num_hidden_layers } = config;
  if (hidden_size % num_attention_heads !== 0) {
    throw wrong('num_attention_heads', `a divisor of hidden_size ${hidden_size}`, num_attention_heads);
  }
  if (num_hidden_groups > num_hidden_layers) {
    throw wrong('num_hidden_groups', `at most num_hidden_layers ${num_hidden_layers}`, num_hidden_groups);
  }
  const layerWeights = num_hidden_groups * config.inner_group_num;
  if (layerWeights > MAX_LAYER_WEIGHTS) {
    throw wrong(
      'inner_group_num',
      `at most ${MAX_LAYER_WEIGHTS} layers of their own weights in all groups`,
      layerWeights,
    );
  }
  return Object.freeze(config);
}

/** FlaxAlbert's choice of the group that layer `layer` applies. */
export function groupOfLayer(config: AlbertConfig, layer: number): number {
  return Math.floor(layer / (config.num_hidden_layers / config.num_hidden_groups));
}

function asObject(json: unknown): Record<string, unknown> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  throw mismatch('ERR_CONFIG', 'config', 'an object', json);
}

/** FlaxAlbert takes `hidden_dropout_prob` where a file says null, and 0.1 where it says nothing. */
function classifierDropout(raw: Record<string, unknown>): number {
  return rate(raw, raw.classifier_dropout_prob === null ? 'hidden_dropout_prob' : 'classifier_dropout_prob', 0.1);
}

function activation(raw: Record<string, unknown>): string {
  const value = raw.hidden_act ?? 'gelu_new';
  if (typeof value !== 'string' || !Object.hasOwn(HIDDEN_ACTIVATIONS, value)) {
    const names = Object.keys(HIDDEN_ACTIVATIONS).join(', ');
    throw wrong('hidden_act', `a function of one number without parameters (${names})`, value);
  }
  return value;
}
