/** FlaxAlbertForTokenClassification: one set of label logits for each token. */
import type { Dense } from '../../engine/engine.js';
import type { Matrix } from '../../engine/memory.js';
import type { Tensor } from '../../tensor.js';
import type { Head } from '../head.js';
import { readRows } from '../run.js';

/** A score for each label of each token. */
export interface TokenClassificationOutput {
  /** (batch, seq, num_labels) */
  readonly logits: Tensor<Float32Array>;
}

export const tokenClassification: Head<Dense, Matrix> = {
  pooler: false,
  rank: 2,
  prefix: 'albert.',
  declare: (table, { hidden_size, num_labels }) => table.classifier('classifier', hidden_size, num_labels),
  plan: (region, { num_labels }, { kept }) => region.matrix(kept, num_labels),
  outputFloats: (config, { kept }) => kept * config.num_labels,
  run({ engine, config, hidden, rectangles, dropout }, classifier, logits) {
    dropout?.apply(engine, hidden, config.classifier_dropout_prob);
    engine.linear(hidden, classifier, logits);
    return rectangles.map(({ kept }) => ({ logits: readRows(engine, logits, kept) }));
  },
};
