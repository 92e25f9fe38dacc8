/** Packing and multiplying, one scheme a dtype: which kernels take a weight matrix to memory, use it and read it back. */
import type { Dtype } from '../dtypes.js';
import { Contest } from './contest.js';
import type { Kernels } from './kernels.js';
import { matrixBytes } from './memory.js';
import type { Grain } from './split.js';

/** Where a weight matrix lies in panels, and of which dtype. */
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
  /** Bytes of the panels of an (inputs, outputs) matrix. */
  panelsBytes(inputs: number, outputs: number): number;
  /** Bytes of scratch memory that `gemm` takes for so many inputs. */
  scratchBytes(inputs: number): number;
  readonly pack: Kernels['packF32'];
  readonly unpack: Kernels['unpackF32'];
  /** Of a quantised scheme. */
  readonly levels?: Levels;
  /** Inputs of the deepest product whose sums do not overflow. */
  readonly maxInputs: number;
  /** The products' kernel, or several with the same results. */
  readonly gemm: Contest<'gemmF32' | 'gemmI8' | 'gemmI8Paired'>;
  readonly embed: Kernels['embed'];
  /** How fine a product is cut for several threads. */
  readonly grain: Grain;
}

/** One contest a process: machine and engine decide it, not the model. */
const PRODUCTS = {
  float32: new Contest(['gemmF32']),
  // Without AVX-VNNI paired steps take 0.8 times as long, with it about twice.
  int8: new Contest(['gemmI8', 'gemmI8Paired']),
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
      // By columns eight parts of 128 x 768 took as long as the whole, by rows two took 2 to 4 % more.
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
      // Two parts of 64 rows: 1.94 times one thread's speed, of 32 or by columns of 384, which each quantise all rows, 1.83 to 1.87.
      grain: { columns: 384, rows: 64 },
    },
  };
}
