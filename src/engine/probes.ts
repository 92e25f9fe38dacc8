/** Probes: what compiled kernels do not tell about themselves, and what a JavaScript engine computes wrongly. */
import { instantiateKernels, type KernelCode } from './kernels.js';

/** Whether kernels need shared memory: the only sign is that they refuse the other kind. */
export function takesSharedMemory(code: KernelCode): boolean {
  if (typeof code === 'function') return false;
  try {
    instantiateKernels(code, new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether an engine computes int8 products correctly: in V8 11.3 (Node 20, behind a flag) the baseline compiler overwrites the
 * accumulator of the relaxed SIMD instruction. Fresh code is baseline code, so one small product with the tallest tile shows
 * the fault (two rows and eight inputs do not); it takes half a millisecond.
 */
export function multipliesInt8(module: WebAssembly.Module, shared: boolean): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared });
  const { heapBase, packI8, gemmI8 } = instantiateKernels(module, memory);
  const [inputs, outputs, rows] = [32, 8, 6];
  const floats = new Float32Array(memory.buffer);
  const a = Math.ceil(Number(heapBase.value) / 64) * 64;
  const [bias, c, panels, scratch] = [a + 1024, a + 2048, a + 3072, a + 4096] as const;
  floats.fill(1, a / 4, a / 4 + inputs * outputs);
  packI8(a, 4, inputs * 4, panels, inputs, outputs, 0);
  gemmI8(a, inputs * 4, panels, bias, c, outputs * 4, rows, outputs, inputs, 0, 0, 0, scratch);
  // Every number is 1, the largest of its row and column, and is quantised without error.
  return floats.subarray(c / 4, c / 4 + rows * outputs).every((sum) => Math.abs(sum - inputs) < 0.01);
}
