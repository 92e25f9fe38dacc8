/** The builds of the kernels that this engine can run, for tests that hold in each of them. */
import { relaxedSimd } from 'wasm-feature-detect';

export interface Build {
  readonly name: 'debug' | 'simd' | 'relaxed' | 'scalar';
  readonly wasmUrl: URL;
}

function build(name: Build['name']): Build {
  return { name, wasmUrl: new URL(`../../build/${name}.wasm`, import.meta.url) };
}

export const BUILDS: readonly Build[] = [
  build('simd'),
  build('debug'),
  build('scalar'),
  ...((await relaxedSimd()) ? [build('relaxed')] : []),
];
