/** Which build of the kernels this engine runs: relaxed SIMD, SIMD or plain loops, those as WebAssembly or as JavaScript. */
import { relaxedSimd, simd } from 'wasm-feature-detect';
import { AlbertError } from '../errors.js';
import { compileKernels, instantiateKernels, type KernelCode, type KernelScript } from './kernels.js';

/** What runs here. */
export interface ChosenKernels {
  readonly code: KernelCode;
  /** Why it is the scalar build, where that is not the caller's choice. */
  readonly whyNotSimd?: string;
}

/** A module without content: whoever compiles it may compile others. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/**
 * The fastest build that this engine runs rightly, or the one at `wasmUrl`; where WebAssembly may not run, the JavaScript one.
 *
 * @param shared whether it is to run over shared memory; that is part of a module's type
 * @throws ERR_SOURCE when a file cannot be read, ERR_ENVIRONMENT when nothing runs
 */
export async function chooseKernels(wasmUrl?: string, shared = false): Promise<ChosenKernels> {
  const refused = await whyNoWebAssembly();
  if (refused !== undefined) return { code: await loadScript(refused), whyNotSimd: refused };
  if (wasmUrl !== undefined) return { code: await compileKernels(new URL(wasmUrl)) };
  // Written out in full, since bundlers find assets by this very expression.
  if (!(await simd())) {
    const code = await compileKernels(new URL('../../build/scalar.wasm', import.meta.url));
    return { code, whyNotSimd: 'this engine has no WebAssembly SIMD' };
  }
  if (await relaxedSimd()) {
    const relaxed = shared
      ? new URL('../../build/relaxed-threads.wasm', import.meta.url)
      : new URL('../../build/relaxed.wasm', import.meta.url);
    const code = await compileKernels(relaxed);
    if (multipliesInt8(code, shared)) return { code };
  }
  const plain = shared
    ? new URL('../../build/simd-threads.wasm', import.meta.url)
    : new URL('../../build/simd.wasm', import.meta.url);
  return { code: await compileKernels(plain) };
}

/** Why nothing can be compiled here: a page's Content-Security-Policy lets `WebAssembly` be there and refuses its use. */
async function whyNoWebAssembly(): Promise<string | undefined> {
  if (typeof WebAssembly === 'undefined') return 'this engine has no WebAssembly';
  try {
    await WebAssembly.compile(EMPTY_MODULE);
    return undefined;
  } catch (error) {
    return `this engine refuses to compile WebAssembly: ${(error as Error).message}`;
  }
}

/** The scalar build as JavaScript, 40 KB that nobody else loads. */
async function loadScript(refused: string): Promise<KernelScript> {
  try {
    // By its URL, as the modules above: a bundler copies the file, and no worker has to be split for it.
    const url = new URL('../../build/scalar.js', import.meta.url);
    const { instantiate } = await import(/* webpackIgnore: true */ /* @vite-ignore */ url.href);
    return instantiate;
  } catch (cause) {
    const message = `${refused}, and its substitute cannot be loaded: ${(cause as Error).message}`;
    throw new AlbertError('ERR_ENVIRONMENT', message, { cause });
  }
}

/** Whether kernels ask for shared memory: they say so in no other way than by refusing the other kind. */
export function takesSharedMemory(code: KernelCode): boolean {
  if (typeof code === 'function') return false;
  try {
    instantiateKernels(code, new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
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
