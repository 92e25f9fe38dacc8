/** One scheme per dtype: the kernels that pack a weight matrix, multiply by it and unpack it. */
import type { Dtype } from '../ground/dtypes.js';
import { Autotuner } from './autotune.js';
import type { Kernels } from './kernels.js';
import { matrixBytes } from './memory.js';
import type { Grain } from './split.js';

/** The address and the dtype of a packed weight matrix. */
export interface Panels {
  readonly address: number;
  readonly dtype: Dtype;
}

/** Columns into and out of panels as a checkpoint stores them: levels, and one scale per column. */
export interface Levels {
  readonly pack: Kernels['packLevels'];
  readonly unpack: Kernels['unpackLevels'];
}

export interface Scheme {
  /** Bytes of an (inputs, outputs) matrix in panels. */
  panelsBytes(inputs: number, outputs: number): number;
  /** Bytes of scratch memory that `gemm` needs for this many inputs. */
  scratchBytes(inputs: number): number;
  readonly pack: Kernels['packF32'];
  readonly unpack: Kernels['unpackF32'];
  /** Of a quantised scheme only. */
  readonly levels?: Levels;
  /** Inputs of the deepest product whose sums do not overflow. */
  readonly maxInputs: number;
  /** The kernel of the products, or several kernels with the same results. */
  readonly gemm: Autotuner<'gemmF32' | 'gemmF32Wide' | 'gemmI8' | 'gemmI8Paired' | 'gemmI8Wide'>;
  readonly embed: Kernels['embed'];
  /** The smallest parts into which a product is cut for several threads. */
  readonly grain: Grain;
}

/** One per process: the machine and the JavaScript engine decide which kernel is fastest, not the model. */
const PRODUCTS = {
  // Where vectors are paired, the wide tiles take 0.65 times as long, elsewhere 1.25 times.
  float32: new Autotuner(['gemmF32', 'gemmF32Wide']),
  // Paired steps take 0.8 times as long without AVX-VNNI, about twice as long with it.
  int8: new Autotuner(['gemmI8', 'gemmI8Paired', 'gemmI8Wide']),
} as const;

export function schemesOf(kernels: Kernels): Readonly<Record<Dtype, Scheme>> {
  return {
    float32: {
      panelsBytes: matrixBytes,
      scratchBytes: kernels.gemmScratchBytes,
      pack: kernels.packF32,
      unpack: kernels.unpackF32,
      maxInputs: Number.POSITIVE_INFINITY,
      gemm: PRODUCTS.float32,
      embed: kernels.embed,
      // 128 x 768 in eight parts by columns took as long as the whole; in two parts by rows, 2 to 4 % longer.
      grain: { columns: 192, rows: Number.POSITIVE_INFINITY },
    },
    int8: {
      panelsBytes: kernels.panelsBytesI8,
      scratchBytes: kernels.gemmI8ScratchBytes,
      pack: kernels.packI8,
      unpack: kernels.unpackI8,
      levels: { pack: kernels.packLevels, unpack: kernels.unpackLevels },
      maxInputs: 2 ** 17,
      gemm: PRODUCTS.int8,
      embed: kernels.embedI8,
      // Two threads ran parts of 64 rows 1.94 times as fast as one thread; parts of 32 rows, or of 384 columns, where each
      // part quantises all rows, 1.83 to 1.87 times.
      grain: { columns: 384, rows: 64 },
    },
  };
}
