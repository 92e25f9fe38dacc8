/** Starts a model's worker in Node. Reached by the `#model-worker` import; `../web/model-worker.ts` is its counterpart. */

import type { WorkerHandle, WorkerListener } from '../worker.js';
import { ownFile, ownImport } from './own-files.js';
import { startWorkerAt } from './worker.js';

/**
 * Starts a worker that holds a model, from the package's file or from the file at `url`.
 *
 * @throws Node's error if it starts no worker
 */
export function startModelWorker(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  return startWorkerAt(url ?? ownFile('worker.js', () => ownImport('#model-worker-file')), data, listener);
}
