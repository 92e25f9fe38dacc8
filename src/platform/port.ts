/** A worker's connection to its owner, in Node and in browsers. */

export type Post = (message: unknown, transfer?: Transferable[]) => void;

/**
 * Starts a worker's program.
 *
 * @param begin receives what the worker was started with; returns the listener of later messages, if there is one
 */
export function openPort(begin: (started: never, post: Post) => ((message: unknown) => void) | undefined): void {
  // One file for Node and browsers, so that a bundler's pattern finds it; importing `#platform` would pull in the whole package.
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  const port = threads?.parentPort;
  if (port) {
    const listen = begin(threads?.workerData as never, (message, transfer) =>
      port.postMessage(message, transfer as Parameters<typeof port.postMessage>[1]),
    );
    if (listen !== undefined) port.on('message', listen);
  } else {
    const post: Post = (message, transfer = []) => globalThis.postMessage(message, { transfer });
    globalThis.onmessage = ({ data }) => {
      const listen = begin(data as never, post);
      globalThis.onmessage = ({ data }) => listen?.(data);
    };
  }
}
