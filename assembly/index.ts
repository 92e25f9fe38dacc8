/**
 * The whole WebAssembly interface. Every kernel is a pure function of pointers and sizes: no state, no allocation.
 *
 * Matrices are row-major float32 with a row stride `ld…` in bytes; a row of n columns is followed by padding up to the
 * next multiple of 8, which a kernel may read and write and whose content means nothing. Vectors (bias, gamma, beta)
 * are padded alike; int8 appears in packed weights and in scratch memory only. Pointers are multiples of 4; multiples of 16
 * are faster.
 */
export {
  /** activation(A · B + bias) + residual, B packed. */
  gemmF32,
  /** Bit for bit the same; which is faster depends on the machine. */
  gemmF32Wide,
  /** Bytes of scratch memory for `gemmF32`. */
  gemmScratchBytes,
} from "./gemm/f32";
export {
  /** Packs a (k, n) matrix into panels. */
  packF32,
  /** Unpacks columns of such panels. */
  unpackF32,
} from "./gemm/f32-panel";
export {
  /** activation(A · B + bias) + residual, B packed int8, A quantised row by row. */
  gemmI8,
  /** Bit for bit the same; which is faster depends on the machine. */
  gemmI8Paired,
  gemmI8Wide,
  /** Bytes of scratch memory for `gemmI8`, given the columns of A. */
  gemmI8ScratchBytes,
} from "./gemm/i8";
export {
  /** Quantises a float32 (k, n) matrix into int8 panels. */
  packI8,
  /** Unpacks columns of such panels, as float32. */
  unpackI8,
  /** Packs a matrix that is already int8 into the same panels. */
  packLevels,
  /** Unpacks columns of such panels, as int8. */
  unpackLevels,
  /** Bytes of the panels of a (k, n) matrix. */
  panelsBytesI8,
} from "./gemm/i8-panel";
export {
  /** Whether floats hold neither NaN nor infinity. */
  allFinite,
} from "./finite";
export {
  /** Quantises the rows of A as `gemmI8` does. */
  quantizeRows,
} from "./gemm/i8-rows";
export {
  /** One head of one sequence. */
  attention,
  /** Bit for bit the same, by tiles of two panels. */
  attentionWide,
  /** Bytes of scratch memory for `attention`. */
  attentionScratchBytes,
} from "./attention";
export {
  /** Word + token type + position. */
  embed,
  /** The same with int8 word embeddings. */
  embedI8,
} from "./embedding";
export {
  /** Layer normalisation of x + residual. */
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

/** Whether this build has SIMD; that of `scalar/` has none. */
export const simd: bool = ASC_FEATURE_SIMD;
