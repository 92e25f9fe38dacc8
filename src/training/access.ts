/** The model that is trained: where it may be, and how much memory its training may take. */
import { checkMaxMemoryBytes, type LinearMemory, type Region } from '../engine/memory.js';
import { AlbertError, mismatch } from '../ground/errors.js';
import { AlbertPreTrainedModel } from '../model/albert.js';
import { LocalModel } from '../model/runners/local.js';

/** The default of `maxMemoryBytes`: 512 MiB. */
const DEFAULT_MAX_BYTES = 2 ** 29;

/**
 * The model itself, on this thread.
 *
 * @throws ERR_INPUT for what is no model, for a model in a worker and for an int8 model
 */
export function trainableModel(model: AlbertPreTrainedModel): LocalModel {
  if (!(model instanceof AlbertPreTrainedModel)) throw mismatch('ERR_INPUT', 'model', 'a model of this library', model);
  const runner = AlbertPreTrainedModel.runnerOf(model);
  if (!(runner instanceof LocalModel)) {
    const advice = 'load it with worker: false, in a worker of your own if the page must stay responsive';
    throw new AlbertError('ERR_INPUT', `"model" expected a model on this thread, got one in a worker: ${advice}`);
  }
  const { dtype } = runner.info();
  if (dtype !== 'float32') {
    const advice = "load it with dtype: 'float32'";
    throw new AlbertError('ERR_INPUT', `"model" expected float32 weights to train, got ${dtype}: ${advice}`);
  }
  return runner;
}

/** The limit that the caller sets, or the default: of all memory that the model has while it is trained. @throws ERR_INPUT */
export function checkTrainingMemory(maxMemoryBytes: number | undefined): number {
  return checkMaxMemoryBytes(maxMemoryBytes ?? DEFAULT_MAX_BYTES);
}

/** Puts a region in use, within the limit of training. @throws ERR_MEMORY with the bytes wanted and allowed; nothing has changed then */
export function claimWithin(memory: LinearMemory, region: Region, maxMemoryBytes: number): void {
  if (region.end > maxMemoryBytes) {
    const message = `"maxMemoryBytes" expected at least ${region.end} for weights and gradients, got ${maxMemoryBytes}`;
    throw new AlbertError('ERR_MEMORY', message);
  }
  memory.claim(region);
}
