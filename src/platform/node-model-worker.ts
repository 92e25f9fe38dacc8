/** Starting a model's worker in Node. Chosen by the `#model-worker` import; `web-model-worker.ts` is its twin. */
import { startWorkerAt } from './node-worker.js';
import type { WorkerHandle, WorkerListener } from './worker.js';

/**
 * Starts a worker that can hold a model, or the file at `url` in its place.
 *
 * @throws what Node says when it starts none
 */
export function startModelWorker(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  return startWorkerAt(url ?? new URL(import.meta.resolve('#model-worker-file')), data, listener);
}
