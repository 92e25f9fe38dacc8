/** The text-classification pipeline (sentiment and the like): labels with scores. */
import { mismatch, type OptionNames } from '../errors.js';
import type { AlbertConfig } from '../model/config.js';
import { AlbertForSequenceClassification } from '../model/models.js';
import type { Source } from '../source.js';
import {
  CALL_OPTIONS,
  type CallOptions,
  checkTexts,
  checkTopK,
  encodeForModel,
  largest,
  makePipeline,
  openModel,
  type Pipeline,
  type PipelineOptions,
  softmax,
} from './pipeline.js';

/** A label of the model's configuration and its score. */
export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** Two texts that are classified as one pair, such as a premise and a hypothesis. */
export interface TextPair {
  readonly text: string;
  readonly text_pair: string;
}

/** What makes scores of logits. */
const FUNCTIONS: Readonly<Record<ScoreFunction, (logits: Float32Array) => Float64Array>> = {
  sigmoid: (logits) => Float64Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit))),
  softmax,
  none: (logits) => Float64Array.from(logits),
};

/** How scores are made of logits. */
export type ScoreFunction = 'sigmoid' | 'softmax' | 'none';

export interface TextClassificationOptions extends CallOptions {
  /** How many labels to return, best first; null for all. Default 1. */
  readonly top_k?: number | null;
  /**
   * What makes scores of logits. Default, as in Hugging Face: `none` for the problem type `regression`, `sigmoid` for
   * `multi_label_classification` or a single label, `softmax` otherwise.
   */
  readonly function_to_apply?: ScoreFunction;
}

const OPTIONS: OptionNames<TextClassificationOptions> = {
  ...CALL_OPTIONS,
  top_k: true,
  function_to_apply: true,
};

/** Of a text or a pair, its likeliest labels. */
export type TextClassificationPipeline = Pipeline<LabelScore[], TextClassificationOptions, string | TextPair>;

export async function textClassification(
  source: Source,
  options: PipelineOptions,
): Promise<TextClassificationPipeline> {
  const [model, tokenizer] = await openModel(AlbertForSequenceClassification, source, { strict: true, ...options });
  const { id2label } = model.config;
  const usual = scoreFunction(model.config);
  return makePipeline(
    model,
    tokenizer,
    OPTIONS,
    (input: string | TextPair, { top_k = 1, function_to_apply = usual }: TextClassificationOptions) => {
      const count = checkTopK(top_k);
      if (!Object.hasOwn(FUNCTIONS, function_to_apply)) {
        throw mismatch('ERR_INPUT', 'function_to_apply', Object.keys(FUNCTIONS).join(', '), function_to_apply);
      }
      const { input_ids, token_type_ids } = encode(input);
      return {
        sequences: [{ input_ids, token_type_ids }],
        decode([{ logits }]) {
          const scores = FUNCTIONS[function_to_apply](logits.data);
          return largest(scores, count).map((id) => ({
            label: id2label[id] as string,
            score: scores[id] as number,
          }));
        },
      };
    },
  );

  function encode(input: string | TextPair) {
    if (typeof input !== 'object' || input === null) return encodeForModel(tokenizer, model, input);
    checkTexts(input, 'text', 'text_pair');
    return encodeForModel(tokenizer, model, input.text, input.text_pair);
  }
}

/** Hugging Face's choice. */
function scoreFunction({ problem_type, num_labels }: AlbertConfig): ScoreFunction {
  if (problem_type === 'regression') return 'none';
  return problem_type === 'multi_label_classification' || num_labels === 1 ? 'sigmoid' : 'softmax';
}
