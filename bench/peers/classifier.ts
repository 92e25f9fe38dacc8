/** What every contestant of the pipeline's bench is to it, ours included: texts in, the likeliest label and its score of each out. */
import type { AlbertTokenizer, LabelScore } from '../../src/entry/index.js';
import type { Dtype } from '../../src/ground/dtypes.js';

export interface Classifier {
  readonly name: string;
  classify(texts: readonly string[]): Promise<LabelScore[]>;
  release(): Promise<void>;
}

/** The model, as the peers take it. */
export interface SentimentModel {
  readonly onnx: Readonly<Record<Dtype, Uint8Array>>;
  readonly tokenizer: AlbertTokenizer;
  readonly id2label: Readonly<Record<number, string>>;
  /** The folder of its files, as transformers.js reads them. */
  readonly folder: URL;
}

/** Texts of a padded batch: the most that our pipelines run at once. */
export const BATCH = 32;

export function batchesOf<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, i) => items.slice(i * BATCH, (i + 1) * BATCH));
}
