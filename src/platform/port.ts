/** A worker's end of the line to its owner, in Node and in browsers alike. */

export type Post = (message: unknown, transfer?: Transferable[]) => void;

/**
 * Begins a worker's work.
 *
 * @param begin takes what the worker was started with, and returns what hears the messages that follow, if it hears any
 */
export function openPort(begin: (started: never, post: Post) => ((message: unknown) => void) | undefined): void {
  // One file for both kinds of worker, so that a bundler's pattern finds it; to import `#platform` would put the package into it.
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  const port = threads?.parentPort;
  if (port) {
    const hear = begin(threads?.workerData as never, (message, transfer) =>
      port.postMessage(message, transfer as Parameters<typeof port.postMessage>[1]),
    );
    if (hear !== undefined) port.on('message', hear);
  } else {
    const post: Post = (message, transfer = []) => globalThis.postMessage(message, { transfer });
    globalThis.onmessage = ({ data }) => {
      const hear = begin(data as never, post);
      globalThis.onmessage = ({ data }) => hear?.(data);
    };
  }
}
