/** What a model computes with: kernels over a memory, and workers where they were asked for and can be had. */

import { chooseKernels } from '#builds';
import { processors } from '#platform';
import type { StartHelper } from '../platform/worker.js';
import { DIVIDED, instantiateKernels, type Kernels } from './kernels.js';
import { LinearMemory } from './memory.js';
import { Threads } from './threads.js';
import { takesSharedMemory } from './trials.js';

export interface RuntimeOptions {
  readonly maxMemoryBytes: number;
  readonly threads: number | 'auto';
  readonly wasmUrl?: string;
  readonly workerUrl?: string;
  /** Starts the workers of threads; default: this thread does. */
  readonly startHelper?: StartHelper;
}

export interface Runtime {
  readonly kernels: Kernels;
  readonly memory: LinearMemory;
  /** Why the kernels are the scalar ones, where that is not the caller's choice. */
  readonly whyNotSimd?: string;
  readonly threads?: Threads;
  /** Why there are none, when more than one were asked for. */
  readonly whyNotThreaded?: string;
}

/**
 * Threads that `auto` stands for at most. Half of a browser's processors are often second threads of the same cores or
 * slow cores, the page itself needs one, and memory bandwidth ends what more could bring to a small batch.
 */
const MAX_AUTO = 4;

/** What a number of threads may be. */
export const MAX_THREADS = 64;

/** Threads that were asked for, as a number. */
export function numberOfThreads(threads: number | 'auto'): number {
  if (threads !== 'auto') return threads;
  const available = processors();
  return Math.min(available, Math.max(2, Math.ceil(available / 2)), MAX_AUTO);
}

/**
 * Compiles the kernels, makes their memory, and starts workers while the model's files are read.
 *
 * @throws ERR_ENVIRONMENT, ERR_SOURCE
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { maxMemoryBytes, wasmUrl, workerUrl } = options;
  const count = numberOfThreads(options.threads);
  const missing = count > 1 ? whyNotShared(maxMemoryBytes) : undefined;
  const several = count > 1 && missing === undefined;
  const { code, whyNotSimd } = await chooseKernels(wasmUrl, several);
  const scalar = whyNotSimd !== undefined;
  const shared = wasmUrl === undefined && !scalar ? several : takesSharedMemory(code);
  const script = typeof code === 'function';
  const memory = new LinearMemory(maxMemoryBytes, script ? 'javascript' : shared ? 'shared' : 'plain');
  const kernels = instantiateKernels(code, memory.wasm);
  const runtime = { kernels, memory, ...(scalar && { whyNotSimd }) };
  if (count === 1) return runtime;
  if (script || !several || !shared) {
    const unshared = scalar
      ? 'the scalar kernels run on one thread'
      : 'the kernels at wasmUrl are not for shared memory';
    return { ...runtime, whyNotThreaded: scalar ? unshared : (missing ?? unshared) };
  }
  const names = Object.keys(DIVIDED) as (keyof typeof DIVIDED)[];
  const threads = new Threads(
    { module: code, memory: memory.wasm, kernels: names },
    names.map((name) => kernels[name]),
    { count, workerUrl: workerUrl === undefined ? undefined : new URL(workerUrl), startHelper: options.startHelper },
  );
  return { ...runtime, threads };
}

/** What keeps this engine from sharing memory, if anything does. */
export function whyNotShared(maxMemoryBytes: number): string | undefined {
  if (globalThis.crossOriginIsolated === false) {
    return 'the page is not cross-origin isolated, as the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp make it';
  }
  if (typeof SharedArrayBuffer === 'undefined') return 'this engine has no SharedArrayBuffer';
  try {
    new LinearMemory(maxMemoryBytes, 'shared');
    return undefined;
  } catch (error) {
    return `this engine refuses to share memory: ${(error as Error).message}`;
  }
}
