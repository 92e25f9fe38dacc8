/** FlaxAlbertModel: the bare body, its hidden states and its pooler. */
import type { Tensor } from '../../../ground/tensor.js';
import { readRows } from '../batch.js';
import type { Head } from '../head.js';

/** Hidden states of every token, and a vector for each sequence. */
export interface AlbertModelOutput {
  /** (batch, seq, hidden_size) */
  readonly last_hidden_state: Tensor<Float32Array>;
  /** (batch, hidden_size): the first token's state through a dense layer and tanh. */
  readonly pooler_output: Tensor<Float32Array>;
}

export const model: Head<void, void> = {
  pooler: true,
  hidden: true,
  rank: 2,
  prefix: '',
  declare() {},
  plan() {},
  outputFloats: (config, { headTokens, sequences }) => (headTokens + sequences) * config.hidden_size,
  run: ({ engine, batch }, _parameters, _activations, { hidden, pooled }) =>
    batch.rectangles.map(({ headTokens, sequences }) => ({
      last_hidden_state: readRows(engine, hidden, headTokens),
      pooler_output: readRows(engine, pooled, sequences),
    })),
};
