/** FlaxAlbertForMultipleChoice: one logit for each choice of an example. */
import type { Dense } from '../../engine/engine.js';
import type { Matrix } from '../../engine/memory.js';
import { Tensor } from '../../tensor.js';
import { AlbertPreTrainedModel } from '../albert.js';
import type { Head } from '../head.js';

export interface MultipleChoiceOutput {
  /** (batch, choices) */
  readonly logits: Tensor<Float32Array>;
}

const head: Head<Dense, Matrix> = {
  pooler: true,
  rank: 3,
  prefix: 'albert.',
  declare: (table, { hidden_size }) => table.classifier('classifier', hidden_size, 1),
  plan: (region, _config, batch) => region.matrix(batch, 1),
  outputFloats: (_config, batch) => batch,
  run({ engine, config, pooled, leading, dropout }, classifier, logits) {
    // FlaxAlbert drops at the hidden rate here, not at the classifier's.
    dropout?.apply(engine, pooled, config.hidden_dropout_prob);
    engine.linear(pooled, classifier, logits);
    return { logits: new Tensor(engine.read(logits), leading) };
  },
};

export class AlbertForMultipleChoice extends AlbertPreTrainedModel<MultipleChoiceOutput> {
  static readonly head: Head = head as Head;
}
