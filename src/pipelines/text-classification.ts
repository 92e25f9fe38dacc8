/** The text-classification pipeline (sentiment and the like): labels with scores. */
import { AlbertForSequenceClassification } from '../model/heads/index.js';
import type { Source } from '../source.js';
import { AlbertTokenizer } from '../tokenizer/tokenizer.js';
import {
  type CallOptions,
  checkCount,
  encodeForModel,
  largest,
  makePipeline,
  type Pipeline,
  type PipelineOptions,
  softmax,
} from './pipeline.js';

/** A label of the model's configuration and its probability. */
export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

export interface TextClassificationOptions extends CallOptions {
  /** How many labels to return, best first. Default 1. */
  readonly top_k?: number;
}

export type TextClassificationPipeline = Pipeline<LabelScore[], TextClassificationOptions>;

export async function textClassification(
  source: Source,
  options: PipelineOptions,
): Promise<TextClassificationPipeline> {
  const [model, tokenizer] = await Promise.all([
    AlbertForSequenceClassification.from_pretrained(source, { strict: true, ...options }),
    AlbertTokenizer.from_pretrained(source, options),
  ]);
  const { id2label, num_labels, problem_type } = model.config;
  // With one label, or labels that do not exclude each other, each has a probability of its own.
  const independent = num_labels === 1 || problem_type === 'multi_label_classification';
  return makePipeline(model, tokenizer, (text: string, { top_k = 1 }: TextClassificationOptions) => {
    checkCount('top_k', top_k);
    const { input_ids } = encodeForModel(tokenizer, model, text);
    return {
      sequences: [{ input_ids }],
      decode([{ logits }]) {
        const scores = independent ? Float64Array.from(logits.data, sigmoid) : softmax(logits.data);
        return largest(scores, top_k).map((id) => ({ label: id2label[id] as string, score: scores[id] as number }));
      },
    };
  });
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
