/** Probes: what compiled kernels do not tell about themselves, and what a JavaScript engine computes wrongly. */
import { instantiateKernels, type KernelCode, type Kernels } from './kernels.js';
import { ACTIVATION_RANGES, type ActivationRange } from './schemes.js';

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

/** `exactRange` of relaxed SIMD's kernels, in memory of their own. */
export function exactRangeOf(module: WebAssembly.Module, shared: boolean): ActivationRange | undefined {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared });
  return exactRange(instantiateKernels(module, memory), memory);
}

/**
 * The widest range of activations that int8 products are exact for; `undefined` if there is none.
 *
 * The relaxed SIMD instruction promises exact products for 0 to 127. For more, machines differ (docs/decisions/0022): some read the
 * activations as unsigned, some as signed, and in some the sum of two products overflows. In V8 11.3 (Node 20, behind a flag) the
 * baseline compiler overwrites the accumulator. Fresh code is baseline code, so one small product with the tallest tile shows the fault (two
 * rows and eight inputs do not); it takes half a millisecond.
 *
 * @param memory of the kernels: one page, which is overwritten
 */
export function exactRange(kernels: ProbedKernels, memory: WebAssembly.Memory): ActivationRange | undefined {
  return ACTIVATION_RANGES.find((range) => multipliesExactly(kernels, memory, range));
}

/** What `exactRange` calls. */
export type ProbedKernels = Pick<Kernels, 'heapBase' | 'packI8' | 'gemmI8'>;

/** Whether products of activations and weights at both ends of their ranges are exact. */
function multipliesExactly(kernels: ProbedKernels, memory: WebAssembly.Memory, range: ActivationRange): boolean {
  const [inputs, outputs, rows] = [32, 8, 6];
  const floats = new Float32Array(memory.buffer);
  const a = Math.ceil(Number(kernels.heapBase.value) / 64) * 64;
  const [weights, bias, c, panels, scratch] = [a + 1024, a + 2048, a + 3072, a + 4096, a + 5120] as const;
  // Even rows: fours of ones, then of zeros; odd rows: of ones, then of minus ones. So each activation has the highest or the lowest
  // level. Each column's weights have one sign.
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < inputs; i++) floats[a / 4 + row * inputs + i] = (i & 4) === 0 ? 1 : -(row % 2);
  }
  for (let column = 0; column < outputs; column++) {
    floats.fill(column % 2 === 0 ? 1 : -1, weights / 4 + column * inputs, weights / 4 + (column + 1) * inputs);
  }
  kernels.packI8(weights, 4, inputs * 4, panels, inputs, outputs, 0, inputs);
  const { lowest, highest } = range;
  const [lda, ldc] = [inputs * 4, outputs * 4];
  kernels.gemmI8(a, lda, panels, bias, c, ldc, rows, outputs, inputs, 0, 0, 0, scratch, lowest, highest, inputs);
  // Every number is quantised without error.
  return floats.subarray(c / 4, c / 4 + rows * outputs).every((sum, i) => {
    const [row, column] = [Math.floor(i / outputs), i % outputs];
    const exact = (inputs / 2) * (1 - (row % 2)) * (column % 2 === 0 ? 1 : -1);
    return Math.abs(sum - exact) < 0.01;
  });
}
