/** Every kernel's bench, and an engine that can run them; the command line and the browser's page share them. */
import { Engine } from '../../src/engine/engine.js';
import { startRuntime } from '../../src/engine/runtime.js';
import { benches as attention } from './attention.bench.js';
import { benches as gelu } from './gelu.bench.js';
import { benches as layerNorm } from './layer-norm.bench.js';
import { benches as matmul } from './matmul.bench.js';
import { benches as softmax } from './softmax.bench.js';
import type { KernelBench } from './suite.js';

export const KERNEL_BENCHES: readonly KernelBench[] = [...matmul, ...attention, ...softmax, ...layerNorm, ...gelu];

export async function kernelEngine(): Promise<Engine> {
  return new Engine(await startRuntime({ maxMemoryBytes: 2 ** 30, threads: 1 }), { dtype: 'int8', inputs: 3072 });
}
