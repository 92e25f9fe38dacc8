/** Packing and multiplying, one scheme a dtype: which kernels take a weight matrix to memory, use it and read it back. */
import { Contest } from './contest.js';
import type { Kernels } from './kernels.js';
import { matrixBytes } from './memory.js';
import type { Grain } from './split.js';

export const DTYPES = ['float32', 'int8'] as const;
/** How weight matrices are stored and multiplied. */
export type Dtype = (typeof DTYPES)[number];

/** Where a weight matrix lies in panels, and of which dtype. */
export interface Panels {
  readonly address: number;
  readonly dtype: Dtype;
}

export interface Scheme {
  /** Bytes of the panels of an (inputs, outputs) matrix. */
  panelsBytes(inputs: number, outputs: number): number;
  /** Bytes of scratch memory that `gemm` takes for so many inputs. */
  scratchBytes(inputs: number): number;
  readonly pack: Kernels['packF32'];
  readonly unpack: Kernels['unpackF32'];
  /** Of a quantised scheme: columns into and out of panels as a checkpoint stores them. */
  readonly packLevels?: Kernels['packLevels'];
  readonly unpackLevels?: Kernels['unpackLevels'];
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
      packLevels: kernels.packLevels,
      unpackLevels: kernels.unpackLevels,
      gemm: PRODUCTS.int8,
      embed: kernels.embedI8,
      // Two parts of 64 rows: 1.94 times one thread's speed, of 32 or by columns of 384, which each quantise all rows, 1.83 to 1.87.
      grain: { columns: 384, rows: 64 },
    },
  };
}
