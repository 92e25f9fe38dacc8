/** The operations of a backward pass and of an optimiser, on matrices in an engine's memory. */
import type { Attention, AttentionSequence, Dense, Engine, Norm } from './engine.js';
import { ACTIVATIONS, type Activation } from './kernels.js';
import { type Matrix, matrixBytes, PANEL_COLUMNS, padded, type Region } from './memory.js';
import type { Panels } from './schemes.js';
import { compileTrainingKernels } from './training-builds.js';
import { THREADED_TRAINING_KERNELS, type ThreadedTrainingKernel, type TrainingKernels } from './training-kernels.js';

/** The gradients of a dense layer's weights and bias; an address of 0: not wanted. */
export interface DenseGradient {
  /** Panels as the weights', without their address in the model. */
  readonly panels: number;
  readonly bias: number;
}

/** The gradients of a layer norm; an address of 0: not wanted. */
export interface NormGradient {
  readonly scale: number;
  readonly bias: number;
}

/** Scratch memory of `weightGradient`: for xᵀ and for dy in panels. */
export interface ProductScratch {
  readonly transposed: number;
  readonly panels: number;
}

export class TrainingEngine {
  readonly engine: Engine;
  readonly kernels: TrainingKernels;

  private constructor(engine: Engine, kernels: TrainingKernels) {
    this.engine = engine;
    this.kernels = kernels;
  }

  /**
   * Loads the kernels that training adds to an engine's.
   *
   * @throws ERR_ENVIRONMENT where WebAssembly may not run, ERR_SOURCE when the file cannot be read
   */
  static async make(engine: Engine): Promise<TrainingEngine> {
    return new TrainingEngine(engine, await compileTrainingKernels(engine));
  }

  // Products.

  /** Takes room for the panels of a dense layer's transposed weights, and for the zeros that its products start from. */
  planTransposed(region: Region, { inputs, outputs }: Dense): Dense {
    const panels: Panels = { address: region.take(matrixBytes(outputs, inputs)), dtype: 'float32' };
    return { panels, bias: region.take(matrixBytes(1, inputs)), inputs: outputs, outputs: inputs };
  }

  /** transposed = the weights of `dense`, transposed; its bias = 0. */
  transpose({ panels, inputs, outputs }: Dense, transposed: Dense): void {
    this.#run('transposePanels', [[panels.address, inputs, outputs, transposed.panels.address]]);
    this.engine.memory.f32(transposed.bias, padded(inputs)).fill(0);
  }

  /** dx = dy · weightsᵀ: the gradient of a linear layer's input. */
  inputGradient(dy: Matrix, transposed: Dense, dx: Matrix): void {
    this.engine.linear(dy, transposed, dx);
  }

  /** Takes scratch memory for `weightGradient` of so many rows. */
  planProduct(region: Region, rows: number, inputs: number, outputs: number): ProductScratch {
    return { transposed: region.take(matrixBytes(inputs, rows)), panels: region.take(matrixBytes(rows, outputs)) };
  }

  /** gradient.panels += xᵀ · dy, gradient.bias += the column sums of dy. */
  weightGradient(x: Matrix, dy: Matrix, gradient: DenseGradient, scratch: ProductScratch): void {
    if (gradient.panels !== 0) {
      const ldXt = padded(x.rows) * 4;
      this.#run('transposeRows', [[x.address, x.stride, x.rows, x.cols, scratch.transposed, ldXt]]);
      this.#run('packRows', [[dy.address, dy.stride, dy.rows, dy.cols, scratch.panels]]);
      const panels = padded(dy.cols) / PANEL_COLUMNS;
      const panelBytes = matrixBytes(x.cols, PANEL_COLUMNS);
      // Scratch memory of a tile: a product's own panels end where a whole panel begins, so the tile has memory of its own.
      this.#run('gemmGradient', [
        [scratch.transposed, ldXt, scratch.panels, gradient.panels, panelBytes, x.cols, x.rows, panels, this.#tile()],
      ]);
    }
    if (gradient.bias !== 0) this.columnSums(dy, gradient.bias);
  }

  /** sums += the sum of each column. */
  columnSums(x: Matrix, sums: number): void {
    this.#run('columnSums', [[x.address, x.stride, x.rows, x.cols, sums]]);
  }

  // Rows.

  /** x += y */
  add(x: Matrix, y: Matrix): void {
    this.#run('addRows', [[x.address, x.stride, y.address, y.stride, x.rows, x.cols]]);
  }

  /** dy = dy · activation'(x), x before the activation. */
  activateGradient(dy: Matrix, x: Matrix, activation: Activation): void {
    if (activation === 'identity') return;
    const number = ACTIVATIONS.indexOf(activation);
    this.#run('activateGradient', [[dy.address, dy.stride, x.address, x.stride, dy.rows, dy.cols, number]]);
  }

  /** out = activation(x); both may be one matrix. */
  activate(x: Matrix, out: Matrix, activation: Activation): void {
    if (out.address !== x.address) this.copy(x, out);
    this.engine.kernels.activate(out.address, out.stride, out.rows, out.cols, ACTIVATIONS.indexOf(activation));
  }

  copy(x: Matrix, out: Matrix): void {
    const { buffer } = this.engine.memory.wasm;
    new Uint8Array(buffer).copyWithin(out.address, x.address, x.address + x.rows * x.stride);
  }

  /** Zeroes a matrix with its padding. */
  zero(x: Matrix): void {
    this.engine.memory.f32(x.address, (x.rows * x.stride) / 4).fill(0);
  }

  /**
   * dy = the gradient of a layer norm's input, from that of its output; adds to the gradients of scale and bias.
   *
   * @param x the norm's input, without its residual; normalised afterwards
   * @param inverse address of x.rows floats of scratch memory
   */
  normGradient(
    dy: Matrix,
    x: Matrix,
    residual: Matrix | undefined,
    norm: Norm,
    gradient: NormGradient,
    eps: number,
    inverse: number,
  ): void {
    const { address = 0, stride = 0 } = residual ?? {};
    const { rows, cols } = x;
    this.#run('normalizeRows', [[x.address, x.stride, address, stride, inverse, rows, cols, eps]]);
    if (gradient.scale !== 0 || gradient.bias !== 0) {
      const sums = [gradient.scale, gradient.bias] as const;
      this.#run('normGradientSums', [[dy.address, dy.stride, x.address, x.stride, ...sums, rows, cols]]);
    }
    this.#run('normGradient', [[dy.address, dy.stride, x.address, x.stride, inverse, norm.scale, rows, cols]]);
  }

  // Attention, embeddings, losses.

  /** Bytes of scratch memory that `attentionGradient` takes for sequences of this length. */
  attentionGradientScratchBytes(length: number, headDim: number): number {
    return this.kernels.attentionGradientScratchBytes(length, headDim);
  }

  /** dQkv = the gradients of query, key and value, from that of the attention heads' outputs, `dContext`. */
  attentionGradient(
    { qkv, sequences, heads, scratch, dropoutMask = 0 }: Attention,
    dContext: Matrix,
    dQkv: Matrix,
  ): void {
    const hidden = dContext.cols;
    const headDim = hidden / heads;
    const scale = 1 / Math.sqrt(headDim);
    const calls = sequences.flatMap(({ start, length, maskBias }: AttentionSequence) =>
      Array.from({ length: heads }, (_, head) => {
        const column = head * headDim * 4;
        return [
          qkv.address + start * qkv.stride + column,
          dQkv.address + start * dQkv.stride + column,
          qkv.stride,
          hidden * 4,
          maskBias,
          dContext.address + start * dContext.stride + column,
          dContext.stride,
          length,
          headDim,
          scale,
          scratch,
          dropoutMask,
        ];
      }),
    );
    this.#run('attentionGradient', calls);
  }

  /** Row `index` of the table += row i of dx, for each index of the i32 array at `indices`. */
  scatter(dx: Matrix, indices: number, table: { readonly address: number; readonly panels: boolean }): void {
    const { address, stride, rows, cols } = dx;
    if (table.panels) {
      this.#run('scatterPanels', [[address, stride, indices, rows, table.address, cols, 0, cols]]);
    } else {
      this.#run('scatterRows', [[address, stride, indices, rows, table.address, padded(cols) * 4, 0, cols]]);
    }
  }

  /** losses[row] (f64) = cross-entropy; logits = its gradient times `factor`. A label below 0 does not count. */
  crossEntropy(logits: Matrix, labels: number, losses: number, factor: number, smoothing: number): void {
    const { address, stride, rows, cols } = logits;
    this.#run('crossEntropy', [[address, stride, rows, cols, labels, losses, factor, smoothing]]);
  }

  // The optimiser.

  /** Calls a kernel; if there are several calls, they may run in any order, on any thread. */
  run(kernel: ThreadedTrainingKernel, calls: readonly (readonly number[])[]): void {
    this.#run(kernel, calls);
  }

  #tile(): number {
    throw new Error('scratch memory of gemmGradient');
  }

  #run(kernel: ThreadedTrainingKernel, calls: readonly (readonly number[])[]): void {
    void THREADED_TRAINING_KERNELS;
    for (const args of calls) (this.kernels[kernel] as (...args: number[]) => void)(...args);
  }
}
