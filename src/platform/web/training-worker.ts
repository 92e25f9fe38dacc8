/**
 * Starts the worker that trains in a browser. Separate from `platform.ts`, which the worker itself needs: a bundler follows the
 * `new Worker` expression into the worker's file, and must not find the same expression there.
 */

import type { WorkerHandle, WorkerListener } from '../worker.js';
import { startWorkerAt, watchWorker } from './worker.js';

const NO_WORKER = 'this thread cannot start workers; in an extension, offscreen documents and pages can';

/**
 * Starts a worker that trains, from the package's file or from the file at `url`.
 *
 * @throws the browser's error if it starts no worker
 */
export function startTrainingWorker(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  if (typeof Worker === 'undefined') throw new Error(NO_WORKER);
  if (url !== undefined) return startWorkerAt(url, data, listener);
  const worker = new Worker(new URL('../../training/worker/entry.js', import.meta.url), { type: 'module' });
  return watchWorker(worker, data, listener);
}
