/** A dense layer over each row, and the loss of its logits: the end of every head but those that score words. */

import type { Matrix, Region } from '../../../engine/memory.js';
import type { Dense } from '../../../engine/operands.js';
import { type ProductScratch, planProduct, weightGradient } from '../../../engine/weight-gradient.js';
import { gradientOfDense, type Pass, type Step, Transposed } from '../context.js';

export interface TrainedClassifier {
  readonly dense: Dense;
  readonly transposed: Transposed;
}

export interface ClassifierActivations {
  /** (rows, outputs): the logits, then their gradient. */
  readonly logits: Matrix;
  readonly products: ProductScratch;
}

export function trainedClassifier(region: Region, step: Step, dense: Dense): TrainedClassifier {
  return { dense, transposed: new Transposed(region, step, dense) };
}

export function planClassifier(
  region: Region,
  { dense: { inputs, outputs } }: TrainedClassifier,
  rows: number,
): ClassifierActivations {
  return { logits: region.matrix(rows, outputs), products: planProduct(region, rows, inputs, outputs) };
}

/**
 * dX = the gradient of the classifier's input.
 *
 * @param lossOf the loss of the logits, which it overwrites with their gradient
 * @param dX may be x
 */
export function runClassifier(
  pass: Pass,
  { dense, transposed }: TrainedClassifier,
  { logits, products }: ClassifierActivations,
  x: Matrix,
  lossOf: (logits: Matrix) => number,
  dX: Matrix | undefined,
): number {
  const { engine, training } = pass;
  engine.linear(x, dense, logits);
  const loss = lossOf(logits);
  weightGradient(training, x, logits, gradientOfDense(pass, dense), products);
  if (dX !== undefined) training.inputGradient(logits, transposed.of(dense), dX);
  return loss;
}
