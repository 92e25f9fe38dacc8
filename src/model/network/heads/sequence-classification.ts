/** FlaxAlbertForSequenceClassification: one set of label logits for each sequence. */

import type { Matrix } from '../../../engine/memory.js';
import type { Dense } from '../../../engine/operands.js';
import type { Tensor } from '../../../ground/tensor.js';
import { readRows } from '../batch.js';
import type { Head } from '../head.js';

/** A score for each label of each sequence. */
export interface SequenceClassificationOutput {
  /** (batch, num_labels) */
  readonly logits: Tensor<Float32Array>;
}

export const sequenceClassification: Head<Dense, Matrix> = {
  pooler: true,
  hidden: false,
  rank: 2,
  prefix: 'albert.',
  declare: (table, { hidden_size, num_labels }) =>
    table.dense({ name: 'classifier', inputs: hidden_size, outputs: num_labels, of: 'head', stored: 'float32' }),
  plan: (region, { config, batch }) => region.matrix(batch.sequences, config.num_labels),
  outputFloats: (config, { sequences }) => sequences * config.num_labels,
  run({ engine, config, batch, dropout }, classifier, logits, { pooled }) {
    dropout?.apply(engine, pooled, config.classifier_dropout_prob);
    engine.linear(pooled, classifier, logits);
    return batch.rectangles.map(({ sequences }) => ({ logits: readRows(engine, logits, sequences) }));
  },
};
