/** FlaxAlbertForTokenClassification: one set of label logits for each token. */

import type { Matrix } from '../../../engine/memory.js';
import type { Dense } from '../../../engine/operands.js';
import type { Tensor } from '../../../ground/tensor.js';
import { readRows } from '../batch.js';
import type { Head } from '../head.js';

/** A score for each label of each token. */
export interface TokenClassificationOutput {
  /** (batch, seq, num_labels) */
  readonly logits: Tensor<Float32Array>;
}

export const tokenClassification: Head<Dense, Matrix> = {
  pooler: false,
  hidden: true,
  rank: 2,
  prefix: 'albert.',
  declare: (table, { hidden_size, num_labels }) =>
    table.dense({ name: 'classifier', inputs: hidden_size, outputs: num_labels, of: 'head', stored: 'float32' }),
  plan: (region, { config, batch }) => region.matrix(batch.headTokens, config.num_labels),
  outputFloats: (config, { headTokens }) => headTokens * config.num_labels,
  run({ engine, config, batch, dropout }, classifier, logits, { hidden }) {
    dropout?.apply(engine, hidden, config.classifier_dropout_prob);
    engine.linear(hidden, classifier, logits);
    return batch.rectangles.map(({ headTokens }) => ({ logits: readRows(engine, logits, headTokens) }));
  },
};
