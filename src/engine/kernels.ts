/** The kernels: their exports with types, compiled once per build and instantiated over a memory. */

import { instantiateSync } from '@assemblyscript/loader';
import { readFile } from '#platform';
import { AlbertError } from '../ground/errors.js';
import { printableUrl } from '../http/request.js';

/** The activation functions of the kernels; the index of each is its number in `assembly/activation.ts`. */
export const ACTIVATIONS = [
  'identity',
  'gelu_new',
  'gelu',
  'relu',
  'silu',
  'tanh',
  'quick_gelu',
  'gelu_10',
  'laplace',
  'sigmoid',
  'mish',
  'hardswish',
  'leaky_relu',
  'relu2',
  'relu6',
] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** The exports of `assembly/index.ts`; every `ld…` is a row stride in bytes, every pointer a byte offset. */
export interface Kernels {
  gemmF32(
    aPtr: number,
    lda: number,
    panelsPtr: number,
    biasPtr: number,
    cPtr: number,
    ldc: number,
    m: number,
    n: number,
    k: number,
    activation: number,
    residualPtr: number,
    ldResidual: number,
    scratchPtr: number,
  ): void;
  /** Bit for bit the same, by tiles of two panels; which is faster depends on the JavaScript engine. */
  gemmF32Wide: Kernels['gemmF32'];
  gemmScratchBytes(): number;
  packF32(
    sourcePtr: number,
    strideK: number,
    strideN: number,
    panelsPtr: number,
    k: number,
    n: number,
    first: number,
  ): void;
  /**
   * As `gemmF32`, over panels of `packI8`; with relaxed SIMD, activations have levels from `lowest` to `highest`. As in the panels,
   * `stretch` inputs share a scale.
   */
  gemmI8(...args: [...Parameters<Kernels['gemmF32']>, lowest: number, highest: number, stretch: number]): void;
  /** Bit for bit the same, for levels of 7 bits; which is faster depends on the machine. */
  gemmI8Paired: Kernels['gemmI8'];
  gemmI8Wide: Kernels['gemmI8'];
  gemmI8ScratchBytes(k: number, stretch: number): number;
  /** As `packF32`; each `stretch` of a column has a scale. */
  packI8(...args: [...Parameters<Kernels['packF32']>, stretch: number]): void;
  unpackI8(...args: [...Parameters<Kernels['unpackF32']>, stretch: number]): void;
  /** Packs (n, k) levels and n scales into panels as `packI8` makes them. */
  packLevels(levelsPtr: number, scalesPtr: number, panelsPtr: number, k: number, n: number, first: number): void;
  unpackLevels(panelsPtr: number, k: number, n: number, first: number, levelsPtr: number, scalesPtr: number): void;
  panelsBytesI8(k: number, n: number, stretch: number): number;
  /** 1 when none of `n` floats is NaN or infinite. */
  allFinite(xPtr: number, n: number): number;
  quantizeRows(
    aPtr: number,
    lda: number,
    outPtr: number,
    scalesPtr: number,
    zerosPtr: number,
    m: number,
    k: number,
    lowest: number,
    highest: number,
  ): void;
  unpackF32(panelsPtr: number, k: number, n: number, first: number, targetPtr: number): void;
  attention(
    qPtr: number,
    kPtr: number,
    vPtr: number,
    ldQkv: number,
    maskBiasPtr: number,
    contextPtr: number,
    ldContext: number,
    seq: number,
    headDim: number,
    scale: number,
    scratchPtr: number,
    probsPtr: number,
    dropoutMaskPtr: number,
    queries: number,
  ): void;
  /** Bit for bit the same, by tiles of two panels. */
  attentionWide: Kernels['attention'];
  attentionScratchBytes(seq: number, headDim: number): number;
  embed(
    idsPtr: number,
    typesPtr: number,
    positionsPtr: number,
    wordPtr: number,
    typeTablePtr: number,
    positionTablePtr: number,
    ldTable: number,
    outPtr: number,
    ldOut: number,
    tokens: number,
    size: number,
  ): void;
  /** As `embed`, with the word table in panels of `packI8`. */
  embedI8: Kernels['embed'];
  layerNorm(
    xPtr: number,
    ldx: number,
    residualPtr: number,
    ldResidual: number,
    gammaPtr: number,
    betaPtr: number,
    outPtr: number,
    ldOut: number,
    rows: number,
    cols: number,
    eps: number,
  ): void;
  softmax(xPtr: number, ldx: number, rows: number, cols: number): void;
  activate(xPtr: number, ldx: number, rows: number, cols: number, activation: number): void;
  dropout(xPtr: number, ldx: number, rows: number, cols: number, key: number, threshold: number, scale: number): void;
  /** First byte after the kernels' constants. */
  readonly heapBase: WebAssembly.Global;
  /** 1 in the build with relaxed SIMD. */
  readonly relaxedSimd: WebAssembly.Global;
  /** 0 in the scalar builds. */
  readonly simd: WebAssembly.Global;
}

/** The kernels whose calls threads share, each with the index of its argument for scratch memory. */
export const THREADED_KERNELS = {
  gemmF32: 12,
  gemmF32Wide: 12,
  gemmI8: 12,
  gemmI8Paired: 12,
  gemmI8Wide: 12,
  attention: 10,
  attentionWide: 10,
  layerNorm: undefined,
  activate: undefined,
} as const;

/** A build of the kernels. */
export type Build = 'simd' | 'relaxed-simd' | 'scalar';

/** The build that instantiated kernels belong to. */
export function buildOf({ relaxedSimd, simd }: Kernels): Build {
  if (!simd.value) return 'scalar';
  return relaxedSimd.value ? 'relaxed-simd' : 'simd';
}

/** `build/scalar.js`: the scalar build as JavaScript. It sets `grow` of the memory that it receives. */
export type KernelScript = (imports: { readonly env: { readonly memory: WebAssembly.Memory } }) => object;

/** Compiled kernels, not yet instantiated over a memory. */
export type KernelCode = WebAssembly.Module | KernelScript;

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/**
 * Compiles a build once: later calls with the same URL return the same module.
 *
 * @param kernel an export that shows that it is the module wanted
 * @throws ERR_SOURCE when the file cannot be read, ERR_ENVIRONMENT when it cannot be compiled
 */
export async function compileKernels(url: URL, kernel = 'gemmF32'): Promise<WebAssembly.Module> {
  let module = compiled.get(url.href);
  if (module === undefined) {
    module = compile(url, kernel);
    compiled.set(url.href, module);
    // A failure is not kept: the next load tries again.
    module.catch(() => compiled.delete(url.href));
  }
  return module;
}

async function compile(url: URL, kernel: string): Promise<WebAssembly.Module> {
  const bytes = await readFile(url);
  if (bytes === undefined) {
    throw new AlbertError('ERR_SOURCE', `there are no kernels at ${printableUrl(url)}`);
  }
  try {
    const module = await WebAssembly.compile(bytes as BufferSource);
    const names = WebAssembly.Module.exports(module).map(({ name }) => name);
    if (!names.includes(kernel)) throw new TypeError('it is some other module');
    return module;
  } catch (cause) {
    const why = (cause as Error).message;
    throw new AlbertError('ERR_ENVIRONMENT', `cannot compile the kernels at ${printableUrl(url)}: ${why}`, { cause });
  }
}

/** Instantiates the kernels over a memory. */
export function instantiateKernels<K = Kernels>(code: KernelCode, memory: WebAssembly.Memory): K {
  const imports = { env: { memory } };
  const exports = typeof code === 'function' ? code(imports) : instantiateSync(code, imports).instance.exports;
  return exports as unknown as K;
}
