/**
 * The kernels that training adds: a module of its own, so that a page that only predicts does not load it. It runs over the memory of
 * the kernels of prediction, whose constants begin at byte 1024; its own lie below.
 *
 * Matrices, vectors and panels lie as those of `../index.ts`.
 */

export { packRows, transposePanels, transposeRows } from "./panels";
export { gemmGradient, gemmGradientScratchBytes, gemmGradientWide } from "./gemm-gradient";
export { columnSums, normGradientSums } from "./sums";
export { addRows, normGradient, normalizeRows } from "./norm-gradient";
export { activateGradient } from "./activation-gradient";
export {
  /** The gradients of query, key and value of one head of one sequence. */
  attentionGradient,
  /** Bytes of scratch memory for `attentionGradient`. */
  attentionGradientScratchBytes,
} from "./attention-gradient";
export {
  /** Adds rows to rows of a table. */
  scatterRows,
  /** The same, into a table in panels. */
  scatterPanels,
} from "./scatter";
export {
  /** Cross-entropy of each row, and its gradient in place. */
  crossEntropy,
} from "./cross-entropy";
export {
  /** The sum of squares. */
  sumSquares,
  /** A step of AdamW. */
  adamw,
  /** The direction of Adam's step, over the gradient. */
  adamDirection,
  /** x += factor · y */
  addScaled,
} from "./optimizer";

/** First byte after these kernels' constants: at most 1024. */
export const heapBase: usize = __heap_base;
