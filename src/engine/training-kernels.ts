/** The kernels of training: their exports with types. */

/**
 * The exports of `assembly/training/index.ts`; every `ld…` is a row stride in bytes, every pointer a byte offset. Gradients of
 * weights are added to what is there; a weight's gradient lies as the weight itself, in panels, padded with zeros.
 */
export interface TrainingKernels {
  // Products.

  /**
   * Writes the panels of the transposed matrix, (n, k) for panels of (k, n), as far as they come from the panels `first` to
   * `first + count`. The padding of the target's last panel becomes zero.
   */
  transposePanels(panelsPtr: number, k: number, n: number, targetPtr: number, first: number, count: number): void;
  /** Packs a row-major (rows, cols) matrix into panels: 8 columns wide, `rows` deep. The padding of the last panel is zero. */
  packRows(xPtr: number, ldx: number, rows: number, cols: number, panelsPtr: number): void;
  /** target = xᵀ: (cols, rows), row-major. */
  transposeRows(xPtr: number, ldx: number, rows: number, cols: number, targetPtr: number, ldTarget: number): void;
  /**
   * gradient += xᵀ · dy for `panels` neighbouring panels of dy, which are `tokens` deep, and rows `xtPtr…` of xᵀ, of which there are
   * `inputs`. The gradient's panels are `gradientPanelBytes` apart; its rows are 8 floats.
   */
  gemmGradient(
    xtPtr: number,
    ldXt: number,
    dyPanelsPtr: number,
    gradientPtr: number,
    gradientPanelBytes: number,
    inputs: number,
    tokens: number,
    panels: number,
    scratchPtr: number,
  ): void;
  /** The same bits, by tiles of two panels: faster where V8 pairs vectors, slower elsewhere. */
  gemmGradientWide: TrainingKernels['gemmGradient'];
  gemmGradientScratchBytes(): number;
  /** sums[j] += the sum of column j over all rows, in the order of the rows. */
  columnSums(xPtr: number, ldx: number, rows: number, cols: number, sumsPtr: number): void;

  // Rows.

  /** x += y */
  addRows(xPtr: number, ldx: number, yPtr: number, ldy: number, rows: number, cols: number): void;
  /** dy = dy · activation'(x), x before the activation. */
  activateGradient(
    dyPtr: number,
    ldDy: number,
    xPtr: number,
    ldx: number,
    rows: number,
    cols: number,
    activation: number,
  ): void;
  /** x = (x + residual, normalised to mean 0 and deviation 1 per row); inversePtr[row] = 1 / that row's deviation. */
  normalizeRows(
    xPtr: number,
    ldx: number,
    residualPtr: number,
    ldResidual: number,
    inversePtr: number,
    rows: number,
    cols: number,
    eps: number,
  ): void;
  /** dgamma[j] += the sum of dy · x over rows, dbeta[j] += the sum of dy; x normalised. A pointer of 0: not wanted. */
  normGradientSums(
    dyPtr: number,
    ldDy: number,
    xPtr: number,
    ldx: number,
    dgammaPtr: number,
    dbetaPtr: number,
    rows: number,
    cols: number,
  ): void;
  /** dy = the gradient of the layer norm's input, x normalised, from that of its output. */
  normGradient(
    dyPtr: number,
    ldDy: number,
    xPtr: number,
    ldx: number,
    inversePtr: number,
    gammaPtr: number,
    rows: number,
    cols: number,
  ): void;

  // Attention, embeddings, losses.

  /**
   * The gradients of one head's query, key and value: those of `attention` for the same arguments, given the gradient of its context.
   * `qkvPtr` is the head's query; its key is `hiddenBytes` further, its value twice that; `dQkvPtr` likewise, and written whole.
   * Probabilities are recomputed, strip by strip.
   */
  attentionGradient(
    qkvPtr: number,
    dQkvPtr: number,
    ldQkv: number,
    hiddenBytes: number,
    maskBiasPtr: number,
    dContextPtr: number,
    ldContext: number,
    seq: number,
    headDim: number,
    scale: number,
    scratchPtr: number,
    dropoutMaskPtr: number,
  ): void;
  attentionGradientScratchBytes(seq: number, headDim: number): number;
  /** table[indices[i]] += dx[i], in the order of i; columns `column` to `column + cols` of both. */
  scatterRows(
    dxPtr: number,
    ldDx: number,
    indicesPtr: number,
    rows: number,
    tablePtr: number,
    ldTable: number,
    column: number,
    cols: number,
  ): void;
  /** The same into panels that are `size` deep, where row `index` of the table is a lane. */
  scatterPanels(
    dxPtr: number,
    ldDx: number,
    indicesPtr: number,
    rows: number,
    panelsPtr: number,
    size: number,
    column: number,
    cols: number,
  ): void;
  /**
   * Of each row of logits: losses[row] (f64) = the cross-entropy with its label (i32), and logits = its gradient times `factor`.
   * The target is smoothing / cols on every class, and 1 - smoothing more on the label. A label below 0: loss and gradient are 0.
   */
  crossEntropy(
    logitsPtr: number,
    ldLogits: number,
    rows: number,
    cols: number,
    labelsPtr: number,
    lossesPtr: number,
    factor: number,
    smoothing: number,
  ): void;

  // The optimiser, over columns `first` to `first + n` of panels that are k deep. A vector is panels one deep; so is a table of
  // padded rows, which is one long vector.

  /** outPtr (f64) = the sum of squares, summed in float64. */
  sumSquares(xPtr: number, k: number, first: number, n: number, outPtr: number): void;
  /**
   * AdamW as PyTorch has it: parameter *= 1 - decay; m, v from gradient · factor; parameter -= rate · (m / correction1) / (sqrt(v /
   * correction2) + eps). The gradient is left as it is.
   */
  adamw(
    parameterPtr: number,
    gradientPtr: number,
    mPtr: number,
    vPtr: number,
    k: number,
    first: number,
    n: number,
    factor: number,
    rate: number,
    decay: number,
    b1: number,
    b2: number,
    eps: number,
    correction1: number,
    correction2: number,
  ): void;
  /** As `adamw`, but writes (m / correction1) / (sqrt(v / correction2) + eps) + decay · parameter over the gradient. */
  adamDirection(
    parameterPtr: number,
    gradientPtr: number,
    mPtr: number,
    vPtr: number,
    k: number,
    first: number,
    n: number,
    factor: number,
    decay: number,
    b1: number,
    b2: number,
    eps: number,
    correction1: number,
    correction2: number,
  ): void;
  /** x += factor · y */
  addScaled(xPtr: number, yPtr: number, k: number, first: number, n: number, factor: number): void;

  /** First byte after these kernels' constants. */
  readonly heapBase: WebAssembly.Global;
}

/** The names of the kernels, those that can be called in parts on several threads, each with the index of its argument for scratch memory. */
export const THREADED_TRAINING_KERNELS = {
  transposePanels: undefined,
  packRows: undefined,
  transposeRows: undefined,
  gemmGradient: 8,
  gemmGradientWide: 8,
  columnSums: undefined,
  addRows: undefined,
  activateGradient: undefined,
  normalizeRows: undefined,
  normGradientSums: undefined,
  normGradient: undefined,
  attentionGradient: 10,
  scatterRows: undefined,
  scatterPanels: undefined,
  crossEntropy: undefined,
  sumSquares: undefined,
  adamw: undefined,
  adamDirection: undefined,
  addScaled: undefined,
} as const satisfies Partial<Record<keyof TrainingKernels, number | undefined>>;

export type ThreadedTrainingKernel = keyof typeof THREADED_TRAINING_KERNELS;
