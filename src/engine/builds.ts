/**
 * Which build of the kernels this engine runs: relaxed SIMD, SIMD or plain loops, those as WebAssembly or as JavaScript. Chosen by
 * the `#builds` import; `workerd-builds.ts` is its twin.
 */
import { relaxedSimd, simd } from 'wasm-feature-detect';
import { AlbertError } from '../errors.js';
import { compileKernels, type KernelCode, type KernelScript } from './kernels.js';
import { multipliesInt8 } from './trials.js';

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
    // WebKit compiles under such a policy, and refuses the instance.
    new WebAssembly.Instance(await WebAssembly.compile(EMPTY_MODULE));
    return undefined;
  } catch (error) {
    return `this engine refuses to run WebAssembly: ${(error as Error).message}`;
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
