/**
 * The interface of `assembly/index.ts` without SIMD: the same functions over the same layouts, as plain loops. It serves
 * engines without WebAssembly SIMD and, as JavaScript, pages that may not run WebAssembly. Begin reading here.
 */
export { gemmF32, gemmF32 as gemmF32Wide, gemmScratchBytes, packF32, unpackF32 } from "./gemm";
export {
  gemmI8,
  gemmI8 as gemmI8Paired,
  gemmI8 as gemmI8Wide,
  gemmI8ScratchBytes,
  packI8,
  packLevels,
  panelsBytesI8,
  quantizeRows,
  unpackI8,
  unpackLevels,
} from "./gemm-i8";
export { attention, attention as attentionWide, attentionScratchBytes } from "./attention";
export { embed, embedI8 } from "./embedding";
export { layerNorm } from "./layer-norm";
export { softmax } from "./softmax";
export { activate } from "./activation";
export { allFinite } from "./finite";
export { dropout } from "./dropout";

/** First byte after the kernels' constants: the host's memory begins here. */
export const heapBase: usize = __heap_base;

export const relaxedSimd: bool = false;
export const simd: bool = false;
