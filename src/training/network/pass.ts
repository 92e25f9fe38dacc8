/** One forward and one backward pass of a batch, in micro-batches that fit the memory. */
import type { TrainingEngine } from '../../engine/training-engine.js';
import type { GradientMap } from './gradients.js';
import type { GradientRequest, TrainedModel } from './request.js';

/**
 * Adds the gradients of the mean loss of one batch to those that the map's memory holds.
 *
 * @throws ERR_MEMORY before any kernel runs when not even one example fits, ERR_ABORTED, ERR_INPUT for a loss that is not finite; some
 *   gradients are then added
 */
export async function computeGradients(
  _model: TrainedModel,
  _training: TrainingEngine,
  _gradients: GradientMap,
  _request: GradientRequest,
): Promise<{ loss: number }> {
  throw new Error('not yet');
}
