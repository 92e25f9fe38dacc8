/** The WebAssembly interface of training: imports, exports, sizes, constants beside the model's kernels', what the debug build refuses. */
import { readFileSync } from 'node:fs';
import { instantiateSync } from '@assemblyscript/loader';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIVATIONS, compileKernels, instantiateKernels } from '../../../src/engine/kernels.js';
import { takesSharedMemory } from '../../../src/engine/probes.js';
import { THREADED_TRAINING_KERNELS, type TrainingKernels } from '../../../src/engine/training-kernels.js';
import { Cases, MODULES, wasmUrl } from '../harness.js';
import { trainingUrl } from './harness.js';

const test = suite('interface of training');
const cases = new Cases(112);

/** The exports of `assembly/training/index.ts`, written out: one that is added or lost is a change of the interface. */
const EXPORTS = {
  activateGradient: 7,
  adamDirection: 14,
  adamw: 15,
  addRows: 6,
  addScaled: 6,
  attentionGradient: 12,
  attentionGradientScratchBytes: 2,
  columnSums: 5,
  crossEntropy: 8,
  gemmGradient: 9,
  gemmGradientWide: 9,
  gemmGradientScratchBytes: 0,
  normGradient: 8,
  normGradientSums: 8,
  normalizeRows: 8,
  packRows: 5,
  scatterPanels: 8,
  scatterRows: 8,
  sumSquares: 5,
  transposePanels: 6,
  transposeRows: 6,
  heapBase: 'global',
} as const satisfies Record<keyof TrainingKernels, number | 'global'>;

/** A release build is to stay small enough to be fetched with the page. */
const MAX_BYTES = 64 * 1024;
/** Where the constants of the model's kernels begin. */
const MODEL_CONSTANTS = 1024;
const RELEASES = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads', 'scalar'] as const;
/** The most arguments that threads pass on. */
const MAX_ARGUMENTS = 16;

const compileTraining = (build: string) => compileKernels(trainingUrl(build), 'gemmGradient');

async function instance(build: string, memory = new WebAssembly.Memory({ initial: 4 })): Promise<TrainingKernels> {
  const module = await compileTraining(build);
  return instantiateSync(module, { env: { memory } }).instance.exports as unknown as TrainingKernels;
}

for (const build of MODULES) {
  test(`${build}: imports a memory and nothing else; exports what the engine's table types`, async () => {
    const module = await compileTraining(build);
    assert.equal(
      WebAssembly.Module.imports(module).map(({ module, name, kind }) => ({ module, name, kind })),
      [{ module: 'env', name: 'memory', kind: 'memory' }],
    );
    const kernels = await instance(build);
    const names = Object.keys(kernels).filter((name) => name !== 'memory');
    assert.equal(names.toSorted(), Object.keys(EXPORTS).toSorted());
    for (const [name, arity] of Object.entries(EXPORTS)) {
      const value = kernels[name as keyof TrainingKernels];
      if (arity === 'global') assert.instance(value, WebAssembly.Global, name);
      else assert.is((value as CallableFunction).length, arity, `${name}: number of parameters`);
      cases.count++;
    }
  });

  test(`${build}: the constants lie below those of the model's kernels, and neither touches the other's`, async () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const bytes = new Uint8Array(memory.buffer);
    bytes.fill(0xa5);
    const kernels = instantiateKernels(await compileKernels(wasmUrl(build)), memory);
    assert.ok(
      bytes.subarray(0, MODEL_CONSTANTS).every((byte) => byte === 0xa5),
      'the model leaves the first bytes alone',
    );
    const model = bytes.slice(MODEL_CONSTANTS);
    const heapBase = Number((await instance(build, memory)).heapBase.value);
    assert.ok(heapBase >= 16 && heapBase <= MODEL_CONSTANTS, `heapBase ${heapBase}`);
    assert.ok(
      bytes.subarray(0, 16).every((byte) => byte === 0xa5),
      'nothing lies at the address that means none',
    );
    assert.equal(bytes.slice(MODEL_CONSTANTS), model, 'the constants of the model are as they were');
    // With SIMD there are constants: were they elsewhere, this test would say nothing.
    const own = bytes.subarray(16, heapBase).some((byte) => byte !== 0xa5);
    assert.is(own, build !== 'scalar');
    assert.ok(Number(kernels.heapBase.value) >= MODEL_CONSTANTS);
    cases.count++;
  });
}

for (const build of RELEASES) {
  test(`${build}: at most ${MAX_BYTES} bytes`, () => {
    const { length } = readFileSync(trainingUrl(build));
    assert.ok(length <= MAX_BYTES, `training-${build}.wasm has ${length} bytes`);
    cases.count++;
  });
}

for (const build of MODULES.filter((build) => build === 'simd' || build === 'relaxed')) {
  test(`${build}-threads: the same interface over shared memory, and over no other`, async () => {
    const [module, plain] = [await compileTraining(`${build}-threads`), await compileTraining(build)];
    assert.equal(WebAssembly.Module.exports(module), WebAssembly.Module.exports(plain));
    assert.equal(WebAssembly.Module.imports(module), WebAssembly.Module.imports(plain));
    assert.equal([module, plain].map(takesSharedMemory), [true, false]);
    cases.count++;
  });
}

test('a module of the model is not one of training, nor the other way round', async () => {
  for (const [url, kernel] of [
    [new URL('?as=training', wasmUrl('simd')), 'gemmGradient'],
    [new URL('?as=model', trainingUrl('simd')), 'gemmF32'],
  ] as const) {
    let message = '';
    await compileKernels(url, kernel).catch((error) => {
      message = error.message;
    });
    assert.match(message, 'it is some other module');
    cases.count++;
  }
});

test('threads can pass on the arguments of every kernel that they share', () => {
  for (const [name, scratch] of Object.entries(THREADED_TRAINING_KERNELS)) {
    const arity = EXPORTS[name as keyof typeof THREADED_TRAINING_KERNELS];
    assert.ok(arity <= MAX_ARGUMENTS, name);
    if (scratch !== undefined) assert.ok(scratch < arity, name);
    cases.count++;
  }
});

/** Calls with one wrong argument each. Addresses are fine: nothing but the assertion can stop these. */
const A = 0x10000;
const REFUSED: Record<string, (kernels: TrainingKernels) => void> = {
  'transposePanels without rows': (k) => k.transposePanels(A, 0, 8, A, 0, 1),
  'transposePanels beyond the last panel': (k) => k.transposePanels(A, 8, 8, A, 1, 1),
  'packRows without rows': (k) => k.packRows(A, 32, 0, 8, A),
  'packRows of rows without padding': (k) => k.packRows(A, 28, 1, 7, A),
  'transposeRows without columns': (k) => k.transposeRows(A, 32, 1, 0, A, 32),
  'transposeRows into rows that overlap': (k) => k.transposeRows(A, 32, 8, 8, A, 28),
  'gemmGradient without inputs': (k) => k.gemmGradient(A, 32, A, A, 256, 0, 8, 1, A),
  'gemmGradient without tokens': (k) => k.gemmGradient(A, 32, A, A, 256, 8, 0, 1, A),
  'gemmGradient without panels': (k) => k.gemmGradient(A, 32, A, A, 256, 8, 8, 0, A),
  'gemmGradient whose rows overlap': (k) => k.gemmGradient(A, 28, A, A, 256, 8, 8, 1, A),
  'gemmGradient whose panels overlap': (k) => k.gemmGradient(A, 32, A, A, 224, 8, 8, 1, A),
  'columnSums without rows': (k) => k.columnSums(A, 32, 0, 8, A),
  'columnSums of rows without padding': (k) => k.columnSums(A, 28, 1, 7, A),
  'addRows of rows without padding': (k) => k.addRows(A, 32, A, 28, 1, 7),
  'activateGradient with an unknown number': (k) => k.activateGradient(A, 32, A, 32, 1, 8, ACTIVATIONS.length),
  'activateGradient of rows without padding': (k) => k.activateGradient(A, 32, A, 28, 1, 7, 1),
  'normalizeRows without columns': (k) => k.normalizeRows(A, 32, 0, 0, A, 1, 0, 1),
  'normGradientSums without rows': (k) => k.normGradientSums(A, 32, A, 32, A, A, 0, 8),
  'normGradientSums of rows without padding': (k) => k.normGradientSums(A, 32, A, 28, A, A, 1, 7),
  'normGradient of rows without padding': (k) => k.normGradient(A, 28, A, 32, A, A, 1, 7),
};

for (const [what, call] of Object.entries(REFUSED)) {
  test(`the debug build traps: ${what}`, async () => {
    const kernels = await instance('debug');
    let error: unknown;
    try {
      call(kernels);
    } catch (thrown) {
      error = thrown;
    }
    assert.instance(error, WebAssembly.RuntimeError, what);
    assert.match((error as Error).message, /unreachable/);
    cases.count++;
  });
}

test('enough cases', () => cases.assertEnough());

test.run();
