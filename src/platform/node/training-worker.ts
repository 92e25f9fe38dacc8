/** Starts the worker that trains in Node. Reached by the `#training-worker` import; `../web/training-worker.ts` is its counterpart. */

import type { WorkerHandle, WorkerListener } from '../worker.js';
import { ownFile, ownImport } from './own-files.js';
import { startWorkerAt } from './worker.js';

/**
 * Starts a worker that trains, from the package's file or from the file at `url`.
 *
 * @throws Node's error if it starts no worker
 */
export function startTrainingWorker(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  return startWorkerAt(url ?? ownFile('training-worker.js', () => ownImport('#training-worker-file')), data, listener);
}
