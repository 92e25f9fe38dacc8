/**
 * Starting a model's worker in a browser. Apart from `web.ts`, which the worker itself needs: a bundler follows this expression
 * into the worker's file, and must not find it there again.
 */

import { startWorkerAt, watchWorker } from './web-worker.js';
import type { WorkerHandle, WorkerListener } from './worker.js';

const NO_WORKER = 'this thread cannot start workers; in an extension, offscreen documents and pages can';

/**
 * Starts a worker that can hold a model, or the file at `url` in its place.
 *
 * @throws what the browser says when it starts none
 */
export function startModelWorker(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  if (typeof Worker === 'undefined') throw new Error(NO_WORKER);
  if (url !== undefined) return startWorkerAt(url, data, listener);
  const worker = new Worker(new URL('../model/runners/worker/entry.js', import.meta.url), { type: 'module' });
  return watchWorker(worker, data, listener);
}
