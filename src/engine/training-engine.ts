/** The operations of a backward pass and of an optimiser, on matrices in an engine's memory. */
import type { Engine } from './engine.js';
import { ACTIVATIONS, type Activation, instantiateKernels } from './kernels.js';
import { aligned, type Matrix, matrixBytes, PANEL_COLUMNS, padded, type Region } from './memory.js';
import type { Attention, AttentionSequence, Dense, Norm } from './operands.js';
import type { Panels } from './schemes.js';
import { splitColumns, splitRows } from './split.js';
import { compileTrainingKernels } from './training-builds.js';
import { THREADED_TRAINING_KERNELS, type ThreadedTrainingKernel, type TrainingKernels } from './training-kernels.js';
import type { Kernel } from './work-queue.js';

const KERNELS = Object.keys(THREADED_TRAINING_KERNELS) as ThreadedTrainingKernel[];

const made = new WeakMap<Engine, Promise<TrainingEngine>>();

/** The gradients of a layer norm; an address of 0: not wanted. */
export interface NormGradient {
  readonly scale: number;
  readonly bias: number;
}

export class TrainingEngine {
  readonly engine: Engine;
  readonly kernels: TrainingKernels;
  /** The index of the first of these kernels among those that the threads know. */
  readonly #first: number;

  private constructor(engine: Engine, kernels: TrainingKernels, first: number) {
    this.engine = engine;
    this.kernels = kernels;
    this.#first = first;
  }

  /**
   * Loads the kernels that training adds to an engine's, once: later calls with the same engine return the same. Helper threads are
   * started anew, so nothing may be computed meanwhile.
   *
   * @throws ERR_ENVIRONMENT where WebAssembly may not run, ERR_SOURCE when the file cannot be read
   */
  static make(engine: Engine): Promise<TrainingEngine> {
    let training = made.get(engine);
    if (training === undefined) {
      training = TrainingEngine.#load(engine);
      made.set(engine, training);
      // A failure is not kept: the next call tries again.
      training.catch(() => made.delete(engine));
    }
    return training;
  }

  static async #load(engine: Engine): Promise<TrainingEngine> {
    const module = await compileTrainingKernels(engine);
    const kernels = instantiateKernels<TrainingKernels>(module, engine.memory.wasm);
    const own = KERNELS.map((name) => kernels[name] as Kernel);
    const first = await engine.runtime.threads?.extend({ module, kernels: KERNELS }, own);
    return new TrainingEngine(engine, kernels, first ?? 0);
  }

  // Products.

  /** Takes room for the panels of a dense layer's transposed weights, and for the zeros that its products start from. */
  planTransposed(region: Region, { inputs, outputs }: Dense): Dense {
    const panels: Panels = { address: region.take(matrixBytes(outputs, inputs)), dtype: 'float32' };
    return { panels, bias: region.take(matrixBytes(1, inputs)), inputs: outputs, outputs: inputs };
  }

  /** transposed = the weights of `dense`, transposed; its bias = 0. */
  transpose({ panels, inputs, outputs }: Dense, transposed: Dense): void {
    const calls = splitColumns(inputs, padded(outputs), this.threads).map(([from, to]) => {
      const [first, count] = [from / PANEL_COLUMNS, (to - from) / PANEL_COLUMNS];
      return [panels.address, inputs, outputs, transposed.panels.address, first, count];
    });
    this.run('transposePanels', calls);
    this.engine.memory.f32(transposed.bias, padded(inputs)).fill(0);
  }

  /** dx = dy · weightsᵀ + residual: the gradient of a linear layer's input. The residual must not be `dx`. */
  inputGradient(dy: Matrix, transposed: Dense, dx: Matrix, residual?: Matrix): void {
    this.engine.linear(dy, transposed, dx, 'identity', residual);
  }

  /** sums += the sum of each column. */
  columnSums(x: Matrix, sums: number): void {
    const calls = splitColumns(x.rows, x.cols, this.threads).map(([from, to]) => {
      return [x.address + from * 4, x.stride, x.rows, to - from, sums + from * 4];
    });
    this.run('columnSums', calls);
  }

  // Rows.

  /** x += y */
  add(x: Matrix, y: Matrix): void {
    const calls = splitRows(x.rows, x.cols, this.threads).map(([from, to]) => {
      return [x.address + from * x.stride, x.stride, y.address + from * y.stride, y.stride, to - from, x.cols];
    });
    this.run('addRows', calls);
  }

  /** dy = dy · activation'(x), x before the activation. */
  activateGradient(dy: Matrix, x: Matrix, activation: Activation): void {
    if (activation === 'identity') return;
    const number = ACTIVATIONS.indexOf(activation);
    const calls = splitRows(dy.rows, dy.cols, this.threads).map(([from, to]) => {
      const [d, value] = [dy.address + from * dy.stride, x.address + from * x.stride];
      return [d, dy.stride, value, x.stride, to - from, dy.cols, number];
    });
    this.run('activateGradient', calls);
  }

  /** out = activation(x); both may be one matrix. */
  activate(x: Matrix, out: Matrix, activation: Activation): void {
    if (out.address !== x.address) this.copy(x, out);
    this.engine.activate(out, activation);
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
    const parts = splitRows(rows, cols, this.threads);
    const rowsOf = (from: number) => [dy.address + from * dy.stride, dy.stride, x.address + from * x.stride, x.stride];
    const inverseOf = (from: number) => inverse + from * 4;
    this.run(
      'normalizeRows',
      parts.map(([from, to]) => {
        const source = [x.address + from * x.stride, x.stride, address + from * stride, stride];
        return [...source, inverseOf(from), to - from, cols, eps];
      }),
    );
    if (gradient.scale !== 0 || gradient.bias !== 0) {
      const sumsOf = (sums: number, from: number) => (sums === 0 ? 0 : sums + from * 4);
      this.run(
        'normGradientSums',
        splitColumns(rows, cols, this.threads).map(([from, to]) => {
          const sums = [sumsOf(gradient.scale, from), sumsOf(gradient.bias, from)];
          return [dy.address + from * 4, dy.stride, x.address + from * 4, x.stride, ...sums, rows, to - from];
        }),
      );
    }
    this.run(
      'normGradient',
      parts.map(([from, to]) => [...rowsOf(from), inverseOf(from), norm.scale, to - from, cols]),
    );
  }

  // Attention, embeddings, losses.

  /** Bytes of scratch memory that `attentionGradient` takes for sequences of at most this length, for all threads. */
  attentionGradientScratchBytes(length: number, headDim: number): number {
    return this.threads * aligned(this.kernels.attentionGradientScratchBytes(length, headDim));
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
    const longest = sequences.reduce((most, { length }) => Math.max(most, length), 0);
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
    this.run('attentionGradient', calls, aligned(this.kernels.attentionGradientScratchBytes(longest, headDim)));
  }

  /** Row `index` of the table += row i of dx, for each index of the i32 array at `indices`. */
  scatter(dx: Matrix, indices: number, table: { readonly address: number; readonly panels: boolean }): void {
    const { address, stride, rows, cols } = dx;
    const [kernel, size] = table.panels
      ? (['scatterPanels', cols] as const)
      : (['scatterRows', padded(cols) * 4] as const);
    const calls = splitColumns(rows, cols, this.threads).map(([from, to]) => {
      return [address, stride, indices, rows, table.address, size, from, to - from];
    });
    this.run(kernel, calls);
  }

  /** losses[row] (f64) = cross-entropy; logits = its gradient times `factor`. A label below 0 does not count. */
  crossEntropy(logits: Matrix, labels: number, losses: number, factor: number, smoothing: number): void {
    const { address, stride, rows, cols } = logits;
    const calls = splitRows(rows, cols, this.threads).map(([from, to]) => {
      return [
        address + from * stride,
        stride,
        to - from,
        cols,
        labels + from * 4,
        losses + from * 8,
        factor,
        smoothing,
      ];
    });
    this.run('crossEntropy', calls);
  }

  /** Calls a kernel; if there are several calls, all threads share them, in any order. */
  run(kernel: ThreadedTrainingKernel, calls: readonly (readonly number[])[], scratchBytes = 0): void {
    const { threads } = this.engine.runtime;
    if (threads === undefined || threads.count === 1 || calls.length === 1) {
      for (const args of calls) (this.kernels[kernel] as Kernel)(...args);
    } else {
      const argument = THREADED_TRAINING_KERNELS[kernel];
      const scratch = argument === undefined ? undefined : { argument, bytes: scratchBytes };
      threads.run({ kernel: this.#first + KERNELS.indexOf(kernel), calls, ...(scratch && { scratch }) });
    }
  }

  /** The number of threads that compute: the calling thread and its helpers. */
  get threads(): number {
    return this.engine.runtime.threads?.count ?? 1;
  }
}
