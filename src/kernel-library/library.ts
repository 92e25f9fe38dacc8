/** The kernels as functions of Float32Arrays: each call copies its matrices in, computes, copies the result out. */

import { ACTIVATIONS, buildOf } from '../engine/kernels.js';
import { checkMaxMemoryBytes, type Region } from '../engine/memory.js';
import { type Runtime, startRuntime } from '../engine/runtime.js';
import { schemesOf } from '../engine/schemes.js';
import { codeUrl } from '../ground/code-url.js';
import { type DisposableIfKnown, disposable } from '../ground/disposable.js';
import { DTYPES } from '../ground/dtypes.js';
import { AlbertError, mismatch } from '../ground/errors.js';
import { checkOptions } from '../ground/options.js';
import { checkFinite, checkMatrix, checkName, checkSizes, maskBiasOf } from './checks.js';
import {
  ATTENTION_OPTIONS,
  type AttentionOptions,
  GELU_KINDS,
  type GeluKind,
  KERNELS_OPTIONS,
  type KernelsInfo,
  type KernelsOptions,
  PACK_OPTIONS,
  type PackOptions,
  PRODUCT_OPTIONS,
  type ProductOptions,
} from './options.js';
import { Blocks, PackedMatrix } from './packed.js';
import { inRegion, multiply, packPanels, type Workspace, zeros } from './products.js';

/**
 * Compiles the kernels and makes their memory.
 *
 * @throws ERR_INPUT for unknown or invalid options, ERR_ENVIRONMENT if nothing runs here, ERR_SOURCE if the kernels cannot be read
 */
export async function loadKernels(given?: KernelsOptions): Promise<KernelLibrary> {
  const { wasmUrl, maxMemoryBytes } = checkOptions(given, KERNELS_OPTIONS);
  const options = {
    wasmUrl: codeUrl('wasmUrl', wasmUrl),
    maxMemoryBytes: checkMaxMemoryBytes(maxMemoryBytes),
    threads: 1,
  };
  return new KernelLibrary(await startRuntime(options));
}

/** What the library holds until it is disposed. */
interface State extends Workspace {
  readonly whyNotSimd: string | undefined;
  readonly blocks: Blocks;
  readonly packed: Map<PackedMatrix, Region>;
}

/**
 * Matrices are row-major. Results belong to the caller, and arguments are never changed. Every method throws ERR_INPUT for
 * sizes and arrays that do not match, ERR_MEMORY beyond `maxMemoryBytes` and ERR_DISPOSED after `dispose`; after the first
 * two, the library still works.
 */
export interface KernelLibrary extends DisposableIfKnown {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines what the interface adds
export class KernelLibrary {
  static {
    disposable(KernelLibrary.prototype, 'dispose');
  }

  #state: State | undefined;

  /** Use `loadKernels`. */
  constructor({ kernels, memory, activations, whyNotSimd }: Runtime) {
    const constants = memory.region();
    constants.take(Number(kernels.heapBase.value));
    memory.reserve(constants);
    const [schemes, blocks] = [schemesOf(kernels, activations), new Blocks(memory)];
    this.#state = { kernels, memory, whyNotSimd, schemes, blocks, packed: new Map() };
  }

  /** a · b of (m, k) and (k, n): (m, n) */
  matmul(a: Float32Array, b: Float32Array, m: number, k: number, n: number): Float32Array {
    const state = this.#alive();
    const { memory, schemes } = state;
    checkSizes({ m, k, n });
    checkMatrix('a', a, m, k);
    checkMatrix('b', b, k, n);
    if (m * n * k === 0) return zeros(state, m * n);
    return inRegion(state, (region) => {
      const panels = { address: region.take(schemes.float32.panelsBytes(k, n)), dtype: 'float32', k, n } as const;
      memory.claim(region);
      packPanels(state, b, panels);
      return multiply(state, a, m, panels, {});
    });
  }

  /** Packs a matrix (k, n), to be the right factor of products. */
  pack(b: Float32Array, k: number, n: number, given?: PackOptions): PackedMatrix {
    const state = this.#alive();
    const { blocks, schemes, packed } = state;
    const { dtype = 'float32' } = checkOptions(given, PACK_OPTIONS);
    checkName('dtype', dtype, DTYPES);
    checkSizes({ k, n }, 1);
    checkMatrix('b', b, k, n);
    const { panelsBytes, maxInputs, levels } = schemes[dtype];
    if (k > maxInputs) throw mismatch('ERR_INPUT', 'k', `at most ${maxInputs}`, k);
    // A NaN or an infinity would become its column's scale, and no number of that column could be recovered.
    if (levels !== undefined) checkFinite('b', b, dtype);
    const bytes = panelsBytes(k, n);
    const block = blocks.take(bytes);
    try {
      packPanels(state, b, { address: block.start, dtype, k, n });
    } catch (error) {
      blocks.free(block);
      throw error;
    }
    const matrix: PackedMatrix = new PackedMatrix([k, n], dtype, bytes, () => {
      packed.delete(matrix);
      blocks.free(block);
    });
    packed.set(matrix, block);
    return matrix;
  }

  /**
   * activation(a · w + bias) + residual, for `a` (m, k) and a packed `w` (k, n): (m, n)
   *
   * @throws ERR_DISPOSED when `w` has been freed
   */
  matmulPacked(a: Float32Array, w: PackedMatrix, m: number, given?: ProductOptions): Float32Array {
    const state = this.#alive();
    const options = checkOptions(given, PRODUCT_OPTIONS);
    const block = state.packed.get(w);
    if (block === undefined) {
      if (w instanceof PackedMatrix && w.freed) throw new AlbertError('ERR_DISPOSED', 'the matrix has been freed');
      throw mismatch('ERR_INPUT', 'w', 'a matrix that this library has packed', w);
    }
    const { k, n, dtype } = w;
    checkSizes({ m });
    checkMatrix('a', a, m, k);
    if (options.bias !== undefined) checkMatrix('bias', options.bias, 1, n);
    if (options.residual !== undefined) checkMatrix('residual', options.residual, m, n);
    if (options.activation !== undefined) checkName('activation', options.activation, ACTIVATIONS);
    if (m === 0) return zeros(state, 0);
    return multiply(state, a, m, { address: block.start, dtype, k, n }, options);
  }

  /** The softmax of each row of `x` (rows, cols). */
  softmax(x: Float32Array, rows: number, cols: number): Float32Array {
    const state = this.#alive();
    const { kernels, memory } = state;
    checkSizes({ rows, cols });
    checkMatrix('x', x, rows, cols);
    if (x.length === 0) return zeros(state, 0);
    return inRegion(state, (region) => {
      const matrix = region.matrix(rows, cols);
      memory.claim(region);
      memory.write(matrix, x);
      kernels.softmax(matrix.address, matrix.stride, rows, cols);
      return memory.read(matrix);
    });
  }

  /** (x - mean) / sqrt(variance + eps) · gamma + beta of each row of `x` (rows, cols); gamma and beta are (cols). */
  layerNorm(
    x: Float32Array,
    gamma: Float32Array,
    beta: Float32Array,
    rows: number,
    cols: number,
    eps: number,
  ): Float32Array {
    const state = this.#alive();
    const { kernels, memory } = state;
    checkSizes({ rows, cols });
    checkMatrix('x', x, rows, cols);
    checkMatrix('gamma', gamma, 1, cols);
    checkMatrix('beta', beta, 1, cols);
    if (!(eps >= 0 && eps < Number.POSITIVE_INFINITY)) throw mismatch('ERR_INPUT', 'eps', 'a number >= 0', eps);
    if (x.length === 0) return zeros(state, 0);
    return inRegion(state, (region) => {
      const [matrix, scale, bias] = [region.matrix(rows, cols), region.matrix(1, cols), region.matrix(1, cols)];
      memory.claim(region);
      memory.write(matrix, x);
      memory.write(scale, gamma);
      memory.write(bias, beta);
      const { address, stride } = matrix;
      kernels.layerNorm(address, stride, 0, 0, scale.address, bias.address, address, stride, rows, cols, eps);
      return memory.read(matrix);
    });
  }

  /** The GELU of each number. */
  gelu(x: Float32Array, kind: GeluKind = 'gelu'): Float32Array {
    const state = this.#alive();
    const { kernels, memory } = state;
    checkMatrix('x', x, 1, x?.length);
    checkName('kind', kind, GELU_KINDS);
    if (x.length === 0) return zeros(state, 0);
    return inRegion(state, (region) => {
      const matrix = region.matrix(1, x.length);
      memory.claim(region);
      memory.write(matrix, x);
      kernels.activate(matrix.address, matrix.stride, 1, x.length, ACTIVATIONS.indexOf(kind));
      return memory.read(matrix);
    });
  }

  /**
   * softmax(q · kᵀ / sqrt(headDim)) · v of each head of one sequence. All matrices are (seq, heads · headDim); the columns of a
   * head are adjacent.
   */
  attention(q: Float32Array, k: Float32Array, v: Float32Array, options: AttentionOptions): Float32Array {
    const state = this.#alive();
    const { kernels, memory } = state;
    const { heads, seq, headDim, mask } = checkOptions(options, ATTENTION_OPTIONS);
    checkSizes({ heads, seq, headDim });
    const hidden = heads * headDim;
    checkMatrix('q', q, seq, hidden);
    checkMatrix('k', k, seq, hidden);
    checkMatrix('v', v, seq, hidden);
    const maskBias = maskBiasOf(mask, seq);
    if (q.length === 0) return zeros(state, 0);
    return inRegion(state, (region) => {
      const factors = [q, k, v].map((data) => ({ data, matrix: region.matrix(seq, hidden) }));
      const [bias, context] = [region.matrix(1, seq), region.matrix(seq, hidden)];
      const scratch = region.take(kernels.attentionScratchBytes(seq, headDim));
      memory.claim(region);
      for (const { data, matrix } of factors) memory.write(matrix, data);
      memory.write(bias, maskBias);
      const [qAt, kAt, vAt] = factors.map(({ matrix }) => matrix.address) as [number, number, number];
      const { address, stride } = context;
      const scale = 1 / Math.sqrt(headDim);
      for (let at = 0; at < hidden * 4; at += headDim * 4) {
        const [qHead, kHead, vHead, out] = [qAt + at, kAt + at, vAt + at, address + at];
        kernels.attention(
          qHead,
          kHead,
          vHead,
          stride,
          bias.address,
          out,
          stride,
          seq,
          headDim,
          scale,
          scratch,
          0,
          0,
          seq,
        );
      }
      return memory.read(context);
    });
  }

  info(): KernelsInfo {
    const { kernels, memory, whyNotSimd, schemes, blocks } = this.#alive();
    const why = whyNotSimd !== undefined && { whyNotSimd };
    const { activationBits } = schemes.int8;
    return { kernels: buildOf(kernels), ...why, activationBits, packedBytes: blocks.bytes, memoryBytes: memory.bytes };
  }

  /** Frees all memory, including that of packed matrices; a second call does nothing. */
  dispose(): void {
    for (const matrix of this.#state?.packed.keys() ?? []) matrix.free();
    this.#state = undefined;
  }

  #alive(): State {
    if (this.#state === undefined) throw new AlbertError('ERR_DISPOSED', 'the kernels have been disposed');
    return this.#state;
  }
}
