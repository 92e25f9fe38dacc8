/** Web Workers. */
import type { WorkerHandle, WorkerListener } from '../worker.js';

/** @throws the browser's error if it starts no worker */
export function startWorkerAt(url: URL, data: unknown, listener: WorkerListener): WorkerHandle {
  const { origin, href } = url;
  if (origin === globalThis.location?.origin || !/^https?:/.test(href)) {
    return watchWorker(new Worker(url, { type: 'module' }), data, listener);
  }
  // A worker must have the page's origin; what it imports need not.
  const own = URL.createObjectURL(new Blob([`import ${JSON.stringify(href)};`], { type: 'text/javascript' }));
  try {
    return watchWorker(new Worker(own, { type: 'module' }), data, listener, () => URL.revokeObjectURL(own));
  } catch (error) {
    URL.revokeObjectURL(own);
    throw error;
  }
}

const REASONS =
  "; workerUrl says where it is, 'albert-wasm/inline' contains it; a Content-Security-Policy must allow it by worker-src";

/** In an isolated page, WebKit refuses a worker's file when the server answers 304 without that header. */
const HINT = globalThis.crossOriginIsolated
  ? `${REASONS}; every answer, a 304 too, needs Cross-Origin-Embedder-Policy`
  : REASONS;

/** @param begun called when the worker's file is no longer needed */
export function watchWorker(worker: Worker, data: unknown, listener: WorkerListener, begun?: () => void): WorkerHandle {
  worker.onmessage = ({ data }) => {
    begun?.();
    begun = undefined;
    listener.message(data);
  };
  // The event for a missing or forbidden file has no message.
  worker.onerror = ({ message }) => listener.error(new Error(message || `its file cannot be loaded${HINT}`));
  worker.onmessageerror = () => listener.error(new Error('a message of it cannot be read'));
  worker.postMessage(data);
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    async terminate() {
      worker.onmessage = worker.onerror = worker.onmessageerror = null;
      worker.terminate();
      begun?.();
    },
  };
}
