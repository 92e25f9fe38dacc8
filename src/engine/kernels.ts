/** The compiled kernels: which build this engine can run, compiled once, and their typed exports. */

import { instantiateSync } from '@assemblyscript/loader';
import { relaxedSimd, simd } from 'wasm-feature-detect';
import { readFile } from '#platform';
import { AlbertError, mismatch } from '../errors.js';

/** The activation functions of the kernels, each at its number (`assembly/activation.ts`). */
export const ACTIVATIONS = ['identity', 'gelu_new', 'gelu', 'relu', 'silu', 'tanh', 'quick_gelu'] as const;
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
  /** As `gemmF32`, over panels of `packI8`. */
  gemmI8: Kernels['gemmF32'];
  /** The same to the bit; which is faster depends on the machine. */
  gemmI8Paired: Kernels['gemmF32'];
  gemmI8ScratchBytes(k: number): number;
  /** As `packF32`. */
  packI8: Kernels['packF32'];
  unpackI8(panelsPtr: number, k: number, n: number, first: number, targetPtr: number): void;
  /** (n, k) levels and n scales into panels of `packI8`. */
  packLevels(levelsPtr: number, scalesPtr: number, panelsPtr: number, k: number, n: number, first: number): void;
  unpackLevels(panelsPtr: number, k: number, n: number, first: number, levelsPtr: number, scalesPtr: number): void;
  panelsBytesI8(k: number, n: number): number;
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
  ): void;
  unpackF32: Kernels['unpackI8'];
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
    keepPtr: number,
  ): void;
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
  /** As `embed`, the words in panels of `packI8`. */
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
}

/** The kernels that several threads run in parts, each with the place of its scratch memory among its arguments. */
export const DIVIDED = { gemmF32: 12, gemmI8: 12, gemmI8Paired: 12, attention: 10, layerNorm: undefined } as const;

/** Which build of the kernels. */
export type Build = 'simd' | 'relaxed-simd';

/** The build that kernels are of. */
export function buildOf({ relaxedSimd }: Kernels): Build {
  return relaxedSimd.value ? 'relaxed-simd' : 'simd';
}

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/**
 * Compiles the fastest build that this engine runs rightly, or the one at `wasmUrl`.
 *
 * @param shared whether it is to run over shared memory; that is part of a module's type
 * @throws ERR_ENVIRONMENT without WebAssembly SIMD, ERR_SOURCE when the file cannot be read
 */
export async function compileKernels(wasmUrl?: string | URL, shared = false): Promise<WebAssembly.Module> {
  if (!(await simd())) {
    throw new AlbertError('ERR_ENVIRONMENT', 'this JavaScript engine has no WebAssembly SIMD');
  }
  if (wasmUrl !== undefined && !URL.canParse(wasmUrl)) throw mismatch('ERR_INPUT', 'wasmUrl', 'a URL', wasmUrl);
  if (wasmUrl !== undefined) return compileOnce(new URL(wasmUrl));
  // Written out in full, since bundlers find assets by this very expression.
  if (await relaxedSimd()) {
    const relaxed = shared
      ? new URL('../../build/relaxed-threads.wasm', import.meta.url)
      : new URL('../../build/relaxed.wasm', import.meta.url);
    const module = await compileOnce(relaxed);
    if (multipliesInt8(module, shared)) return module;
  }
  return compileOnce(
    shared
      ? new URL('../../build/simd-threads.wasm', import.meta.url)
      : new URL('../../build/simd.wasm', import.meta.url),
  );
}

/** Whether a module asks for shared memory: it says so in no other way than by refusing the other kind. */
export function takesSharedMemory(module: WebAssembly.Module): boolean {
  try {
    instantiateKernels(module, new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether an engine's int8 product is right: in V8 11.3 (Node 20, behind a flag) the baseline compiler overwrites the
 * accumulator of relaxed SIMD's. Fresh code is baseline code, so one small product of the tallest tile tells (two rows and eight
 * inputs came out right even so); it takes half a millisecond.
 */
function multipliesInt8(module: WebAssembly.Module, shared: boolean): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared });
  const { heapBase, packI8, gemmI8 } = instantiateKernels(module, memory);
  const [inputs, outputs, rows] = [32, 8, 6];
  const floats = new Float32Array(memory.buffer);
  const a = Math.ceil(Number(heapBase.value) / 64) * 64;
  const [bias, c, panels, scratch] = [a + 1024, a + 2048, a + 3072, a + 4096] as const;
  floats.fill(1, a / 4, a / 4 + inputs * outputs);
  packI8(a, 4, inputs * 4, panels, inputs, outputs, 0);
  gemmI8(a, inputs * 4, panels, bias, c, outputs * 4, rows, outputs, inputs, 0, 0, 0, scratch);
  // Ones are the largest of their rows and columns: they quantise without error.
  return floats.subarray(c / 4, c / 4 + rows * outputs).every((sum) => Math.abs(sum - inputs) < 0.01);
}

/** Compiles a build; a second call shares the first one's work. */
async function compileOnce(url: URL): Promise<WebAssembly.Module> {
  let module = compiled.get(url.href);
  if (module === undefined) {
    module = compile(url);
    compiled.set(url.href, module);
    // A failure is not kept: the next load tries again.
    module.catch(() => compiled.delete(url.href));
  }
  return module;
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  const bytes = await readFile(url);
  if (bytes === undefined) {
    throw new AlbertError('ERR_SOURCE', `there are no kernels at ${url.href}: was the package built?`);
  }
  try {
    const module = await WebAssembly.compile(bytes as BufferSource);
    const names = WebAssembly.Module.exports(module).map(({ name }) => name);
    if (!names.includes('gemmF32')) throw new TypeError('it is some other module');
    return module;
  } catch (cause) {
    throw new AlbertError('ERR_ENVIRONMENT', `cannot compile the kernels at ${url.href}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** An instance of the kernels over a memory. */
export function instantiateKernels(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernels {
  return instantiateSync(module, { env: { memory } }).instance.exports as unknown as Kernels;
}
