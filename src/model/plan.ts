/** Every activation of a forward, sized and placed before the first kernel runs. */
import type { Engine } from '../engine/engine.js';
import { type Matrix, padded, type Region } from '../engine/memory.js';
import type { AlbertConfig } from './config.js';

/** What decides the size of a forward. */
export interface ForwardShape {
  readonly batch: number;
  readonly seq: number;
  readonly output_attentions: boolean;
  readonly train: boolean;
}

/** The body's activations. `tokens` is batch · seq. */
export interface Activations {
  /** Addresses of the (tokens) i32 arrays of ids, token types and positions. */
  readonly ids: number;
  readonly types: number;
  readonly positions: number;
  /** Address of the (batch, padded seq) bias that the attention mask adds to the scores. */
  readonly maskBias: number;
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
  /** (batch, hidden_size) */
  readonly pooled: Matrix;
  /** Address of the attention kernel's scratch memory. */
  readonly scratch: number;
  /** (batch · num_attention_heads · seq, seq), dense: one layer's attention weights, when asked for. */
  readonly probs: number | undefined;
  /** (seq, padded seq): dropout factors of the attention weights, when training. */
  readonly keep: Matrix | undefined;
}

/** Takes every activation of the body from a region. */
export function planBody(region: Region, engine: Engine, config: AlbertConfig, shape: ForwardShape): Activations {
  const { batch, seq, output_attentions, train } = shape;
  const { embedding_size, hidden_size, intermediate_size, num_attention_heads } = config;
  const tokens = batch * seq;
  return {
    ids: region.take(tokens * 4),
    types: region.take(tokens * 4),
    positions: region.take(tokens * 4),
    maskBias: region.take(batch * padded(seq) * 4),
    embedded: region.matrix(tokens, embedding_size),
    hidden: region.matrix(tokens, hidden_size),
    qkv: region.matrix(tokens, 3 * hidden_size),
    context: region.matrix(tokens, hidden_size),
    attended: region.matrix(tokens, hidden_size),
    intermediate: region.matrix(tokens, intermediate_size),
    pooled: region.matrix(batch, hidden_size),
    scratch: region.take(engine.kernels.attentionScratchBytes(seq, hidden_size / num_attention_heads)),
    probs: output_attentions ? region.take(batch * num_attention_heads * seq * seq * 4) : undefined,
    keep: train && config.attention_probs_dropout_prob > 0 ? region.matrix(seq, seq) : undefined,
  };
}
