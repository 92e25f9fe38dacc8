/**
 * Chooses the build of the kernels that this JavaScript engine runs: relaxed SIMD, SIMD or scalar, the last as WebAssembly or as
 * JavaScript. Reached by the `#builds` import; `workerd-builds.ts` is its counterpart.
 */
import { relaxedSimd, simd } from 'wasm-feature-detect';
import { FILES_ADVICE, ownFile } from '#platform';
import { AlbertError } from '../ground/errors.js';
import { compileKernels, type KernelCode, type KernelScript } from './kernels.js';
import { exactRangeOf } from './probes.js';
import type { ActivationRange } from './schemes.js';

/** The build that runs. */
export interface ChosenKernels {
  readonly code: KernelCode;
  /** The activations that relaxed SIMD's int8 products are exact for, if they have been probed. */
  readonly activations?: ActivationRange;
  /** Why it is the scalar build, unless the caller chose it. */
  readonly whyNotSimd?: string;
}

/**
 * The builds as files beside this code. Each URL is written in full, because bundlers find files by exactly this expression,
 * and after `return`, because the file tracing of Next.js ignores arrow functions without one.
 */
const BESIDE = {
  'relaxed.wasm': () => {
    return new URL('../../build/relaxed.wasm', import.meta.url);
  },
  'relaxed-threads.wasm': () => {
    return new URL('../../build/relaxed-threads.wasm', import.meta.url);
  },
  'simd.wasm': () => {
    return new URL('../../build/simd.wasm', import.meta.url);
  },
  'simd-threads.wasm': () => {
    return new URL('../../build/simd-threads.wasm', import.meta.url);
  },
  'scalar.wasm': () => {
    return new URL('../../build/scalar.wasm', import.meta.url);
  },
};

/** An empty module: an engine that compiles it may compile others. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/**
 * The fastest build that this engine runs correctly, or the one at `wasmUrl`; where WebAssembly may not run, the JavaScript one.
 *
 * @param shared whether the memory is shared; that is part of the type of a module
 * @throws ERR_SOURCE when a file cannot be read, ERR_ENVIRONMENT when nothing runs
 */
export async function chooseKernels(wasmUrl?: string, shared = false): Promise<ChosenKernels> {
  const refused = await whyNoWebAssembly();
  if (refused !== undefined) return { code: await loadScript(refused), whyNotSimd: refused };
  if (wasmUrl !== undefined) return { code: await compileKernels(new URL(wasmUrl)) };
  if (!(await simd())) {
    return { code: await compileOwn('scalar.wasm'), whyNotSimd: 'this engine has no WebAssembly SIMD' };
  }
  if (await relaxedSimd()) {
    const code = await compileOwn(shared ? 'relaxed-threads.wasm' : 'relaxed.wasm');
    const activations = exactRangeOf(code, shared);
    if (activations !== undefined) return { code, activations };
  }
  return { code: await compileOwn(shared ? 'simd-threads.wasm' : 'simd.wasm') };
}

/** @throws ERR_SOURCE, with advice, if a bundler has not copied the file */
async function compileOwn(name: keyof typeof BESIDE): Promise<WebAssembly.Module> {
  const url = ownFile(name, BESIDE[name]);
  try {
    return await compileKernels(url);
  } catch (cause) {
    if (!(cause instanceof AlbertError) || cause.code !== 'ERR_SOURCE') throw cause;
    throw new AlbertError('ERR_SOURCE', `${cause.message}; ${FILES_ADVICE}`, { cause });
  }
}

/** Why no WebAssembly runs here: a Content-Security-Policy can forbid its use, although `WebAssembly` exists. */
async function whyNoWebAssembly(): Promise<string | undefined> {
  if (typeof WebAssembly === 'undefined') return 'this engine has no WebAssembly';
  try {
    // Under such a policy, WebKit compiles a module but refuses to instantiate it.
    new WebAssembly.Instance(await WebAssembly.compile(EMPTY_MODULE));
    return undefined;
  } catch (error) {
    return `this engine refuses to run WebAssembly: ${(error as Error).message}`;
  }
}

/** The scalar build as JavaScript: 40 KB that are loaded only here. */
async function loadScript(refused: string): Promise<KernelScript> {
  try {
    // By its URL, like the modules above: a bundler then copies the file and need not split a worker for it.
    const url = new URL('../../build/scalar.js', import.meta.url);
    const { instantiate } = await import(/* webpackIgnore: true */ /* @vite-ignore */ url.href);
    return instantiate;
  } catch (cause) {
    const allowed =
      typeof WebAssembly === 'undefined' ? '' : "; 'wasm-unsafe-eval' in a policy's script-src allows WebAssembly";
    const message = `${refused}, and its substitute cannot be loaded: ${(cause as Error).message}${allowed}`;
    throw new AlbertError('ERR_ENVIRONMENT', message, { cause });
  }
}
