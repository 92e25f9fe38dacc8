/** What a model computes with: kernels over a memory, and helper threads where they are wanted and available. */

import { chooseKernels } from '#builds';
import { processors, widenVectors } from '#platform';
import type { StartHelper } from '../platform/worker.js';
import { instantiateKernels, type Kernels, THREADED_KERNELS } from './kernels.js';
import { LinearMemory } from './memory.js';
import { exactRangeOf, takesSharedMemory } from './probes.js';
import type { ActivationRange } from './schemes.js';
import { Threads } from './threads.js';

export interface RuntimeOptions {
  readonly maxMemoryBytes: number;
  readonly threads: number | 'auto';
  readonly engineFlags?: 'wide' | undefined;
  readonly wasmUrl?: string;
  readonly workerUrl?: string;
  /** Starts a helper; default: this thread starts it. */
  readonly startHelper?: StartHelper;
}

export interface Runtime {
  readonly kernels: Kernels;
  readonly memory: LinearMemory;
  /** The activations that relaxed SIMD's int8 products are exact for. Default: what its specification promises. */
  readonly activations?: ActivationRange | undefined;
  /** Where the caller has the kernels from. */
  readonly wasmUrl?: string | undefined;
  /** Why the scalar kernels run, unless the caller chose them. */
  readonly whyNotSimd?: string;
  /** Receives the bits of the vectors, if they are known; returns why they are not 256, if `engineFlags` asks for 256. */
  readonly whyNotWide?: ((bits: number | undefined) => string | undefined) | undefined;
  readonly threads?: Threads;
  /** Why there are none, when the caller asked for more than one thread. */
  readonly whyNotThreaded?: string;
}

/**
 * The most threads that `auto` stands for. Half of a machine's processors are often slow cores or second threads of the same
 * cores, the page itself needs one, and on small batches memory bandwidth limits what more threads could gain.
 */
const MAX_AUTO = 4;

/** The largest number of threads. */
export const MAX_THREADS = 64;

/** The number of threads that the option `threads` asks for. */
export function numberOfThreads(threads: number | 'auto'): number {
  if (threads !== 'auto') return threads;
  const available = processors();
  return Math.min(available, Math.max(2, Math.ceil(available / 2)), MAX_AUTO);
}

/**
 * Compiles the kernels, makes their memory, and starts the helpers; they start while the model's files are read.
 *
 * @throws ERR_ENVIRONMENT, ERR_SOURCE
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { maxMemoryBytes, wasmUrl, workerUrl } = options;
  const count = numberOfThreads(options.threads);
  // Before the kernels are compiled.
  const whyNotWide = options.engineFlags && widenVectors();
  const missing = count > 1 ? whyNotShared(maxMemoryBytes) : undefined;
  const several = count > 1 && missing === undefined;
  const { code, whyNotSimd, activations } = await chooseKernels(wasmUrl, several);
  const scalar = whyNotSimd !== undefined;
  const shared = wasmUrl === undefined && !scalar ? several : takesSharedMemory(code);
  const script = typeof code === 'function';
  const memory = new LinearMemory(maxMemoryBytes, script ? 'javascript' : shared ? 'shared' : 'plain');
  const kernels = instantiateKernels(code, memory.wasm);
  const runtime = {
    kernels,
    memory,
    activations:
      kernels.relaxedSimd.value === 0 ? undefined : (activations ?? exactRangeOf(code as WebAssembly.Module, shared)),
    wasmUrl,
    ...(scalar && { whyNotSimd }),
    whyNotWide,
  };
  if (count === 1) return runtime;
  if (script || !several || !shared) {
    const unshared = scalar
      ? 'the scalar kernels run on one thread'
      : 'the kernels at wasmUrl are not for shared memory';
    return { ...runtime, whyNotThreaded: scalar ? unshared : (missing ?? unshared) };
  }
  const names = Object.keys(THREADED_KERNELS) as (keyof typeof THREADED_KERNELS)[];
  const threads = new Threads(
    { memory: memory.wasm, modules: [{ module: code, kernels: names }] },
    names.map((name) => kernels[name]),
    { count, workerUrl: workerUrl === undefined ? undefined : new URL(workerUrl), startHelper: options.startHelper },
  );
  return { ...runtime, threads };
}

/** Why this JavaScript engine cannot share memory; `undefined` if it can. */
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
