/** Where a model lives: on the calling thread, in a worker, or in several that share out its inputs. */
import { worksInWorker } from '#platform';
import { numberOfThreads, whyNotShared } from '../engine/runtime.js';
import { AlbertError } from '../errors.js';
import type { Backend, Recipe } from './backend.js';
import { LocalModel } from './local.js';
import { ModelPool } from './worker/pool.js';
import { RemoteModel } from './worker/remote.js';

export interface Placed {
  readonly backend: Backend;
  /** Why it lives on the calling thread, where it would not. */
  readonly whyNoWorker?: string;
}

/**
 * Makes a model where it is to live.
 *
 * @param worker whether that is a worker; as the platform has it unless given, and where none is to be had, the calling thread
 * @throws ERR_WORKER when a worker was asked for and none is to be had, what making the model throws
 */
export async function placeModel(recipe: Recipe, worker: boolean | undefined, signal?: AbortSignal): Promise<Placed> {
  const { threads, maxMemoryBytes } = recipe.options;
  const count = numberOfThreads(threads);
  const whyNot = count > 1 ? whyNotShared(maxMemoryBytes) : undefined;
  const inWorkers = worker ?? (worksInWorker() || whyNot !== undefined);
  if (!inWorkers) return { backend: await LocalModel.make(recipe, signal) };
  try {
    if (whyNot === undefined) return { backend: await RemoteModel.make(recipe, { signal }) };
    const single: Recipe = { ...recipe, options: { ...recipe.options, threads: 1 } };
    return { backend: await ModelPool.make(single, count, whyNot, { signal }) };
  } catch (error) {
    if (worker !== undefined || !(error instanceof AlbertError) || error.code !== 'ERR_WORKER') throw error;
    return { backend: await LocalModel.make(recipe, signal), whyNoWorker: error.message };
  }
}
