/** The multiple-choice pipeline: which of several texts goes with a prompt. */
import type { OptionNames } from '../errors.js';
import { AlbertForMultipleChoice, type MultipleChoiceOutput } from '../model/models.js';
import type { Source } from '../source.js';
import {
  CALL_OPTIONS,
  type CallOptions,
  checkTextList,
  checkTexts,
  checkTopK,
  encodeForModel,
  type Job,
  largest,
  makePipeline,
  openModel,
  type Pipeline,
  type PipelineOptions,
  type Sequence,
  softmax,
} from './pipeline.js';

/** A prompt and what may follow it. */
export interface ChoicesInput {
  /** A question, or the beginning of a text. */
  readonly prompt: string;
  readonly choices: readonly string[];
}

/** One of the choices, and how likely it is among them. */
export interface ScoredChoice {
  /** The choice's place among the choices. */
  readonly index: number;
  readonly choice: string;
  /** Its probability; those of all choices sum to 1. */
  readonly score: number;
}

export interface MultipleChoiceOptions extends CallOptions {
  /** How many choices to return, best first; null, the default, for all. */
  readonly top_k?: number | null;
}

const OPTIONS: OptionNames<MultipleChoiceOptions> = {
  ...CALL_OPTIONS,
  top_k: true,
};

/** Of a prompt and its choices, the likeliest choices. */
export type MultipleChoicePipeline = Pipeline<ScoredChoice[], MultipleChoiceOptions, ChoicesInput>;

export async function multipleChoice(source: Source, options: PipelineOptions): Promise<MultipleChoicePipeline> {
  const [model, tokenizer] = await openModel(AlbertForMultipleChoice, source, { strict: true, ...options });
  const encode = (
    input: ChoicesInput,
    { top_k = null }: MultipleChoiceOptions,
  ): Job<MultipleChoiceOutput, ScoredChoice[]> => {
    const count = checkTopK(top_k);
    checkTexts(input, 'prompt');
    checkTextList('choices', input.choices);
    const { prompt, choices } = input;
    return {
      // Each choice is a rectangle of its own, (1 choice, seq): those of different lengths need no padding.
      sequences: choices.map((choice) => {
        const { input_ids, token_type_ids } = encodeForModel(tokenizer, model, prompt, choice);
        return { input_ids: [input_ids], token_type_ids: [token_type_ids] };
      }) as [Sequence, ...Sequence[]],
      decode(outputs) {
        const scores = softmax(Float32Array.from(outputs, ({ logits }) => logits.data[0] as number));
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
