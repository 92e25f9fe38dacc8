/** An ALBERT configuration: `config.json` read, checked key by key and frozen. */
import type { Activation } from '../engine/kernels.js';
import { type AlbertError, mismatch } from '../errors.js';

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

/** FlaxAlbert's `ACT2FN`: the names that a checkpoint may give an activation, and the kernel of each. */
export const HIDDEN_ACTIVATIONS: Readonly<Record<string, Activation>> = Object.freeze({
  gelu: 'gelu',
  gelu_new: 'gelu_new',
  gelu_pytorch_tanh: 'gelu_new',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
  tanh: 'tanh',
  quick_gelu: 'quick_gelu',
});

/** Larger than any ALBERT; small enough that no product of two sizes leaves the safe integers. */
const MOST = 1 << 24;
const MOST_LAYERS = 1024;
/** Labels have names in memory, and sets of layer weights 16 tensors each: these bound what a small file can ask for. */
const MOST_LABELS = 1 << 16;
const MOST_LAYER_WEIGHTS = 240;

/**
 * Checks a parsed `config.json` and fills in FlaxAlbert's defaults.
 *
 * The sizes that decide the shapes of tensors must be there: a default would only move the error to the weights.
 *
 * @throws ERR_CONFIG that names the key, what it must be and what it is
 */
export function parseConfig(json: unknown): AlbertConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw mismatch('ERR_CONFIG', 'config', 'an object', json);
  }
  const raw = json as Record<string, unknown>;
  if (raw.model_type !== undefined && raw.model_type !== 'albert')
    throw wrong('model_type', '"albert"', raw.model_type);
  const position = raw.position_embedding_type;
  if (position !== undefined && position !== 'absolute') throw wrong('position_embedding_type', '"absolute"', position);

  const labels = parseLabels(raw);
  const config: AlbertConfig = {
    ...raw,
    ...labels,
    vocab_size: count(raw, 'vocab_size'),
    embedding_size: count(raw, 'embedding_size'),
    hidden_size: count(raw, 'hidden_size'),
    num_hidden_layers: count(raw, 'num_hidden_layers', undefined, MOST_LAYERS),
    num_hidden_groups: count(raw, 'num_hidden_groups', 1, MOST_LAYERS),
    inner_group_num: count(raw, 'inner_group_num', 1, MOST_LAYERS),
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
  if (layerWeights > MOST_LAYER_WEIGHTS) {
    throw wrong(
      'inner_group_num',
      `at most ${MOST_LAYER_WEIGHTS} layers of their own weights in all groups`,
      layerWeights,
    );
  }
  return Object.freeze(config);
}

/** FlaxAlbert's choice of the group that layer `layer` applies. */
export function groupOfLayer(config: AlbertConfig, layer: number): number {
  return Math.floor(layer / (config.num_hidden_layers / config.num_hidden_groups));
}

function wrong(key: string, expected: string, got: unknown): AlbertError {
  return mismatch('ERR_CONFIG', key, expected, got === undefined ? 'nothing' : got, 'config');
}

function count(raw: Record<string, unknown>, key: string, fallback?: number, most = MOST): number {
  const value = raw[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
    throw wrong(key, `an integer from 1 to ${most}`, value);
  }
  return value;
}

function rate(raw: Record<string, unknown>, key: string, fallback: number): number {
  const value = raw[key] ?? fallback;
  if (typeof value !== 'number' || !(value >= 0 && value < 1)) throw wrong(key, 'a number from 0 to below 1', value);
  return value;
}

/** FlaxAlbert takes `hidden_dropout_prob` where a file says null, and 0.1 where it says nothing. */
function classifierDropout(raw: Record<string, unknown>): number {
  return rate(raw, raw.classifier_dropout_prob === null ? 'hidden_dropout_prob' : 'classifier_dropout_prob', 0.1);
}

function positive(raw: Record<string, unknown>, key: string, fallback: number): number {
  const value = raw[key] ?? fallback;
  if (typeof value !== 'number' || !(value > 0 && value < Infinity)) throw wrong(key, 'a positive number', value);
  return value;
}

function flag(raw: Record<string, unknown>, key: string, fallback: boolean): boolean {
  const value = raw[key] ?? fallback;
  if (typeof value !== 'boolean') throw wrong(key, 'true or false', value);
  return value;
}

function activation(raw: Record<string, unknown>): string {
  const value = raw.hidden_act ?? 'gelu_new';
  if (typeof value !== 'string' || !Object.hasOwn(HIDDEN_ACTIVATIONS, value)) {
    throw wrong('hidden_act', `one of ${Object.keys(HIDDEN_ACTIVATIONS).join(', ')}`, value);
  }
  return value;
}

/** `id2label` counts the labels where it is given, `num_labels` otherwise; Hugging Face's default is two. */
function parseLabels(raw: Record<string, unknown>): Pick<AlbertConfig, 'num_labels' | 'id2label'> {
  const given = raw.id2label;
  if (given === undefined || given === null) {
    const num_labels = count(raw, 'num_labels', 2, MOST_LABELS);
    const names = Array.from({ length: num_labels }, (_, id) => [id, `LABEL_${id}`]);
    return { num_labels, id2label: Object.freeze(Object.fromEntries(names)) };
  }
  if (typeof given !== 'object' || Array.isArray(given)) throw wrong('id2label', 'an object of label names', given);
  const num_labels = Object.keys(given).length;
  if (num_labels < 1 || num_labels > MOST_LABELS) throw wrong('id2label', `1 to ${MOST_LABELS} labels`, num_labels);
  const labels = given as Record<string, unknown>;
  for (let id = 0; id < num_labels; id++) {
    if (!Object.hasOwn(labels, id) || typeof labels[id] !== 'string') {
      throw wrong('id2label', `a name for each id from 0 to ${num_labels - 1}`, labels[id]);
    }
  }
  return { num_labels, id2label: Object.freeze({ ...(labels as Record<string, string>) }) };
}
