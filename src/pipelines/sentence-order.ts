/** The sentence-order pipeline: whether a text goes before another, as ALBERT's pre-training asks. */
import { AlbertForPreTraining, type PreTrainingOutput } from '../model/models.js';
import type { Source } from '../source.js';
import {
  CALL_OPTIONS,
  type CallOptions,
  checkTexts,
  encodeForModel,
  type Job,
  makePipeline,
  openModel,
  type Pipeline,
  type PipelineOptions,
  softmax,
} from './pipeline.js';

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
export type SentenceOrderPipeline = Pipeline<SentenceOrder, CallOptions, OrderInput>;

export async function sentenceOrder(source: Source, options: PipelineOptions): Promise<SentenceOrderPipeline> {
  const [model, tokenizer] = await openModel(AlbertForPreTraining, source, { strict: true, ...options });
  const encode = (input: OrderInput): Job<PreTrainingOutput, SentenceOrder> => {
    checkTexts(input, 'first', 'second');
    const { input_ids, token_type_ids } = encodeForModel(tokenizer, model, input.first, input.second);
    return {
      sequences: [{ input_ids, token_type_ids }],
      decode([{ sop_logits }]) {
        const [inOrder, swapped] = softmax(sop_logits.data) as unknown as [number, number];
        return { inOrder, swapped };
      },
    };
  };
  // Nobody asked for words: their logits are computed at one token, the fewest there can be.
  return makePipeline(model, tokenizer, CALL_OPTIONS, encode, (sequences, call) =>
    model.forwardAt(
      sequences,
      sequences.map(() => [0]),
      call,
    ),
  );
}
