/** One scheme per dtype: the kernels that pack a weight matrix, multiply by it and unpack it. */
import type { Dtype } from '../ground/dtypes.js';
import { Autotuner } from './autotune.js';
import { type Build, buildOf, type Kernels } from './kernels.js';
import { matrixBytes } from './memory.js';
import type { Grain } from './split.js';

/** How a matrix lies in panels: in a model's dtype, or in int8 with a scale per 64 inputs. */
export type PanelsDtype = Dtype | 'fineInt8';

/** The address and the dtype of a packed weight matrix. */
export interface Panels {
  readonly address: number;
  readonly dtype: PanelsDtype;
}

/** Columns into and out of panels as a checkpoint stores them: levels, and one scale per column. */
export interface Levels {
  readonly pack: Kernels['packLevels'];
  readonly unpack: Kernels['unpackLevels'];
}

export type ActivationBits = 7 | 8 | 13;

/** The levels that the rows of an int8 product are quantised to. */
export interface ActivationRange {
  readonly lowest: number;
  readonly highest: number;
}

/** The range that relaxed SIMD promises exact products for. */
const SEVEN_BITS = { lowest: 0, highest: 127 } as const;

/** What machines multiply exactly, the widest first. Both kinds of 8 bits give the same results bit for bit. */
export const ACTIVATION_RANGES: readonly ActivationRange[] = [
  { lowest: 0, highest: 255 },
  { lowest: -128, highest: 127 },
  SEVEN_BITS,
];

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
  /** The last arguments of the kernel of the products. */
  readonly gemmArguments: readonly number[];
  /** Bits of quantised activations; of a quantised scheme only. */
  readonly activationBits?: ActivationBits;
  readonly embed: Kernels['embed'];
  /** The smallest parts into which a product is cut for several threads. */
  readonly grain: Grain;
}

const tuners = () => ({
  // Where vectors are paired, the wide tiles take 0.65 times as long, elsewhere 1.25 times.
  float32: new Autotuner(['gemmF32', 'gemmF32Wide']),
  int8: new Autotuner(['gemmI8', 'gemmI8Wide']),
  fineInt8: new Autotuner(['gemmI8', 'gemmI8Wide']),
  // Paired steps take 0.8 times as long without AVX-VNNI, about twice as long with it.
  int8SevenBits: new Autotuner(['gemmI8', 'gemmI8Paired', 'gemmI8Wide']),
});

/** Per process and build: the machine, the JavaScript engine and the build decide which kernel is fastest, not the model. */
const PRODUCTS: Readonly<Record<Build, ReturnType<typeof tuners>>> = {
  simd: tuners(),
  'relaxed-simd': tuners(),
  scalar: tuners(),
};

/** Inputs of the deepest int8 product whose sums do not overflow. */
const MAX_INPUTS = 2 ** 17;

/** Inputs that share a scale in `fineInt8`: docs/decisions/0022 has the figures of 32, 64 and 128. */
export const FINE_STRETCH = 64;

/** @param activations what relaxed SIMD's int8 products are exact for on this machine; the other builds have a range of their own */
export function schemesOf(
  kernels: Kernels,
  activations: ActivationRange = SEVEN_BITS,
): Readonly<Record<PanelsDtype, Scheme> & { int8: { activationBits: ActivationBits } }> {
  const { lowest, highest } = activations;
  const products = PRODUCTS[buildOf(kernels)];
  const activationBits = kernels.relaxedSimd.value === 0 ? 13 : highest - lowest > 127 ? 8 : 7;
  const int8In = (stretch: number) => ({
    panelsBytes: (inputs: number, outputs: number) => kernels.panelsBytesI8(inputs, outputs, stretch),
    scratchBytes: (inputs: number) => kernels.gemmI8ScratchBytes(inputs, stretch),
    pack: (...args: Parameters<Kernels['packF32']>) => kernels.packI8(...args, stretch),
    unpack: (...args: Parameters<Kernels['unpackF32']>) => kernels.unpackI8(...args, stretch),
    maxInputs: MAX_INPUTS,
    gemmArguments: [lowest, highest, stretch],
    embed: kernels.embedI8,
    // Two threads ran parts of 64 rows 1.94 times as fast as one thread; parts of 32 rows, or of 384 columns, where each
    // part quantises all rows, 1.83 to 1.87 times.
    grain: { columns: 384, rows: 64 },
  });
  return {
    float32: {
      panelsBytes: matrixBytes,
      scratchBytes: kernels.gemmScratchBytes,
      pack: kernels.packF32,
      unpack: kernels.unpackF32,
      maxInputs: Number.POSITIVE_INFINITY,
      gemm: products.float32,
      gemmArguments: [],
      embed: kernels.embed,
      // 128 x 768 in eight parts by columns took as long as the whole; in two parts by rows, 2 to 4 % longer.
      grain: { columns: 192, rows: Number.POSITIVE_INFINITY },
    },
    int8: {
      ...int8In(MAX_INPUTS),
      levels: { pack: kernels.packLevels, unpack: kernels.unpackLevels },
      gemm: activationBits === 7 ? products.int8SevenBits : products.int8,
      activationBits,
    },
    fineInt8: { ...int8In(FINE_STRETCH), gemm: products.fineInt8 },
  };
}
