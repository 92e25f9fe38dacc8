/** albert-wasm/kernels: the matrix kernels by themselves, on Float32Arrays. */

export type { Activation } from '../engine/kernels.js';
export type { Dtype } from '../ground/dtypes.js';
export { AlbertError, type AlbertErrorCode } from '../ground/errors.js';
export { type KernelLibrary, loadKernels } from '../kernel-library/library.js';
export type {
  AttentionOptions,
  GeluKind,
  KernelsInfo,
  KernelsOptions,
  PackOptions,
  ProductOptions,
} from '../kernel-library/options.js';
export type { PackedMatrix } from '../kernel-library/packed.js';
