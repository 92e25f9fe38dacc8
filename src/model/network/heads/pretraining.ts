/** FlaxAlbertForPreTraining: masked words and sentence order together. */

import type { Matrix } from '../../../engine/memory.js';
import type { Dense } from '../../../engine/operands.js';
import type { Tensor } from '../../../ground/tensor.js';
import { readRows } from '../batch.js';
import type { Head } from '../head.js';
import {
  declareLanguageModeling,
  type LanguageModelingActivations,
  type LanguageModelingParameters,
  languageModelingLogits,
  planLanguageModeling,
} from './language-modeling.js';

/** Scores of words at every position, and of the order of two segments. */
export interface PreTrainingOutput {
  /** (batch, seq, vocab_size) */
  readonly prediction_logits: Tensor<Float32Array>;
  /** (batch, 2): in order, swapped. */
  readonly sop_logits: Tensor<Float32Array>;
}

/** The addresses of both heads. */
export interface PreTrainingParameters {
  readonly predictions: LanguageModelingParameters;
  readonly sop: Dense;
}

interface Activations {
  readonly predictions: LanguageModelingActivations;
  readonly sop: Matrix;
}

export const preTraining: Head<PreTrainingParameters, Activations> = {
  pooler: true,
  hidden: true,
  rank: 2,
  prefix: 'albert.',
  declare(table, config, body) {
    return {
      predictions: declareLanguageModeling(table, config, body),
      sop: table.dense({
        name: 'sop_classifier.classifier',
        inputs: config.hidden_size,
        outputs: 2,
        of: 'head',
        stored: 'float32',
      }),
    };
  },
  plan(region, context) {
    return { predictions: planLanguageModeling(region, context), sop: region.matrix(context.batch.sequences, 2) };
  },
  outputFloats: (config, { headTokens, sequences }) => headTokens * config.vocab_size + 2 * sequences,
  run(context, parameters, activations, { hidden, pooled }) {
    const { engine, config, batch, dropout } = context;
    const predictions = languageModelingLogits(context, parameters.predictions, activations.predictions, hidden);
    dropout?.apply(engine, pooled, config.classifier_dropout_prob);
    engine.linear(pooled, parameters.sop, activations.sop);
    return batch.rectangles.map(({ sequences }, i) => ({
      prediction_logits: predictions[i] as Tensor<Float32Array>,
      sop_logits: readRows(engine, activations.sop, sequences),
    }));
  },
};
