/** FlaxAlbertForPreTraining: masked words and sentence order together. */
import type { Dense } from '../../engine/engine.js';
import type { Matrix } from '../../engine/memory.js';
import { Tensor } from '../../tensor.js';
import { AlbertPreTrainedModel } from '../albert.js';
import type { Head } from '../head.js';
import {
  declareLanguageModeling,
  type LanguageModelingMatrices,
  type LanguageModelingParameters,
  languageModelingLogits,
  planLanguageModeling,
} from './language-modeling.js';

export interface PreTrainingOutput {
  /** (batch, seq, vocab_size) */
  readonly prediction_logits: Tensor<Float32Array>;
  /** (batch, 2): in order, swapped. */
  readonly sop_logits: Tensor<Float32Array>;
}

interface Parameters {
  readonly predictions: LanguageModelingParameters;
  readonly sop: Dense;
}

interface Matrices {
  readonly predictions: LanguageModelingMatrices;
  readonly sop: Matrix;
}

const head: Head<Parameters, Matrices> = {
  pooler: true,
  rank: 2,
  prefix: 'albert.',
  declare(table, config, body) {
    return {
      predictions: declareLanguageModeling(table, config, body),
      sop: table.classifier('sop_classifier.classifier', config.hidden_size, 2),
    };
  },
  plan(region, config, batch, seq) {
    return { predictions: planLanguageModeling(region, config, batch * seq), sop: region.matrix(batch, 2) };
  },
  outputFloats: (config, batch, seq) => batch * (seq * config.vocab_size + 2),
  run(context, parameters, matrices) {
    const { engine, config, pooled, leading, dropout } = context;
    const prediction_logits = languageModelingLogits(context, parameters.predictions, matrices.predictions);
    dropout?.apply(engine, pooled, config.classifier_dropout_prob);
    engine.linear(pooled, parameters.sop, matrices.sop);
    return { prediction_logits, sop_logits: new Tensor(engine.read(matrices.sop), [...leading, 2]) };
  },
};

export class AlbertForPreTraining extends AlbertPreTrainedModel<PreTrainingOutput> {
  static readonly head: Head = head as Head;
}
