/** Finds the kernels that training adds: of the same build as the model's own, over the same memory. */
import { FILES_ADVICE, ownFile } from '#platform';
import { AlbertError } from '../ground/errors.js';
import type { Engine } from './engine.js';
import { compileKernels } from './kernels.js';

/** The builds as files beside this code, each URL written in full and after `return`, as in `builds.ts`. */
const BESIDE = {
  'training-relaxed.wasm': () => {
    return new URL('../../build/training-relaxed.wasm', import.meta.url);
  },
  'training-relaxed-threads.wasm': () => {
    return new URL('../../build/training-relaxed-threads.wasm', import.meta.url);
  },
  'training-simd.wasm': () => {
    return new URL('../../build/training-simd.wasm', import.meta.url);
  },
  'training-simd-threads.wasm': () => {
    return new URL('../../build/training-simd-threads.wasm', import.meta.url);
  },
  'training-scalar.wasm': () => {
    return new URL('../../build/training-scalar.wasm', import.meta.url);
  },
};

/** The files of the model's kernels beside which those of training lie, where the caller has put them. */
const SIBLINGS = /^(debug|simd|relaxed|simd-threads|relaxed-threads|scalar)\.wasm$/;

/** The export by which a module shows that it is one of training. */
const KERNEL = 'gemmGradient';

/**
 * The training kernels for an engine's build and memory. If its own kernels came from a `wasmUrl` that ends with the name of a build,
 * they are read from the file `training-<name>.wasm` beside it.
 *
 * @throws ERR_ENVIRONMENT where WebAssembly may not run, ERR_SOURCE when the file cannot be read
 */
export async function compileTrainingKernels(engine: Engine): Promise<WebAssembly.Module> {
  const { memory, wasmUrl } = engine.runtime;
  if (memory.kind === 'javascript') {
    throw new AlbertError('ERR_ENVIRONMENT', 'training needs WebAssembly, which may not run here');
  }
  const sibling = wasmUrl === undefined ? undefined : siblingOf(new URL(wasmUrl));
  if (sibling !== undefined) return compileKernels(sibling, KERNEL);
  const build = { simd: 'simd', 'relaxed-simd': 'relaxed', scalar: 'scalar' }[engine.build];
  const name = `training-${build}${memory.kind === 'shared' ? '-threads' : ''}.wasm` as keyof typeof BESIDE;
  const url = ownFile(name, BESIDE[name]);
  try {
    return await compileKernels(url, KERNEL);
  } catch (cause) {
    if (!(cause instanceof AlbertError) || cause.code !== 'ERR_SOURCE') throw cause;
    throw new AlbertError('ERR_SOURCE', `${cause.message}; ${FILES_ADVICE}`, { cause });
  }
}

/** The file `training-<name>.wasm` beside `<name>.wasm`; `undefined` if the name is not one of ours. */
function siblingOf(url: URL): URL | undefined {
  const name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  return SIBLINGS.test(name) ? new URL(`training-${name}${url.search}`, url) : undefined;
}
