/**
 * The whole WebAssembly interface. Every kernel is a pure function of pointers and sizes: no state, no allocation.
 *
 * Matrices are row-major float32 with a row stride `ld…` in bytes; a row of n columns is followed by padding up to the
 * next multiple of 8, which a kernel may read and write and whose content means nothing. Vectors (bias, gamma, beta)
 * are padded alike; int8 appears in packed weights and in scratch memory only. Pointers are multiples of 4; the faster ones are multiples of 16.
 */
export {
  /** activation(A · B + bias) + residual, B packed. */
  gemmF32,
  /** Bytes of scratch memory for `gemmF32`. */
  gemmScratchBytes,
} from "./gemm/f32";
export {
  /** A (k, n) matrix into panels. */
  packF32,
  /** Columns of such panels back. */
  unpackF32,
} from "./gemm/pack";
export {
  /** activation(A · B + bias) + residual, B of int8 and A quantised on its way in. */
  gemmI8,
  /** The same to the bit; which is faster depends on the machine. */
  gemmI8Paired,
  /** Bytes of scratch memory for `gemmI8`, by the columns of A. */
  gemmI8ScratchBytes,
} from "./gemm/i8";
export {
  /** A float32 (k, n) matrix into panels of int8. */
  packI8,
  /** Columns of such panels back in float32. */
  unpackI8,
  /** A matrix that is int8 already into the same panels. */
  packLevels,
  /** Columns of such panels as they are. */
  unpackLevels,
  /** Bytes of the panels of a (k, n) matrix. */
  panelsBytesI8,
} from "./gemm/i8-panel";
export {
  /** Whether floats hold neither NaN nor infinity. */
  allFinite,
} from "./finite";
export {
  /** The rows of A as `gemmI8` multiplies them. */
  quantizeRows,
} from "./gemm/quantize";
export {
  /** One head of one sequence. */
  attention,
  /** Bytes of scratch memory for `attention`. */
  attentionScratchBytes,
} from "./attention";
export {
  /** Word + token type + position. */
  embed,
  /** The same with the words of int8. */
  embedI8,
} from "./embedding";
export {
  /** Layer norm of x + residual. */
  layerNorm,
} from "./layer-norm";
export {
  /** Softmax of each row, in place. */
  softmax,
} from "./softmax";
export {
  /** An activation function, in place. */
  activate,
} from "./activation";
export {
  /** Dropout by key, in place. */
  dropout,
} from "./dropout";

/** First byte after the kernels' constants: the host's memory begins here. */
export const heapBase: usize = __heap_base;

/** Whether this build multiplies and adds in one rounding. */
export const relaxedSimd: bool = ASC_FEATURE_RELAXED_SIMD;

/** Whether this build has SIMD: those of `scalar/` have not. */
export const simd: bool = ASC_FEATURE_SIMD;
