/** The kernels that training adds, without SIMD; as `../../training/index.ts`. */

/** First byte after these kernels' constants: at most 1024. */
export const heapBase: usize = __heap_base;
