/** The main loop of a helper thread: instantiates the kernels over the model's memory and runs calls until it is stopped. */
import { type Kernel, WorkQueue } from './work-queue.js';

export interface HelperModule {
  readonly module: WebAssembly.Module;
  readonly kernels: readonly string[];
}

/** What a helper thread is started with. */
export interface ThreadStart {
  readonly kind: 'threads';
  readonly memory: WebAssembly.Memory;
  /** Each with the names of the exports that it calls; an operation names a kernel by its index among all of them. */
  readonly modules: readonly HelperModule[];
  readonly block: SharedArrayBuffer;
  readonly thread: number;
}

/** @param ready is called when the thread is about to take calls */
export function threadMain({ memory, modules, block, thread }: ThreadStart, ready: () => void): void {
  const functions = modules.flatMap(({ module, kernels }) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return kernels.map((name) => exports[name] as Kernel);
  });
  const queue = new WorkQueue(block, functions, thread);
  ready();
  queue.serve();
}
