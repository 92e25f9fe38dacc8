/** Chooses where a model runs: on the calling thread, in a worker, or in several workers that share the inputs of a call. */
import { worksInWorker } from '#platform';
import { numberOfThreads, whyNotShared } from '../../engine/runtime.js';
import { AlbertError } from '../../ground/errors.js';
import { LocalModel } from './local.js';
import type { Recipe, Runner } from './runner.js';
import { ModelPool } from './worker/pool.js';
import { RemoteModel } from './worker/remote.js';

export interface ChosenRunner {
  readonly runner: Runner;
  /** Why the model runs on the calling thread although a worker was preferred. */
  readonly whyNoWorker?: string;
}

/**
 * Makes a model where it is to run.
 *
 * @param worker whether that is a worker; default: a worker where the platform prefers one and one is available
 * @throws ERR_WORKER when a worker was asked for and none is available; what making the model throws
 */
export async function chooseRunner(
  recipe: Recipe,
  worker: boolean | undefined,
  signal?: AbortSignal,
): Promise<ChosenRunner> {
  const { threads, maxMemoryBytes } = recipe.options;
  const count = numberOfThreads(threads);
  const whyNot = count > 1 ? whyNotShared(maxMemoryBytes) : undefined;
  const inWorkers = worker ?? (worksInWorker() || whyNot !== undefined);
  if (!inWorkers) return { runner: await LocalModel.make(recipe, signal) };
  try {
    if (whyNot === undefined) return { runner: await RemoteModel.make(recipe, { signal }) };
    const single: Recipe = { ...recipe, options: { ...recipe.options, threads: 1 } };
    return { runner: await ModelPool.make(single, count, whyNot, { signal }) };
  } catch (error) {
    if (worker !== undefined || !(error instanceof AlbertError) || error.code !== 'ERR_WORKER') throw error;
    return { runner: await LocalModel.make(recipe, signal), whyNoWorker: error.message };
  }
}
