/**
 * The kernels that training adds: a module of its own, so that a page that only predicts does not load it. It runs over the memory of
 * the kernels of prediction, whose constants begin at byte 1024; its own lie below.
 *
 * Matrices, vectors and panels lie as those of `../index.ts`.
 */

export { packRows, transposePanels, transposeRows } from "./panels";
export { gemmGradient, gemmGradientScratchBytes } from "./gemm-gradient";
export { columnSums, normGradientSums } from "./sums";
export { addRows, normGradient, normalizeRows } from "./norm-gradient";
export { activateGradient } from "./activation-gradient";

/** First byte after these kernels' constants: at most 1024. */
export const heapBase: usize = __heap_base;
