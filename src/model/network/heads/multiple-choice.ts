/** FlaxAlbertForMultipleChoice: one logit for each choice of an example. */

import { type Matrix, rowsOf } from '../../../engine/memory.js';
import type { Dense } from '../../../engine/operands.js';
import { Tensor } from '../../../ground/tensor.js';
import type { Head } from '../head.js';

/** A score for each choice. */
export interface MultipleChoiceOutput {
  /** (batch, choices) */
  readonly logits: Tensor<Float32Array>;
}

export const multipleChoice: Head<Dense, Matrix> = {
  pooler: true,
  hidden: false,
  rank: 3,
  prefix: 'albert.',
  declare: (table, { hidden_size }) =>
    table.dense({ name: 'classifier', inputs: hidden_size, outputs: 1, of: 'head', stored: 'float32' }),
  plan: (region, { batch }) => region.matrix(batch.sequences, 1),
  outputFloats: (_config, { sequences }) => sequences,
  run({ engine, config, batch, dropout }, classifier, logits, { pooled }) {
    // FlaxAlbert drops at the hidden rate here, not at the classifier's.
    dropout?.apply(engine, pooled, config.hidden_dropout_prob);
    engine.linear(pooled, classifier, logits);
    return batch.rectangles.map(({ sequences: { from, to, shape } }) => ({
      logits: new Tensor(engine.read(rowsOf(logits, from, to)), shape),
    }));
  },
};
