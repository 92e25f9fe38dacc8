/** FlaxAlbertForPreTraining: the sum of the losses of masked words and of the order of two segments. */
import type { PreTrainingParameters } from '../../../model/network/heads/pretraining.js';
import type { TrainingHead } from '../head.js';
import { crossEntropy, type LossMemory, planLosses } from '../losses.js';
import { labelsOf } from '../request.js';
import {
  type LanguageModelingActivations,
  labelledTokens,
  planLanguageModeling,
  runLanguageModeling,
  type TrainedLanguageModeling,
  trainedLanguageModeling,
} from './language-modeling.js';
import { type PooledActivations, planPooled, runPooled, type TrainedPooled, trainedPooled } from './pooled.js';

interface Trained {
  readonly predictions: TrainedLanguageModeling;
  readonly sop: TrainedPooled;
}

interface Activations {
  readonly predictions: LanguageModelingActivations;
  readonly sop: PooledActivations;
  readonly losses: LossMemory;
}

export const preTraining: TrainingHead<Trained, Activations> = {
  trained(region, step, layout) {
    const { predictions, sop } = layout.head as PreTrainingParameters;
    return {
      predictions: trainedLanguageModeling(region, step, predictions),
      sop: trainedPooled(region, step, layout, sop),
    };
  },
  rows({ starts }, labels) {
    const words = labelledTokens(labelsOf('pretraining', labels).classes);
    return [...new Set([...starts, ...words])].sort((a, b) => a - b);
  },
  plan: (region, pass, { sop }) => ({
    predictions: planLanguageModeling(region, pass, labelsOf('pretraining', pass.labels).classes),
    sop: planPooled(region, pass, sop),
    losses: planLosses(region, pass.batch.sequences),
  }),
  run(pass, trained, { predictions, sop, losses }, hidden, dHidden) {
    const { classes, orders } = labelsOf('pretraining', pass.labels);
    const words = runLanguageModeling(pass, trained.predictions, predictions, hidden, dHidden, classes);
    const { classifier_dropout_prob: rate } = pass.config;
    const order = runPooled(pass, trained.sop, sop, hidden, dHidden, rate, (logits) =>
      crossEntropy(pass, logits, losses, orders, pass.counts.others),
    );
    return words + order;
  },
};
