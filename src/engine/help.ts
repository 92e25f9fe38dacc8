/** What a worker of the engine does: instantiates the kernels over the model's memory and helps until it is stopped. */
import { Chunks, type Kernel } from './chunks.js';

/** What a worker is started with. */
export interface HelpStart {
  readonly kind: 'threads';
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Names of the exports that it will call, in the order of their numbers. */
  readonly kernels: readonly string[];
  readonly block: SharedArrayBuffer;
  readonly thread: number;
}

/** @param ready is called when it is about to help */
export function help({ module, memory, kernels, block, thread }: HelpStart, ready: () => void): void {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const chunks = new Chunks(
    block,
    kernels.map((name) => exports[name] as Kernel),
    thread,
  );
  ready();
  chunks.serve();
}
