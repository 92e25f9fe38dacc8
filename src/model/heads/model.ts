/** FlaxAlbertModel: the bare body, its hidden states and its pooler. */
import { Tensor } from '../../tensor.js';
import { AlbertPreTrainedModel } from '../albert.js';
import type { Head } from '../head.js';

export interface AlbertModelOutput {
  /** (batch, seq, hidden_size) */
  readonly last_hidden_state: Tensor<Float32Array>;
  /** (batch, hidden_size): the first token's state through a dense layer and tanh. */
  readonly pooler_output: Tensor<Float32Array>;
}

const head: Head<void, void> = {
  pooler: true,
  rank: 2,
  prefix: '',
  declare() {},
  plan() {},
  outputFloats: (config, batch, seq) => (batch * seq + batch) * config.hidden_size,
  run({ engine, config, hidden, pooled, leading, seq }) {
    return {
      last_hidden_state: new Tensor(engine.read(hidden), [...leading, seq, config.hidden_size]),
      pooler_output: new Tensor(engine.read(pooled), [...leading, config.hidden_size]),
    };
  },
};

export class AlbertModel extends AlbertPreTrainedModel<AlbertModelOutput> {
  static readonly head: Head = head;
}
