/** Pooler, dropout, classifier: the heads that read a vector per sequence. */

import type { Matrix, Region } from '../../../engine/memory.js';
import type { Dense } from '../../../engine/operands.js';
import type { Layout } from '../../../model/network/layout.js';
import { type Pass, type Step, trains } from '../context.js';
import {
  backwardPooler,
  type PoolerActivations,
  planPooler,
  runPooler,
  type TrainedPooler,
  trainedPooler,
} from '../pooler.js';
import {
  type ClassifierActivations,
  planClassifier,
  runClassifier,
  type TrainedClassifier,
  trainedClassifier,
} from './classifier.js';

export interface TrainedPooled {
  readonly pooler: TrainedPooler;
  readonly classifier: TrainedClassifier;
}

export interface PooledActivations {
  readonly pooler: PoolerActivations;
  readonly classifier: ClassifierActivations;
}

export function trainedPooled(region: Region, step: Step, { body }: Layout, classifier: Dense): TrainedPooled {
  return {
    pooler: trainedPooler(region, step, body.pooler as Dense),
    classifier: trainedClassifier(region, step, classifier),
  };
}

export function planPooled(region: Region, pass: Pass, { classifier }: TrainedPooled): PooledActivations {
  return {
    pooler: planPooler(region, pass),
    classifier: planClassifier(region, classifier, pass.batch.sequences),
  };
}

/** @param rate of the dropout between pooler and classifier */
export function runPooled(
  pass: Pass,
  trained: TrainedPooled,
  { pooler, classifier }: PooledActivations,
  hidden: Matrix,
  dHidden: Matrix | undefined,
  rate: number,
  lossOf: (logits: Matrix) => number,
): number {
  const { engine, dropout, sites } = pass;
  const { pooled } = pooler;
  const site = { number: sites.head, rate };
  runPooler(pass, trained.pooler, pooler, hidden);
  dropout?.sequences(engine, pooled, site);
  const below = dHidden !== undefined || trains(pass, trained.pooler.dense);
  const loss = runClassifier(pass, trained.classifier, classifier, pooled, lossOf, below ? pooled : undefined);
  if (!below) return loss;
  dropout?.sequences(engine, pooled, site);
  backwardPooler(pass, trained.pooler, pooler, pooled, dHidden);
  return loss;
}
