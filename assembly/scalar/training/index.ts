/** The kernels that training adds, without SIMD; as `../../training/index.ts`. */

export {
  columnSums, gemmGradient, gemmGradient as gemmGradientWide, gemmGradientScratchBytes, packRows, transposePanels, transposeRows,
} from "./products";
export { addRows, normGradient, normGradientSums, normalizeRows } from "./norm-gradient";
export { activateGradient } from "./activation-gradient";
export { attentionGradient, attentionGradientScratchBytes } from "./attention-gradient";
export { scatterPanels, scatterRows } from "./scatter";
export { crossEntropy } from "./cross-entropy";
export { adamDirection, adamw, addScaled, sumSquares } from "./optimizer";

/** First byte after these kernels' constants: at most 1024. */
export const heapBase: usize = __heap_base;
