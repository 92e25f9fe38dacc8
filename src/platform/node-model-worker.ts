/** Starting a model's worker in Node. Chosen by the `#model-worker` import; `web-model-worker.ts` is its twin. */
import { ownFile, ownImport } from './node-own-files.js';
import { startWorkerAt } from './node-worker.js';
import type { WorkerHandle, WorkerListener } from './worker.js';

/**
 * Starts a worker that can hold a model, or the file at `url` in its place.
 *
 * @throws what Node says when it starts none
 */
export function startModelWorker(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  return startWorkerAt(url ?? ownFile('worker.js', () => ownImport('#model-worker-file')), data, listener);
}
