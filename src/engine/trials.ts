/** What kernels do not say of themselves, and what an engine gets wrong: found out by trying. */
import { instantiateKernels, type KernelCode } from './kernels.js';

/** Whether kernels ask for shared memory: they say so in no other way than by refusing the other kind. */
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
 * Whether an engine's int8 product is right: in V8 11.3 (Node 20, behind a flag) the baseline compiler overwrites the
 * accumulator of relaxed SIMD's. Fresh code is baseline code, so one small product of the tallest tile tells (two rows and eight
 * inputs came out right even so); it takes half a millisecond.
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
  // Ones are the largest of their rows and columns: they quantise without error.
  return floats.subarray(c / 4, c / 4 + rows * outputs).every((sum) => Math.abs(sum - inputs) < 0.01);
}
