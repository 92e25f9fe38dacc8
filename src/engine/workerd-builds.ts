/**
 * The kernels in Cloudflare's workerd, which compiles nothing at run time: they are modules that were compiled when the program
 * was deployed. Threads and other kernels are not available there.
 */
import relaxed from '../../build/relaxed.wasm';
import simd from '../../build/simd.wasm';
import { mismatch } from '../ground/errors.js';
import type { ChosenKernels } from './builds.js';
import { exactRangeOf } from './probes.js';

/** @throws ERR_INPUT for a `wasmUrl` */
export async function chooseKernels(wasmUrl?: string): Promise<ChosenKernels> {
  if (wasmUrl !== undefined) throw mismatch('ERR_INPUT', 'wasmUrl', 'none, as nothing can be compiled here', wasmUrl);
  const activations = exactRangeOf(relaxed, false);
  return activations === undefined ? { code: simd } : { code: relaxed, activations };
}
