/** What the operations of an engine work on. */
import type { Matrix } from './memory.js';
import type { Panels } from './schemes.js';

/** A dense layer's packed weights (in, out) and its padded bias. */
export interface Dense {
  readonly panels: Panels;
  readonly bias: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** A layer norm's padded scale and bias. */
export interface Norm {
  readonly scale: number;
  readonly bias: number;
}

/** The addresses of an embedding layer's tables. */
export interface EmbeddingTables {
  /** Panels, 8 tokens wide. */
  readonly word: Panels;
  readonly tokenType: number;
  readonly position: number;
}

/** One sequence of a batch, as attention reads and writes it. */
export interface AttentionSequence {
  /** Its first row in `qkv`, and its number of rows. */
  readonly start: number;
  readonly length: number;
  /** Address of (padded length) floats that are added to the scores, one per key. */
  readonly maskBias: number;
  /** Address for its (heads, length, length) attention weights, when the caller wants them. */
  readonly probs?: number;
  /** The rows of `qkv`, from `start` on, whose queries are computed. Default: all. */
  readonly queries?: number;
  /** Its first row in `context`. Default: `start`. */
  readonly to?: number;
}

/** The attention of one layer over all sequences of a batch. */
export interface Attention {
  /** (tokens, 3 · hidden): query, key and value side by side. */
  readonly qkv: Matrix;
  /** (tokens, hidden) */
  readonly context: Matrix;
  readonly sequences: readonly AttentionSequence[];
  readonly heads: number;
  /** Address of the scratch memory of `attentionScratchBytes` for the longest sequence. */
  readonly scratch: number;
  /** Address of (length, padded length) dropout factors; all sequences then have the same length. */
  readonly dropoutMask?: number;
}
