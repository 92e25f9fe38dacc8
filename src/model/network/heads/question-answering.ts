/** FlaxAlbertForQuestionAnswering: for each token, a logit as the answer's start and one as its end. */

import type { Matrix } from '../../../engine/memory.js';
import type { Dense } from '../../../engine/operands.js';
import { mismatch } from '../../../ground/errors.js';
import { Tensor } from '../../../ground/tensor.js';
import type { Rows } from '../batch.js';
import type { Head } from '../head.js';

/** Scores of each token as the answer's first and last. */
export interface QuestionAnsweringOutput {
  /** (batch, seq) */
  readonly start_logits: Tensor<Float32Array>;
  /** (batch, seq) */
  readonly end_logits: Tensor<Float32Array>;
}

export const questionAnswering: Head<Dense, Matrix> = {
  pooler: false,
  hidden: true,
  rank: 2,
  prefix: 'albert.',
  declare(table, { hidden_size, num_labels }) {
    if (num_labels !== 2) throw mismatch('ERR_CONFIG', 'num_labels', '2, a start and an end', num_labels, 'config');
    return table.dense({ name: 'qa_outputs', inputs: hidden_size, outputs: 2, of: 'head', stored: 'float32' });
  },
  plan: (region, { batch }) => region.matrix(batch.headTokens, 2),
  outputFloats: (_config, { headTokens }) => 2 * headTokens,
  run({ engine, batch }, outputs, matrix, { hidden }) {
    engine.linear(hidden, outputs, matrix);
    const logits = engine.read(matrix);
    const column = ({ from, to, shape }: Rows, c: number) =>
      new Tensor(
        Float32Array.from({ length: to - from }, (_, row) => logits[2 * (from + row) + c] as number),
        shape,
      );
    return batch.rectangles.map(({ headTokens }) => ({
      start_logits: column(headTokens, 0),
      end_logits: column(headTokens, 1),
    }));
  },
};
