/** What every test of a training kernel stands on: all builds that this engine runs, except JavaScript's, which trains nothing. */
import { instantiateSync } from '@assemblyscript/loader';
import { compileKernels } from '../../../src/engine/kernels.js';
import type { TrainingKernels } from '../../../src/engine/training-kernels.js';
import { Arena, MEMORY_PAGES } from '../arena.js';
import { type Answer, type Call, type Cases, everyIn, type Loaded, MODULES } from '../harness.js';

export function trainingUrl(build: string): URL {
  return new URL(`../../../build/training-${build}.wasm`, import.meta.url);
}

const loaded = await Promise.all(
  MODULES.map(async (build): Promise<Loaded<TrainingKernels>> => {
    const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES });
    const module = await compileKernels(trainingUrl(build), 'adamw');
    const kernels = instantiateSync(module, { env: { memory } }).instance.exports as unknown as TrainingKernels;
    return { build, kernels, arena: new Arena(memory.buffer, Number(kernels.heapBase.value)) };
  }),
);

/** `everyIn` of the kernels of training. */
export function everyTrainingBuild(
  cases: Cases,
  label: string,
  prepare: (arena: Arena, kernels: TrainingKernels) => Call,
): Answer[] {
  return everyIn(loaded, cases, label, prepare);
}
