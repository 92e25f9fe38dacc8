/** FlaxAlbertForQuestionAnswering: for each token, a logit as the answer's start and one as its end. */
import type { Dense } from '../../engine/engine.js';
import type { Matrix } from '../../engine/memory.js';
import { mismatch } from '../../errors.js';
import { Tensor } from '../../tensor.js';
import { AlbertPreTrainedModel } from '../albert.js';
import type { Head } from '../head.js';

export interface QuestionAnsweringOutput {
  /** (batch, seq) */
  readonly start_logits: Tensor<Float32Array>;
  /** (batch, seq) */
  readonly end_logits: Tensor<Float32Array>;
}

const head: Head<Dense, Matrix> = {
  pooler: false,
  rank: 2,
  prefix: 'albert.',
  declare(table, { hidden_size, num_labels }) {
    if (num_labels !== 2) throw mismatch('ERR_CONFIG', 'num_labels', '2, a start and an end', num_labels, 'config');
    return table.classifier('qa_outputs', hidden_size, 2);
  },
  plan: (region, _config, batch, seq) => region.matrix(batch * seq, 2),
  outputFloats: (_config, batch, seq) => 2 * batch * seq,
  run({ engine, hidden, leading, seq }, outputs, matrix) {
    engine.linear(hidden, outputs, matrix);
    const logits = engine.read(matrix);
    const column = (c: number) =>
      new Tensor(
        Float32Array.from({ length: matrix.rows }, (_, row) => logits[2 * row + c] as number),
        [...leading, seq],
      );
    return { start_logits: column(0), end_logits: column(1) };
  },
};

export class AlbertForQuestionAnswering extends AlbertPreTrainedModel<QuestionAnsweringOutput> {
  static readonly head: Head = head as Head;
}
