/** The main loop of a helper thread: instantiates the kernels over the model's memory and runs calls until it is stopped. */
import { type Kernel, WorkQueue } from './work-queue.js';

/** What a helper thread is started with. */
export interface ThreadStart {
  readonly kind: 'threads';
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Names of the exports that it calls; an operation names a kernel by its index here. */
  readonly kernels: readonly string[];
  readonly block: SharedArrayBuffer;
  readonly thread: number;
}

/** @param ready is called when the thread is about to take calls */
export function threadMain({ module, memory, kernels, block, thread }: ThreadStart, ready: () => void): void {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const queue = new WorkQueue(
    block,
    kernels.map((name) => exports[name] as Kernel),
    thread,
  );
  ready();
  queue.serve();
}
