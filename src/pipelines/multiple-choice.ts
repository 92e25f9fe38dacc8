/** The multiple-choice pipeline: which of several texts goes with a prompt. */

import type { OptionNames } from '../ground/options.js';
import type { OpenedSource } from '../ground/source.js';
import { AlbertForMultipleChoice, type MultipleChoiceOutput } from '../model/models.js';
import { checkTextList, checkTexts, checkTopK } from './checks.js';
import type { Job, Jobs } from './jobs.js';
import { makePipeline, openModel, type Pipeline, type PipelineOptions } from './pipeline.js';
import { largest, softmax } from './scores.js';
import { TEXT_OPTIONS, type TextOptions } from './texts.js';

/** A prompt and what may follow it. */
export interface ChoicesInput {
  /** A question, or the beginning of a text. */
  readonly prompt: string;
  readonly choices: readonly string[];
}

/** One choice, with its probability among all choices of the input. */
export interface ScoredChoice {
  /** The choice's index. */
  readonly index: number;
  readonly choice: string;
  /** Its probability; those of all choices sum to 1. */
  readonly score: number;
}

export interface MultipleChoiceOptions extends TextOptions {
  /** How many choices to return, best first; null: all. Default: null. */
  readonly top_k?: number | null;
}

const OPTIONS: OptionNames<MultipleChoiceOptions> = {
  ...TEXT_OPTIONS,
  top_k: true,
};

/** Of a prompt and its choices, the likeliest choices. */
export type MultipleChoicePipeline = Pipeline<ScoredChoice[], MultipleChoiceOptions, ChoicesInput>;

export async function multipleChoice(source: OpenedSource, options: PipelineOptions): Promise<MultipleChoicePipeline> {
  const { model, tokenizer, texts } = await openModel(AlbertForMultipleChoice, source, { strict: true, ...options });
  const encode = (
    input: ChoicesInput,
    { top_k = null, truncation }: MultipleChoiceOptions,
  ): Jobs<MultipleChoiceOutput, number, ScoredChoice[]> => {
    const count = checkTopK(top_k);
    checkTexts(input, 'prompt');
    checkTextList('choices', input.choices);
    const { prompt, choices } = input;
    return {
      // Each choice is a rectangle of its own, (1 choice, seq): those of different lengths need no padding.
      *jobs(): Iterable<Job<MultipleChoiceOutput, number>> {
        for (const choice of choices) {
          const { input_ids, token_type_ids } = texts.encode(prompt, { truncation }, { text_pair: choice });
          yield {
            sequences: [{ input_ids: [input_ids], token_type_ids: [token_type_ids] }],
            decode: ([{ logits }]) => logits.data[0] as number,
          };
        }
      },
      combine(logits) {
        const scores = softmax(Float32Array.from(logits));
        return largest(scores, count).map((index) => ({
          index,
          choice: choices[index] as string,
          score: scores[index] as number,
        }));
      },
    };
  };
  return makePipeline(model, tokenizer, OPTIONS, encode);
}
