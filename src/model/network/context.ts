/** What one forward is made of: every module of the network plans and runs with it. */
import type { Engine } from '../../engine/engine.js';
import type { AlbertConfig } from '../config.js';
import type { Batch } from './batch.js';
import type { DropoutStream } from './dropout.js';

export interface ForwardContext {
  readonly engine: Engine;
  readonly config: AlbertConfig;
  readonly batch: Batch;
  /** The rows of the last layer that are read, so that it computes no others; `undefined` where they are all. */
  readonly lastRows: readonly number[] | undefined;
  /** Whether to return the attention weights of every layer. */
  readonly output_attentions: boolean;
  /** Whether to return the hidden states after every layer. */
  readonly output_hidden_states: boolean;
  /** Present when training. */
  readonly dropout: DropoutStream | undefined;
}
