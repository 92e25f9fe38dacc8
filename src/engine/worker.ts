/** A worker's file: instantiates the kernels over the model's memory and helps until it is stopped. */
import { Chunks, type Kernel } from './chunks.js';

/** What a worker is started with. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Names of the exports that it will call, in the order of their numbers. */
  readonly kernels: readonly string[];
  readonly block: SharedArrayBuffer;
  readonly thread: number;
}

function help({ module, memory, kernels, block, thread }: WorkerStart, ready: () => void): void {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const chunks = new Chunks(
    block,
    kernels.map((name) => exports[name] as Kernel),
    thread,
  );
  ready();
  chunks.serve();
}

// One file for both kinds of worker, so that a bundler's pattern finds it; to import `#platform` would put the package into it.
const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
if (threads?.parentPort) {
  help(threads.workerData, () => threads.parentPort?.postMessage('ready'));
} else {
  globalThis.onmessage = ({ data }) => help(data, () => globalThis.postMessage('ready'));
}
