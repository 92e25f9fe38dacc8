/** albert-wasm/kernels: the matrix kernels by themselves, on Float32Arrays. */

export type { Dtype } from './dtypes.js';
export type { Activation } from './engine/kernels.js';
export { AlbertError, type AlbertErrorCode } from './errors.js';
export { type KernelLibrary, loadKernels } from './kernels/library.js';
export type {
  AttentionOptions,
  GeluKind,
  KernelsInfo,
  KernelsOptions,
  PackOptions,
  ProductOptions,
} from './kernels/options.js';
export type { PackedMatrix } from './kernels/packed.js';
