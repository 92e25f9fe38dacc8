/** FlaxAlbertForTokenClassification: cross-entropy of the labels of each token. */
import type { Dense } from '../../../engine/operands.js';
import type { TrainingHead } from '../head.js';
import { crossEntropy, type LossMemory, planLosses } from '../losses.js';
import { labelsOf } from '../request.js';
import {
  type ClassifierActivations,
  planClassifier,
  runClassifier,
  type TrainedClassifier,
  trainedClassifier,
} from './classifier.js';

interface Activations extends ClassifierActivations {
  readonly losses: LossMemory;
}

export const tokenClassification: TrainingHead<TrainedClassifier, Activations> = {
  trained: (region, step, { head }) => trainedClassifier(region, step, head as Dense),
  plan(region, pass, trained) {
    const { tokens } = pass.batch;
    return { ...planClassifier(region, trained, tokens), losses: planLosses(region, tokens) };
  },
  run(pass, trained, activations, hidden, dHidden) {
    const { engine, config, dropout, sites, counts } = pass;
    const { classes } = labelsOf('tokens', pass.labels);
    const site = { number: sites.head, rate: config.classifier_dropout_prob };
    dropout?.tokens(engine, hidden, site);
    const loss = runClassifier(
      pass,
      trained,
      activations,
      hidden,
      (logits) => crossEntropy(pass, logits, activations.losses, classes, counts.labels),
      dHidden,
    );
    if (dHidden !== undefined) dropout?.tokens(engine, dHidden, site);
    return loss;
  },
};
