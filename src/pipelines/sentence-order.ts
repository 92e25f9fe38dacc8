/** The sentence-order pipeline: whether a text goes before another, as ALBERT's pre-training asks. */

import type { OpenedSource } from '../ground/source.js';
import { AlbertForPreTraining, type PreTrainingOutput } from '../model/models.js';
import { checkTexts } from './checks.js';
import type { Job } from './jobs.js';
import { makePipeline, openModel, type Pipeline, type PipelineOptions } from './pipeline.js';
import { softmax } from './scores.js';
import { TEXT_OPTIONS, type TextOptions } from './texts.js';

/** Two texts, each one sentence or more. */
export interface OrderInput {
  readonly first: string;
  readonly second: string;
}

/** Two probabilities that sum to 1. */
export interface SentenceOrder {
  /** That the second text follows the first. */
  readonly inOrder: number;
  /** That the first follows the second. */
  readonly swapped: number;
}

/** Of two neighbouring texts, how likely their order is the right one. */
export type SentenceOrderPipeline = Pipeline<SentenceOrder, TextOptions, OrderInput>;

export async function sentenceOrder(source: OpenedSource, options: PipelineOptions): Promise<SentenceOrderPipeline> {
  const { model, tokenizer, texts } = await openModel(AlbertForPreTraining, source, { strict: true, ...options });
  const encode = (input: OrderInput, options: TextOptions): Job<PreTrainingOutput, SentenceOrder> => {
    checkTexts(input, 'first', 'second');
    const { input_ids, token_type_ids } = texts.encode(input.first, options, { text_pair: input.second });
    return {
      sequences: [{ input_ids, token_type_ids }],
      decode([{ sop_logits }]) {
        const [inOrder, swapped] = softmax(sop_logits.data) as unknown as [number, number];
        return { inOrder, swapped };
      },
    };
  };
  // Logits of words are not needed: they are computed at one token, the fewest possible.
  return makePipeline(model, tokenizer, TEXT_OPTIONS, encode, (sequences, call) =>
    model.forwardAt(
      sequences,
      sequences.map(() => [0]),
      call,
    ),
  );
}
