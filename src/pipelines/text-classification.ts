/** The text-classification pipeline (sentiment and the like): labels with scores. */
import { mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import type { OpenedSource } from '../ground/source.js';
import type { AlbertConfig } from '../model/config.js';
import { AlbertForSequenceClassification } from '../model/models.js';
import { checkTexts, checkTopK } from './checks.js';
import { makePipeline, openModel, type Pipeline, type PipelineOptions } from './pipeline.js';
import { largest, meanOfLogits, softmax } from './scores.js';
import { sequencesOf, WINDOW_OPTIONS, type WindowOptions } from './texts.js';

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

/** Scores from logits, by the function's name. */
const FUNCTIONS: Readonly<Record<ScoreFunction, (logits: Float32Array) => Float64Array>> = {
  sigmoid: (logits) => Float64Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit))),
  softmax,
  none: (logits) => Float64Array.from(logits),
};

/** How scores are computed from logits. */
export type ScoreFunction = 'sigmoid' | 'softmax' | 'none';

export interface TextClassificationOptions extends WindowOptions {
  /** How many labels to return, best first; null: all. Default: 1. */
  readonly top_k?: number | null;
  /**
   * How scores are computed from logits. Default, as in Hugging Face: `none` for the problem type `regression`, `sigmoid` for
   * `multi_label_classification` or a single label, `softmax` otherwise.
   */
  readonly function_to_apply?: ScoreFunction;
}

const OPTIONS: OptionNames<TextClassificationOptions> = {
  ...WINDOW_OPTIONS,
  top_k: true,
  function_to_apply: true,
};

/** Of a text or a pair, its likeliest labels. */
export type TextClassificationPipeline = Pipeline<LabelScore[], TextClassificationOptions, string | TextPair>;

export async function textClassification(
  source: OpenedSource,
  options: PipelineOptions,
): Promise<TextClassificationPipeline> {
  const { model, tokenizer, texts } = await openModel(AlbertForSequenceClassification, source, {
    strict: true,
    ...options,
  });
  const { id2label } = model.config;
  const usual = scoreFunction(model.config);
  return makePipeline(
    model,
    tokenizer,
    OPTIONS,
    (input: string | TextPair, { top_k = 1, function_to_apply = usual, ...lengths }: TextClassificationOptions) => {
      const count = checkTopK(top_k);
      if (typeof function_to_apply !== 'string' || !Object.hasOwn(FUNCTIONS, function_to_apply)) {
        throw mismatch('ERR_INPUT', 'function_to_apply', Object.keys(FUNCTIONS).join(', '), function_to_apply);
      }
      const windows = encode(input, lengths);
      return {
        sequences: sequencesOf(windows),
        decode(outputs) {
          const scores = FUNCTIONS[function_to_apply](meanOfLogits(outputs.map(({ logits }) => logits.data)));
          return largest(scores, count).map((id) => ({
            label: id2label[id] as string,
            score: scores[id] as number,
          }));
        },
      };
    },
  );

  function encode(input: string | TextPair, lengths: WindowOptions) {
    if (Array.isArray(input))
      throw mismatch('ERR_INPUT', 'input', 'a text, or an object with text and text_pair', input);
    if (typeof input !== 'object' || input === null) return texts.windows(input, lengths);
    checkTexts(input, 'text', 'text_pair');
    return texts.windows(input.text, lengths, { text_pair: input.text_pair });
  }
}

/** Hugging Face's choice. */
function scoreFunction({ problem_type, num_labels }: AlbertConfig): ScoreFunction {
  if (problem_type === 'regression') return 'none';
  return problem_type === 'multi_label_classification' || num_labels === 1 ? 'sigmoid' : 'softmax';
}
