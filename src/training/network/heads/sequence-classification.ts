/** FlaxAlbertForSequenceClassification with the loss of each `problem_type`. */

import type { Matrix } from '../../../engine/memory.js';
import type { Dense } from '../../../engine/operands.js';
import type { Pass } from '../context.js';
import type { TrainingHead } from '../head.js';
import { binaryCrossEntropy, crossEntropy, type LossMemory, planLosses, squaredError } from '../losses.js';
import { type PooledActivations, planPooled, runPooled, type TrainedPooled, trainedPooled } from './pooled.js';

interface Activations extends PooledActivations {
  readonly losses: LossMemory;
}

export const sequenceClassification: TrainingHead<TrainedPooled, Activations> = {
  trained: (region, step, layout) => trainedPooled(region, step, layout, layout.head as Dense),
  rows: ({ starts }) => starts,
  plan: (region, pass, trained) => ({
    ...planPooled(region, pass, trained),
    losses: planLosses(region, pass.batch.sequences),
  }),
  run(pass, trained, activations, hidden, dHidden) {
    const { classifier_dropout_prob: rate } = pass.config;
    const lossOf = (logits: Matrix) => lossOfLabels(pass, logits, activations.losses);
    return runPooled(pass, trained, activations, hidden, dHidden, rate, lossOf);
  },
};

function lossOfLabels(pass: Pass, logits: Matrix, losses: LossMemory): number {
  const { labels, counts } = pass;
  switch (labels.loss) {
    case 'regression':
      return squaredError(pass, logits, labels.values, counts.labels);
    case 'multi_label':
      return binaryCrossEntropy(pass, logits, labels.values, counts.labels);
    case 'classes':
      return crossEntropy(pass, logits, losses, labels.classes, counts.labels);
    default:
      throw new TypeError(`no loss of a sequence: ${labels.loss}`);
  }
}
