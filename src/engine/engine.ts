/** The operations of a forward pass, on matrices in linear memory. */
import type { Dtype } from '../ground/dtypes.js';
import { ACTIVATIONS, type Activation, type Build, buildOf, type Kernels, THREADED_KERNELS } from './kernels.js';
import { aligned, type LinearMemory, type Matrix } from './memory.js';
import type { Attention, Dense, EmbeddingTables, Norm } from './operands.js';
import { Packing } from './packing.js';
import type { Runtime } from './runtime.js';
import { type PanelsDtype, type Scheme, schemesOf } from './schemes.js';
import { splitProduct, splitRows } from './split.js';
import type { Kernel } from './work-queue.js';

/** The model that an engine is made for. */
export interface EngineOptions {
  /** The dtype of the large weight matrices. */
  readonly dtype: Dtype;
  /** The inputs of the widest matrix. */
  readonly inputs: number;
}

export class Engine {
  readonly memory: LinearMemory;
  readonly kernels: Kernels;
  readonly dtype: Dtype;
  readonly runtime: Runtime;
  /** Weights into panels and out of them. */
  readonly packing: Packing;
  readonly #schemes: Readonly<Record<PanelsDtype, Scheme>>;
  /** Address of the scratch memory of the GEMMs, one per thread; `packing` uses the first. */
  readonly #scratch: number;
  readonly #scratchBytes: number;
  readonly #threads: number;

  constructor(runtime: Runtime, { dtype, inputs }: EngineOptions) {
    this.memory = runtime.memory;
    this.kernels = runtime.kernels;
    this.dtype = dtype;
    this.runtime = runtime;
    this.#threads = runtime.threads?.count ?? 1;
    this.#schemes = schemesOf(this.kernels, runtime.activations);
    const used = ['float32', dtype, this.fineDtype ?? dtype] as const;
    const scratchBytes = used.map((dtype) => this.#schemes[dtype].scratchBytes(inputs));
    this.#scratchBytes = aligned(Math.max(inputs * 4, ...scratchBytes));
    const constants = this.memory.region();
    constants.take(Number(this.kernels.heapBase.value));
    this.#scratch = constants.take(this.#threads * this.#scratchBytes);
    // Reserved, not claimed: a model that fails to load takes no memory.
    this.memory.reserve(constants);
    this.packing = new Packing(this.memory, this.#schemes, this.scratch);
  }

  /** The scratch memory of a product, one per thread: the first one's address, and the bytes of each. */
  get scratch(): { readonly address: number; readonly bytes: number } {
    return { address: this.#scratch, bytes: this.#scratchBytes };
  }

  /** The number of threads, and why it is 1 when the caller asked for more. */
  get threads(): { readonly threads: number; readonly whyNotThreaded?: string } {
    const { threads, whyNotThreaded = threads?.whyNot } = this.runtime;
    return { threads: threads?.count ?? 1, ...(whyNotThreaded !== undefined && { whyNotThreaded }) };
  }

  /** Settles when all threads are ready; threads that were lost are replaced first. */
  async ready(): Promise<void> {
    await this.runtime.threads?.ready();
  }

  /** Ends the helper threads; nothing may be computed afterwards. */
  async dispose(): Promise<void> {
    await this.runtime.threads?.end();
  }

  /** The build that runs. */
  get build(): Build {
    return buildOf(this.kernels);
  }

  /** Why the scalar build runs, unless the caller chose it. */
  get whyNotSimd(): string | undefined {
    return this.runtime.whyNotSimd;
  }

  /** Why vectors are not of 256 bits although `engineFlags` asks for them. */
  get whyNotWide(): string | undefined {
    const { whyNotWide } = this.runtime;
    const notSet = whyNotWide?.(undefined);
    if (whyNotWide === undefined || notSet !== undefined) return notSet;
    const bits = this.vectorBits;
    if (this.build === 'scalar') return 'the scalar kernels have no SIMD';
    // Its products gain 9 to 12 % (docs/decisions/0021), which the tuner does not count on.
    return this.build === 'simd' && bits === 128 ? 'plain SIMD gains too little from 256 bits' : whyNotWide(bits);
  }

  /**
   * Bits of the vectors that the products of the large matrices are computed with: 256 where the tiles of two panels are faster, since
   * nothing but paired vectors makes them so. `undefined` until products have been timed, and without SIMD.
   */
  get vectorBits(): 128 | 256 | undefined {
    const { gemm } = this.#schemes[this.dtype];
    if (this.build === 'scalar' || !gemm.decided) return undefined;
    return gemm.fastest.endsWith('Wide') ? 256 : 128;
  }

  /**
   * The dtype of products with the matrices in which int8 makes the most error; `undefined`: float32. With activations of 8 bits, it is
   * int8 with a scale per 64 inputs (docs/decisions/0022).
   */
  get fineDtype(): 'fineInt8' | undefined {
    return this.activationBits === 8 ? 'fineInt8' : undefined;
  }

  /** Bits that the products of the large matrices quantise activations to; `undefined` if they are float32. */
  get activationBits(): 7 | 8 | 13 | undefined {
    return this.#schemes[this.dtype].activationBits;
  }

  /** out = word + token type + position; the three arrays of i32 at `ids`, `types`, `positions` hold out.rows each. */
  embed(ids: number, types: number, positions: number, tables: EmbeddingTables, out: Matrix): void {
    const { word, tokenType, position } = tables;
    const { address, rows, cols, stride } = out;
    const { embed } = this.#schemes[word.dtype];
    embed(ids, types, positions, word.address, tokenType, position, stride, address, stride, rows, cols);
  }

  /** out = activation(x · weights + bias) + residual; the residual must not be `out`. */
  linear(
    x: Matrix,
    { panels, bias, inputs, outputs }: Dense,
    out: Matrix,
    activation: Activation = 'identity',
    residual?: Matrix,
  ): void {
    const { address = 0, stride = 0 } = residual ?? {};
    const number = ACTIVATIONS.indexOf(activation);
    const { gemm, gemmArguments, panelsBytes, grain } = this.#schemes[panels.dtype];
    const calls = splitProduct(x.rows, outputs, inputs, this.#count, grain).map(({ row, rows, column, columns }) => [
      x.address + row * x.stride,
      x.stride,
      panels.address + (column === 0 ? 0 : panelsBytes(inputs, column)),
      bias + column * 4,
      out.address + row * out.stride + column * 4,
      out.stride,
      rows,
      columns,
      inputs,
      number,
      address === 0 ? 0 : address + row * stride + column * 4,
      stride,
      this.#scratch,
      ...gemmArguments,
    ]);
    gemm.run({ rows: x.rows, inputs, outputs }, (kernel) => this.#run(kernel, calls, this.#scratchBytes));
  }

  /** out = layer norm of x + residual. */
  layerNorm(x: Matrix, residual: Matrix | undefined, norm: Norm, eps: number, out: Matrix): void {
    const { address = 0, stride = 0 } = residual ?? {};
    const { rows, cols } = x;
    const { scale, bias } = norm;
    const calls = splitRows(rows, cols, this.#count).map(([from, to]) => [
      x.address + from * x.stride,
      x.stride,
      address + from * stride,
      stride,
      scale,
      bias,
      out.address + from * out.stride,
      out.stride,
      to - from,
      cols,
      eps,
    ]);
    this.#run('layerNorm', calls);
  }

  /** x = activation(x) */
  activate(x: Matrix, activation: Activation): void {
    const number = ACTIVATIONS.indexOf(activation);
    const calls = splitRows(x.rows, x.cols, this.#count).map(([from, to]) => {
      return [x.address + from * x.stride, x.stride, to - from, x.cols, number];
    });
    this.#run('activate', calls);
  }

  /** context = softmax(query · keyᵀ / sqrt(head_dim) + maskBias) · value, for each head of each sequence. */
  attention({ qkv, context, sequences, heads, scratch, dropoutMask = 0 }: Attention): void {
    const hidden = context.cols;
    const headDim = hidden / heads;
    const scale = 1 / Math.sqrt(headDim);
    const longest = sequences.reduce((most, { length }) => Math.max(most, length), 0);
    const calls = sequences.flatMap(({ start, length, maskBias, probs = 0, queries = length, to = start }) =>
      Array.from({ length: heads }, (_, head) => {
        const query = qkv.address + start * qkv.stride + head * headDim * 4;
        const key = query + hidden * 4;
        const value = key + hidden * 4;
        const out = context.address + to * context.stride + head * headDim * 4;
        const weights = probs === 0 ? 0 : probs + head * length * length * 4;
        return [
          query,
          key,
          value,
          qkv.stride,
          maskBias,
          out,
          context.stride,
          length,
          headDim,
          scale,
          scratch,
          weights,
          dropoutMask,
          queries,
        ];
      }),
    );
    const kernel = this.vectorBits === 256 ? 'attentionWide' : 'attention';
    this.#run(kernel, calls, aligned(this.kernels.attentionScratchBytes(longest, headDim)));
  }

  /** Bytes of scratch memory that `attention` takes for sequences of this length. */
  attentionScratchBytes(length: number, headDim: number): number {
    return this.#threads * aligned(this.kernels.attentionScratchBytes(length, headDim));
  }

  /** Zeroes elements of x with probability `rate` and scales the others by 1 / (1 - rate). */
  dropout(x: Matrix, rate: number, key: number): void {
    const threshold = Math.min(Math.floor(rate * 2 ** 32), 2 ** 32 - 1);
    this.kernels.dropout(x.address, x.stride, x.rows, x.cols, key, threshold, 1 / (1 - rate));
  }

  /** Outputs `from` to `to` of a dense layer; both are multiples of a panel's columns. */
  columnsOf({ panels, bias, inputs }: Dense, from: number, to: number): Dense {
    const address = panels.address + (from === 0 ? 0 : this.#schemes[panels.dtype].panelsBytes(inputs, from));
    return { panels: { ...panels, address }, bias: bias + from * 4, inputs, outputs: to - from };
  }

  /** out = x, without the padding. */
  copyRows(x: Matrix, out: Matrix): void {
    for (let row = 0; row < x.rows; row++) {
      const source = this.memory.f32(x.address + row * x.stride, x.cols);
      this.memory.f32(out.address + row * out.stride, x.cols).set(source);
    }
  }

  /** out[i] = x[rows[i]] */
  gather(x: Matrix, rows: readonly number[], out: Matrix): void {
    rows.forEach((row, i) => {
      const source = this.memory.f32(x.address + row * x.stride, x.cols);
      this.memory.f32(out.address + i * out.stride, out.cols).set(source);
    });
  }

  /** The numbers of a matrix, copied without its padding. */
  read(matrix: Matrix, target?: Float32Array<ArrayBuffer>, offset?: number): Float32Array {
    return this.memory.read(matrix, target, offset);
  }

  /** The number of threads that share the work. */
  get #count(): number {
    return this.runtime.threads?.count ?? 1;
  }

  /** Calls a kernel; if there are several calls, all threads share them. */
  #run(kernel: keyof typeof THREADED_KERNELS, calls: readonly number[][], scratchBytes = 0): void {
    const { threads } = this.runtime;
    if (threads === undefined || threads.count === 1 || calls.length === 1) {
      for (const args of calls) (this.kernels[kernel] as Kernel)(...args);
    } else {
      const argument = THREADED_KERNELS[kernel];
      const scratch = argument === undefined ? undefined : { argument, bytes: scratchBytes };
      threads.run({ kernel: Object.keys(THREADED_KERNELS).indexOf(kernel), calls, scratch });
    }
  }
}
