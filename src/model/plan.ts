/** Every activation of a forward, sized and placed before the first kernel runs. */
import type { AttentionSequence, Engine } from '../engine/engine.js';
import { type Matrix, padded, type Region } from '../engine/memory.js';
import type { Batch } from './batch.js';
import type { AlbertConfig } from './config.js';

/** What else decides the size of a forward. */
export interface PlanOptions {
  readonly output_attentions: boolean;
  readonly train: boolean;
}

/** The body's activations for all tokens and sequences of a batch. */
export interface Activations {
  /** Addresses of the (tokens) i32 arrays of ids, token types and positions. */
  readonly ids: number;
  readonly types: number;
  readonly positions: number;
  /** (tokens, embedding_size) */
  readonly embedded: Matrix;
  /** (tokens, hidden_size): what one layer hands to the next. */
  readonly hidden: Matrix;
  /** (tokens, 3 · hidden_size) */
  readonly qkv: Matrix;
  /** (tokens, hidden_size): the heads' outputs, later the feed-forward's. */
  readonly context: Matrix;
  /** (tokens, hidden_size): the attention block's output. */
  readonly attended: Matrix;
  /** (tokens, intermediate_size) */
  readonly intermediate: Matrix;
  /** (sequences, hidden_size) */
  readonly pooled: Matrix;
  /** Where attention finds each sequence, its mask and, when asked for, the place of one layer's attention weights. */
  readonly sequences: readonly AttentionSequence[];
  /** Address of the attention kernel's scratch memory. */
  readonly scratch: number;
  /** (seq, padded seq): dropout factors of the attention weights, when training: then all sequences have one length. */
  readonly keep: Matrix | undefined;
}

/** Takes every activation of the body from a region. */
export function planBody(
  region: Region,
  engine: Engine,
  config: AlbertConfig,
  batch: Batch,
  { output_attentions, train }: PlanOptions,
): Activations {
  const { tokens, longest } = batch;
  const { embedding_size, hidden_size, intermediate_size, num_attention_heads: heads } = config;
  return {
    ids: region.take(tokens * 4),
    types: region.take(tokens * 4),
    positions: region.take(tokens * 4),
    embedded: region.matrix(tokens, embedding_size),
    hidden: region.matrix(tokens, hidden_size),
    qkv: region.matrix(tokens, 3 * hidden_size),
    context: region.matrix(tokens, hidden_size),
    attended: region.matrix(tokens, hidden_size),
    intermediate: region.matrix(tokens, intermediate_size),
    pooled: region.matrix(batch.sequences, hidden_size),
    sequences: planSequences(region, batch, output_attentions ? heads : 0),
    scratch: region.take(engine.attentionScratchBytes(longest, hidden_size / heads)),
    keep: train && config.attention_probs_dropout_prob > 0 ? region.matrix(longest, longest) : undefined,
  };
}

/** Each sequence's mask and attention weights; those of one rectangle are adjacent. */
function planSequences(region: Region, { rectangles }: Batch, heads: number): AttentionSequence[] {
  return rectangles.flatMap(({ batch, seq, tokens }) => {
    const maskBias = region.take(batch * padded(seq) * 4);
    const probs = heads === 0 ? undefined : region.take(batch * heads * seq * seq * 4);
    return Array.from({ length: batch }, (_, b) => ({
      start: tokens.from + b * seq,
      length: seq,
      maskBias: maskBias + b * padded(seq) * 4,
      probs: probs === undefined ? undefined : probs + b * heads * seq * seq * 4,
    }));
  });
}
