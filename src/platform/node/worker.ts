/** Worker threads of Node. */
import { Worker } from 'node:worker_threads';
import { isA } from '../../ground/realm.js';
import type { WorkerHandle, WorkerListener } from '../worker.js';

/** @throws Node's error if it starts no worker */
export function startWorkerAt(url: URL, data: unknown, listener: WorkerListener): WorkerHandle {
  const worker = new Worker(url, { name: 'albert-wasm', workerData: data, execArgv: conditions() });
  worker.on('message', (value) => listener.message(value));
  worker.on('error', (error) => listener.error(isA('Error', error) ? error : new Error(String(error))));
  worker.on('exit', (code) => listener.error(new Error(`it ended by itself, with exit code ${code}`)));
  worker.unref();
  let ended: Promise<unknown> | undefined;
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as Parameters<Worker['postMessage']>[1]),
    async terminate() {
      if (ended === undefined) {
        worker.removeAllListeners();
        // Its errors no longer matter, but without a listener they would end the process.
        worker.on('error', () => {});
        ended = worker.terminate();
      }
      await ended;
    },
  };
}

/**
 * The flags of the program that a worker needs: those that decide which files its imports find. It does not need preloads, and
 * it refuses the flags of `node -e`.
 */
function conditions(): string[] {
  return process.execArgv.filter(
    (flag, i, flags) => /^(--conditions|-C)/.test(flag) || /^(--conditions|-C)$/.test(flags[i - 1] ?? ''),
  );
}
