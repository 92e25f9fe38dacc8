/** What training needs to know of a task: its model's class, how examples become inputs and labels, and how answers are scored. */
import { mismatch } from '../../ground/errors.js';
import type { AlbertPreTrainedModel, ModelClass } from '../../model/albert.js';
import type { AlbertConfig } from '../../model/config.js';
import type { AlbertInputs } from '../../model/inputs.js';
import type { AlbertTokenizer } from '../../tokenizer/tokenizer.js';
import type { Dataset } from '../data/dataset.js';
import type { ReadExamples, TrainingTask } from '../data/examples.js';
import { LabelIds } from '../data/labels.js';

export type AnyModel = AlbertPreTrainedModel<object>;

/** What examples are encoded with, and for. */
export interface TaskContext {
  readonly tokenizer: AlbertTokenizer;
  readonly config: AlbertConfig;
  /** The model's labels. */
  readonly labels: LabelIds;
  /** The most tokens of a sequence, special ones included. */
  readonly max_seq_length: number;
  /** Of pairs of sentences: the label that is a cosine of 1. Default: the dataset's. */
  readonly max_score?: number;
}

/** One sequence's inputs, or those of a question's choices. */
export interface TokenInputs extends AlbertInputs {
  readonly input_ids: number[] | number[][]; // (seq), or (choices, seq)
}

/** What one example, or a window of it, gives the model. */
export interface Feature {
  /** The index of its example. */
  readonly example: number;
  /** Tokens in all of its sequences. */
  readonly tokens: number;
}

/** A batch as a training step takes it. */
export interface StepBatch {
  readonly inputs:
    | readonly TokenInputs[]
    | { readonly sentence1: readonly TokenInputs[]; readonly sentence2: readonly TokenInputs[] };
  readonly labels: Readonly<Record<string, readonly unknown[]>>;
}

/** What a model makes of a batch: one prediction per feature, the sum of the losses, and how many losses that are. */
export interface Outcome {
  readonly predictions: readonly unknown[];
  readonly loss: number;
  readonly counted: number;
}

/** Predictions and what they should be, one of each per example, and the task's own metrics. */
export interface Summary {
  readonly predictions: readonly unknown[];
  readonly label_ids: readonly unknown[];
  readonly metrics: Readonly<Record<string, number>>;
}

export interface TrainableTask<T extends TrainingTask = TrainingTask, F extends Feature = Feature> {
  readonly Class: ModelClass<AnyModel>;
  /** What the model's configuration has to say for these data. */
  config(dataset: Dataset<T>): Readonly<Record<string, unknown>>;
  /** @throws ERR_INPUT with the place of an example whose label the model does not have */
  features(example: ReadExamples[T], index: number, context: TaskContext, dataset: Dataset<T>): F[];
  /** @param seed of what is drawn at random */
  batch(features: readonly F[], context: TaskContext, seed: number): StepBatch;
  evaluate(model: AnyModel, features: readonly F[], context: TaskContext, signal?: AbortSignal): Promise<Outcome>;
  /** The names of the metrics that `summarize` gives. */
  metrics(dataset: Dataset<T>, context: TaskContext): readonly string[];
  /** @param outcomes one prediction per feature */
  summarize(dataset: Dataset<T>, features: readonly F[], outcomes: readonly unknown[], context: TaskContext): Summary;
}

/** Names of classes as a configuration has them. */
export function labelConfig(names: readonly string[]): Record<string, unknown> {
  return {
    num_labels: names.length,
    id2label: Object.fromEntries(names.entries()),
    label2id: Object.fromEntries(names.map((name, id) => [name, id])),
  };
}

/** The labels of a configuration. */
export function labelIdsOf({ id2label, num_labels }: AlbertConfig): LabelIds {
  return new LabelIds(Array.from({ length: num_labels }, (_, id) => id2label[id] as string));
}

/** The text or the pair as inputs, cut to the most tokens. */
export function encodeText(
  { tokenizer, max_seq_length }: TaskContext,
  text: string,
  text_pair?: string,
): TokenInputs & { input_ids: number[]; token_type_ids: number[] } {
  const { input_ids, token_type_ids } = tokenizer.encode(text, {
    text_pair,
    truncation: 'longest_first',
    max_length: max_seq_length,
    return_offsets: false,
  });
  // A text of characters that the tokenizer drops.
  if (input_ids.length <= tokenizer.num_special_tokens_to_add(text_pair !== undefined)) {
    throw mismatch('ERR_INPUT', 'text', 'a text with at least one token', text);
  }
  return { input_ids, token_type_ids };
}

/** The index of the largest. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}

/** -log softmax(logits)[label], in float64. */
export function crossEntropy(logits: ArrayLike<number>, label: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) max = Math.max(max, logits[i] as number);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i] as number) - max);
  return Math.log(sum) + max - (logits[label] as number);
}
