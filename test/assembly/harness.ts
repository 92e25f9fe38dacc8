/** What every kernel test stands on: all builds that this engine runs, and comparisons that cannot pass by accident. */

import * as assert from 'uvu/assert';
import { relaxedSimd } from 'wasm-feature-detect';
import { compileKernels, instantiateKernels, type KernelScript, type Kernels } from '../../src/engine/kernels.js';
import { stateCases } from '../support/cases.js';
import { Arena, MEMORY_PAGES, POISONS, type Region } from './arena.js';

const RELAXED = (await relaxedSimd()) ? (['relaxed'] as const) : [];
/** `javascript` is the scalar build without WebAssembly. */
export const BUILDS = ['debug', 'simd', ...RELAXED, 'scalar', 'javascript'] as const;
export type Build = 'debug' | 'simd' | 'relaxed' | 'scalar' | 'javascript';
/** The builds that are WebAssembly. */
export const MODULES = ['debug', 'simd', ...RELAXED, 'scalar'] as const;

export function wasmUrl(build: Exclude<Build, 'javascript'>): URL {
  return new URL(`../../build/${build}.wasm`, import.meta.url);
}

/** A build's kernels over a memory of so many pages. */
export async function instantiateBuild(
  build: Build,
  pages: number,
): Promise<{ kernels: Kernels; buffer: ArrayBuffer }> {
  if (build !== 'javascript') {
    const memory = new WebAssembly.Memory({ initial: pages });
    return { kernels: instantiateKernels(await compileKernels(wasmUrl(build)), memory), buffer: memory.buffer };
  }
  // @ts-expect-error: plain JavaScript, made by scripts/build-wasm.mjs
  const { instantiate } = await import('../../build/scalar.js');
  const buffer = new ArrayBuffer(pages * 65_536);
  const memory = { buffer } as WebAssembly.Memory;
  return { kernels: instantiateKernels(instantiate as KernelScript, memory), buffer };
}

/** One build's kernels, with memory of their own. */
export interface Loaded<K> {
  readonly build: Build;
  readonly kernels: K;
  readonly arena: Arena;
}

async function load(build: Build): Promise<Loaded<Kernels>> {
  const { kernels, buffer } = await instantiateBuild(build, MEMORY_PAGES);
  return { build, kernels, arena: new Arena(buffer, Number(kernels.heapBase.value)) };
}

const loaded = await Promise.all(BUILDS.map(load));

/** Counts what a suite really checked: a loop that runs zero times passes everything else. */
export class Cases {
  count = 0;
  constructor(readonly least: number) {}

  assertEnough(): void {
    stateCases(this.count, this.least);
  }
}

/** One call of a kernel, laid out: how to run it, and where its answer is. */
export interface Call {
  run(): void;
  readonly out: readonly Region[];
}

export interface Answer {
  readonly build: Build;
  readonly values: Float32Array;
}

/** `everyIn` of the model's own kernels. */
export function everyBuild(cases: Cases, label: string, prepare: (arena: Arena, kernels: Kernels) => Call): Answer[] {
  return everyIn(loaded, cases, label, prepare);
}

/**
 * Runs one case in every build under every poison. The answers must not depend on the poison, and those of the debug
 * build must be the release build's bit for bit; so the answers returned are one for each way of rounding.
 *
 * @param loaded the builds; debug, then simd, then the others
 */
export function everyIn<K>(
  loaded: readonly Loaded<K>[],
  cases: Cases,
  label: string,
  prepare: (arena: Arena, kernels: K) => Call,
): Answer[] {
  const answers = loaded.map(({ build, kernels, arena }) => {
    const [values, other] = POISONS.map((poison, i) => {
      // Seven is the most buffers that a kernel takes: over a grid, each comes to lie at the end of memory.
      arena.reset(poison, (cases.count + 3 * i) % 7);
      const call = prepare(arena, kernels);
      arena.commit();
      call.run();
      arena.check(`${label}, ${build} build, ${poison.name} around`);
      return arena.read(call.out);
    });
    assertSameBits(values!, other!, `${label}, ${build} build: ${POISONS.map((p) => p.name).join(' or ')} around`);
    return { build, values: values! };
  });
  const [debug, release] = answers;
  assertSameBits(debug!.values, release!.values, `${label}: debug and release builds`);
  cases.count++;
  return answers.slice(1);
}

/** Fails unless two arrays hold the same bits; a NaN equals any NaN, whose payload WebAssembly leaves open. */
export function assertSameBits(a: Float32Array, b: Float32Array, label: string): void {
  assert.is(a.length, b.length, label);
  if (Buffer.compare(new Uint8Array(a.buffer), new Uint8Array(b.buffer)) === 0) return;
  for (let i = 0; i < a.length; i++) {
    if (!Object.is(a[i], b[i])) assert.unreachable(`${label}: ${a[i]} and ${b[i]} at ${i}`);
  }
}

/** Index of the first element that is not within its own bound, or -1; a NaN on either side is within none. */
export function firstOutside(actual: Float32Array, expected: ArrayLike<number>, bound: ArrayLike<number>): number {
  return actual.findIndex((value, i) => !(Math.abs(value - expected[i]!) <= bound[i]!));
}

/** Fails unless every element is within its own bound. */
export function assertWithin(
  actual: Float32Array,
  expected: ArrayLike<number>,
  bound: ArrayLike<number>,
  label: string,
): void {
  assert.is(actual.length, expected.length, label);
  const i = firstOutside(actual, expected, bound);
  if (i >= 0) assert.unreachable(`${label}: expected ${expected[i]} ± ${bound[i]}, got ${actual[i]} at ${i}`);
}
