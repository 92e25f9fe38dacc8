/** What callers may ask of the kernels, and what they tell of themselves. */

import type { Dtype } from '../dtypes.js';
import type { Activation, Build } from '../engine/kernels.js';
import type { OptionNames } from '../errors.js';

export interface KernelsOptions {
  /** The kernels to run instead of the fastest that this engine supports. In Node a string must be a `file:` URL. */
  readonly wasmUrl?: string | URL;
  /** The most bytes that the library's memory may grow to; 1 GiB unless raised, 4 GiB at most. */
  readonly maxMemoryBytes?: number;
}

export const KERNELS_OPTIONS: OptionNames<KernelsOptions> = { wasmUrl: true, maxMemoryBytes: true };

export const GELU_KINDS = ['gelu', 'gelu_new', 'quick_gelu'] as const;
/** `gelu` by erf, `gelu_new` by tanh, `quick_gelu` by a sigmoid. */
export type GeluKind = (typeof GELU_KINDS)[number];

export interface AttentionOptions {
  readonly heads: number;
  readonly seq: number;
  readonly headDim: number;
  /** 1 for each key that is attended to, 0 for the others; all are unless given. Where all are 0, all weigh the same. */
  readonly mask?: ArrayLike<number>;
}

export const ATTENTION_OPTIONS: OptionNames<AttentionOptions> = { heads: true, seq: true, headDim: true, mask: true };

export interface PackOptions {
  /** `int8`: a quarter of the memory, one scale a column; a row of the other factor is quantised on its way in. */
  readonly dtype?: Dtype;
}

export const PACK_OPTIONS: OptionNames<PackOptions> = { dtype: true };

export interface ProductOptions {
  /** (n) numbers that are added to each row, before the activation. */
  readonly bias?: Float32Array;
  /** `identity` unless given. */
  readonly activation?: Activation;
  /** (m, n) numbers that are added after the activation. */
  readonly residual?: Float32Array;
}

export const PRODUCT_OPTIONS: OptionNames<ProductOptions> = { bias: true, activation: true, residual: true };

export interface KernelsInfo {
  readonly kernels: Build;
  /** Why they are `scalar`, many times slower, where that is not the caller's choice. */
  readonly whyNotSimd?: string;
  /** Bytes of the packed matrices. */
  readonly packedBytes: number;
  /** Bytes that the memory has grown to: WebAssembly memory never shrinks. */
  readonly memoryBytes: number;
}
