/** The WebAssembly interface itself: what each build imports and exports, its size, and what the debug build refuses. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIVATIONS, buildOf, compileKernels, instantiateKernels, type Kernels } from '../../src/engine/kernels.js';
import { takesSharedMemory } from '../../src/engine/probes.js';
import { BUILDS, Cases, instantiateBuild, MODULES, wasmUrl } from './harness.js';

const test = suite('interface');
const cases = new Cases(50);

/** The exports of `assembly/index.ts`, written out: one that is added or lost is a change of the interface. */
const EXPORTS = {
  activate: 5,
  allFinite: 2,
  attention: 14,
  attentionWide: 14,
  attentionScratchBytes: 2,
  dropout: 7,
  embed: 11,
  embedI8: 11,
  gemmF32: 13,
  gemmF32Wide: 13,
  gemmI8: 16,
  gemmI8Paired: 16,
  gemmI8Wide: 16,
  gemmI8ScratchBytes: 2,
  gemmScratchBytes: 0,
  layerNorm: 11,
  packF32: 7,
  packLevels: 6,
  packI8: 8,
  panelsBytesI8: 3,
  quantizeRows: 9,
  softmax: 4,
  unpackF32: 5,
  unpackLevels: 6,
  unpackI8: 6,
  heapBase: 'global',
  relaxedSimd: 'global',
  simd: 'global',
} as const satisfies Record<keyof Kernels, number | 'global'>;

/** A release build is to stay small enough to be fetched with the page. */
const MAX_BYTES = 64 * 1024;
const RELEASES = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads', 'scalar'] as const;

/** Instances whose memory is addressed by small numbers that are all beyond the constants. */
async function instance(build: (typeof BUILDS)[number]) {
  return (await instantiateBuild(build, 4)).kernels;
}

for (const build of MODULES) {
  test(`${build}: imports a memory and nothing else`, async () => {
    const imports = WebAssembly.Module.imports(await compileKernels(wasmUrl(build)));
    assert.equal(
      imports.map(({ module, name, kind }) => ({ module, name, kind })),
      [{ module: 'env', name: 'memory', kind: 'memory' }],
    );
    cases.count++;
  });

  test(`${build}: exports what the engine's table types`, async () => {
    const module = await compileKernels(wasmUrl(build));
    const exports = WebAssembly.Module.exports(module).filter(({ kind }) => kind !== 'memory');
    const names = exports.map(({ name }) => name);
    assert.equal(names.toSorted(), Object.keys(EXPORTS).toSorted());
    const { exports: raw } = await WebAssembly.instantiate(module, {
      env: { memory: new WebAssembly.Memory({ initial: 4 }) },
    });
    for (const [name, arity] of Object.entries(EXPORTS)) {
      const value = raw[name];
      if (arity === 'global') assert.instance(value, WebAssembly.Global, name);
      else assert.is((value as CallableFunction).length, arity, `${name}: number of parameters`);
      cases.count++;
    }
  });
}

for (const build of BUILDS) {
  test(`${build}: says which build it is`, async () => {
    const kernels = await instance(build);
    const { relaxedSimd, simd, heapBase } = kernels;
    assert.is(relaxedSimd.value, Number(build === 'relaxed'));
    assert.is(simd.value, Number(!['scalar', 'javascript'].includes(build)));
    const names = { debug: 'simd', simd: 'simd', relaxed: 'relaxed-simd', scalar: 'scalar', javascript: 'scalar' };
    assert.is(buildOf(kernels), names[build]);
    assert.ok(heapBase.value >= 1024 && heapBase.value <= 64 * 1024, `heapBase ${heapBase.value}`);
    cases.count++;
  });
}

for (const build of RELEASES) {
  test(`${build}: at most ${MAX_BYTES} bytes`, () => {
    const { length } = readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));
    assert.ok(length <= MAX_BYTES, `${build}.wasm has ${length} bytes`);
    cases.count++;
  });
}

for (const build of MODULES.filter((build) => build === 'simd' || build === 'relaxed')) {
  test(`${build}-threads: the same interface over shared memory, and over no other`, async () => {
    const module = await compileKernels(new URL(`../../build/${build}-threads.wasm`, import.meta.url));
    const plain = await compileKernels(wasmUrl(build));
    assert.equal(WebAssembly.Module.exports(module), WebAssembly.Module.exports(plain));
    assert.equal(WebAssembly.Module.imports(module), WebAssembly.Module.imports(plain));
    assert.equal([module, plain].map(takesSharedMemory), [true, false]);
    assert.throws(() => instantiateKernels(module, new WebAssembly.Memory({ initial: 1, maximum: 16 })), /shared/);
    cases.count++;
  });
}

test('javascript: exports what the engine types, with as many parameters, and lets its memory grow', async () => {
  // @ts-expect-error: plain JavaScript, made by scripts/build-wasm.mjs
  const { instantiate } = await import('../../build/scalar.js');
  const memory = { buffer: new ArrayBuffer(65_536) } as WebAssembly.Memory;
  const raw = instantiate({ env: { memory } });
  for (const [name, arity] of Object.entries(EXPORTS)) {
    if (arity === 'global') assert.type(raw[name].value, 'number', name);
    else assert.is(raw[name].length, arity, `${name}: number of parameters`);
    cases.count++;
  }
  assert.equal(
    Object.keys(raw)
      .filter((name) => name !== 'memory')
      .toSorted(),
    Object.keys(EXPORTS).toSorted(),
  );
  new Float32Array(memory.buffer, 2048, 1)[0] = 7;
  memory.grow(2);
  assert.is(memory.buffer.byteLength, 3 * 65_536);
  assert.is(new Float32Array(memory.buffer, 2048, 1)[0], 7, 'what was there is still there');
  const row = new Float32Array(memory.buffer, 2 * 65_536, 8);
  raw.softmax(2 * 65_536, 32, 1, 8);
  assert.equal([...row], new Array(8).fill(0.125), 'the kernels see what was added');
});

/** Calls with one wrong argument each. Addresses are fine: nothing but the assertion can stop these. */
const A = 0x10000;
const REFUSED: Record<string, (kernels: Kernels) => void> = {
  'gemmF32 without rows': (k) => k.gemmF32(A, 32, A, A, A, 32, 0, 8, 8, 0, 0, 0, A),
  'gemmF32 without columns': (k) => k.gemmF32(A, 32, A, A, A, 32, 1, 0, 8, 0, 0, 0, A),
  'gemmF32 without depth': (k) => k.gemmF32(A, 32, A, A, A, 32, 1, 8, 0, 0, 0, 0, A),
  'gemmF32 of negative depth': (k) => k.gemmF32(A, 32, A, A, A, 32, 1, 8, -1, 0, 0, 0, A),
  'gemmF32 whose rows of A overlap': (k) => k.gemmF32(A, 28, A, A, A, 32, 1, 8, 8, 0, 0, 0, A),
  'gemmF32 whose rows of C lack padding': (k) => k.gemmF32(A, 32, A, A, A, 28, 1, 7, 8, 0, 0, 0, A),
  'gemmF32 with an unknown activation': (k) => k.gemmF32(A, 32, A, A, A, 32, 1, 8, 8, ACTIVATIONS.length, 0, 0, A),
  'gemmI8 without columns': (k) => k.gemmI8(A, 32, A, A, A, 32, 1, 0, 8, 0, 0, 0, A, 0, 127, 64),
  'gemmI8 deeper than its sums reach': (k) =>
    k.gemmI8(A, 2 ** 20, A, A, A, 32, 1, 8, 2 ** 17 + 1, 0, 0, 0, A, 0, 127, 2 ** 18),
  'gemmI8 whose rows of A overlap': (k) => k.gemmI8(A, 28, A, A, A, 32, 1, 8, 8, 0, 0, 0, A, 0, 127, 64),
  'gemmI8 whose rows of C lack padding': (k) => k.gemmI8(A, 32, A, A, A, 28, 1, 7, 8, 0, 0, 0, A, 0, 127, 64),
  'quantizeRows without columns': (k) => k.quantizeRows(A, 32, A, A, A, 1, 0, 0, 127),
  'packI8 without rows': (k) => k.packI8(A, 4, 4, A, 0, 1, 0, 64),
  'packI8 before the first column': (k) => k.packI8(A, 4, 4, A, 1, 1, -1, 64),
  'packI8 in stretches of nothing': (k) => k.packI8(A, 4, 4, A, 1, 1, 0, 0),
  'gemmI8 in stretches of nothing': (k) => k.gemmI8(A, 32, A, A, A, 32, 1, 8, 8, 0, 0, 0, A, 0, 127, 0),
  'packLevels without rows': (k) => k.packLevels(A, A, A, 0, 1, 0),
  'unpackLevels without columns': (k) => k.unpackLevels(A, 1, 0, 0, A, A),
  'unpackI8 without columns': (k) => k.unpackI8(A, 1, 0, 0, A, 64),
  'embedI8 into rows without padding': (k) => k.embedI8(A, A, A, A, A, A, 28, A, 28, 1, 7),
  'allFinite of nothing': (k) => k.allFinite(A, 0),
  'packF32 without rows': (k) => k.packF32(A, 4, 4, A, 0, 1, 0),
  'packF32 without columns': (k) => k.packF32(A, 4, 4, A, 1, 0, 0),
  'packF32 before the first column': (k) => k.packF32(A, 4, 4, A, 1, 1, -1),
  'unpackF32 without rows': (k) => k.unpackF32(A, 0, 1, 0, A),
  'attention without tokens': (k) => k.attention(A, A, A, 32, A, A, 32, 0, 8, 1, A, 0, 0, 0),
  'attention without queries': (k) => k.attention(A, A, A, 32, A, A, 32, 2, 8, 1, A, 0, 0, 0),
  'attention of more queries than tokens': (k) => k.attention(A, A, A, 32, A, A, 32, 1, 8, 1, A, 0, 0, 2),
  'attention without columns': (k) => k.attention(A, A, A, 32, A, A, 32, 1, 0, 1, A, 0, 0, 1),
  'embed into rows without padding': (k) => k.embed(A, A, A, A, A, A, 28, A, 28, 1, 7),
  'embed from rows that overlap': (k) => k.embed(A, A, A, A, A, A, 28, A, 32, 1, 8),
  'layerNorm without columns': (k) => k.layerNorm(A, 32, 0, 0, A, A, A, 32, 1, 0, 1),
  'layerNorm of rows without padding': (k) => k.layerNorm(A, 28, 0, 0, A, A, A, 32, 1, 7, 1),
  'layerNorm into rows without padding': (k) => k.layerNorm(A, 32, 0, 0, A, A, A, 28, 1, 7, 1),
  'softmax without columns': (k) => k.softmax(A, 32, 1, 0),
  'softmax of rows without padding': (k) => k.softmax(A, 28, 1, 7),
  'activate with an unknown number': (k) => k.activate(A, 32, 1, 8, ACTIVATIONS.length),
  'activate with a negative number': (k) => k.activate(A, 32, 1, 8, -1),
  'dropout of rows without padding': (k) => k.dropout(A, 28, 1, 7, 1, 1, 1),
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

test('traps leave nothing behind: the next call answers', async () => {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const kernels = instantiateKernels(await compileKernels(wasmUrl('debug')), memory);
  for (let i = 0; i < 1000; i++) assert.throws(() => kernels.softmax(A, 28, 1, 7));
  const row = new Float32Array(memory.buffer, A, 8);
  kernels.softmax(A, 32, 1, 8);
  assert.equal([...row], new Array(8).fill(0.125));
  cases.count++;
});

test('enough cases', () => cases.assertEnough());

test.run();
