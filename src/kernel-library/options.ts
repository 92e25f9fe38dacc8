/** The options of the kernel library, and what `info()` returns. */

import type { Activation, Build } from '../engine/kernels.js';
import type { Dtype } from '../ground/dtypes.js';
import type { OptionNames } from '../ground/options.js';

export interface KernelsOptions {
  /** The URL of the kernels; default: the fastest build that runs here. In Node a string must be a `file:` URL. */
  readonly wasmUrl?: string | URL;
  /** The largest size of the library's memory in bytes; default: 1 GiB; at most 4 GiB. */
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
  /** 1 for each key that is attended to, 0 for the others; default: all 1. If all are 0, all keys have the same weight. */
  readonly mask?: ArrayLike<number>;
}

export const ATTENTION_OPTIONS: OptionNames<AttentionOptions> = { heads: true, seq: true, headDim: true, mask: true };

export interface PackOptions {
  /**
   * `int8` takes a quarter of the memory, with one scale per column; each product quantises the rows of its left factor.
   * Default: `float32`.
   */
  readonly dtype?: Dtype;
}

export const PACK_OPTIONS: OptionNames<PackOptions> = { dtype: true };

export interface ProductOptions {
  /** (n) numbers that are added to each row, before the activation. */
  readonly bias?: Float32Array;
  /** Default: `identity`. */
  readonly activation?: Activation;
  /** (m, n) numbers that are added after the activation. */
  readonly residual?: Float32Array;
}

export const PRODUCT_OPTIONS: OptionNames<ProductOptions> = { bias: true, activation: true, residual: true };

export interface KernelsInfo {
  readonly kernels: Build;
  /** Why they are `scalar`, many times slower, unless the caller chose them. */
  readonly whyNotSimd?: string;
  /** Bits that int8 products quantise their left factor to: 13 without relaxed SIMD; with it 8 where the machine can, 7 elsewhere. */
  readonly activationBits: 7 | 8 | 13;
  /** Bytes of the packed matrices. */
  readonly packedBytes: number;
  /** Bytes that the memory has grown to: WebAssembly memory never shrinks. */
  readonly memoryBytes: number;
}
