/** `engineFlags: 'wide'` sets V8's flag where it exists, says why where it does not, and changes no bit of an answer. */
import { cachedDataVersionTag } from 'node:v8';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/engine/engine.js';
import { AlbertModel } from '../../src/entry/index.js';
import { loadDataset } from '../../src/training/data/dataset.js';
import { loadForTraining } from '../../src/training/trainer/load.js';
import { BUILDS } from '../support/builds.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { FILES, TEXTS } from '../training/trainer/support.js';

const test = suite("V8's flag for 256-bit vectors");
const FLAGS = process.execArgv.some((flag) => flag.endsWith('wasm-revectorize'));
const AVAILABLE = process.arch === 'x64' && Number.parseInt(process.versions.node, 10) >= 24;

/** V8 computes it from its flags and the processor. */
const before = cachedDataVersionTag();
const bits: string[] = [];

async function forward(options: Parameters<typeof AlbertModel.from_config>[1]) {
  await using model = await AlbertModel.from_config(TINY, { seed: 1, ...options });
  const { last_hidden_state } = await model.forward(TINY_INPUTS);
  const { data } = last_hidden_state;
  bits.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex'));
  return model.info();
}

test('no flag is set unasked', async () => {
  const info = await forward({});
  assert.is(cachedDataVersionTag(), before);
  assert.is(info.whyNotWide, undefined);
  // No product of this model is large enough to be timed.
  assert.is(info.vectorBits, undefined);
});

test('a flag that is unknown is refused', async () => {
  for (const engineFlags of ['narrow', '', true, null]) {
    await expectError(
      () => AlbertModel.from_config(TINY, { engineFlags: engineFlags as never }),
      'ERR_INPUT',
      'engineFlags',
    );
  }
  assert.is(cachedDataVersionTag(), before);
});

test('a worker sets it for the process, or says why not', async () => {
  const { whyNotWide } = await forward({ engineFlags: 'wide', worker: true });
  if (AVAILABLE) assert.is(whyNotWide, undefined);
  else assert.match(whyNotWide as string, /Node|x64/);
});

test('a model in training sets it, or says why not', async () => {
  const { model } = await loadForTraining(FILES, await loadDataset('text-classification', TEXTS), {
    engineFlags: 'wide',
  });
  assert.is(model.info().whyNotWide === undefined, AVAILABLE);
  await model.dispose();
  const wrong = { engineFlags: 'narrow' as 'wide' };
  const dataset = await loadDataset('text-classification', TEXTS);
  await expectError(() => loadForTraining(FILES, dataset, wrong), 'ERR_INPUT', 'engineFlags');
});

test('it is set, or info() says why not; the bits of an answer stay the same', async () => {
  const { whyNotWide } = await forward({ engineFlags: 'wide' });
  if (AVAILABLE) {
    assert.is(whyNotWide, undefined);
    // Given on the command line of Node, it is set already.
    assert.is(cachedDataVersionTag() !== before, !FLAGS);
  } else {
    assert.match(whyNotWide as string, /Node|x64/);
    assert.is(cachedDataVersionTag(), before);
  }
  assert.is(new Set(bits).size, 1);
});

test('vectors of 128 bits although it is set: info() says why', async () => {
  const vectorBits = Object.getOwnPropertyDescriptor(Engine.prototype, 'vectorBits') as PropertyDescriptor;
  await using model = await AlbertModel.from_config(TINY, { engineFlags: 'wide' });
  await using plain = await AlbertModel.from_config(TINY);
  const reasons = [undefined, 256, 128].map((bits) => {
    Object.defineProperty(Engine.prototype, 'vectorBits', { ...vectorBits, get: () => bits });
    return [model.info().whyNotWide, plain.info().whyNotWide];
  });
  Object.defineProperty(Engine.prototype, 'vectorBits', vectorBits);
  const [, , [narrow] = []] = reasons;
  assert.match(narrow as string, AVAILABLE ? /V8's flag is set, .*before.*AVX2/ : /Node|x64/);
  const before = AVAILABLE ? undefined : narrow;
  assert.equal(reasons, [
    [before, undefined],
    [before, undefined],
    [narrow, undefined],
  ]);
});

test('kernels that gain too little, or have no SIMD: info() says so', async () => {
  const vectorBits = Object.getOwnPropertyDescriptor(Engine.prototype, 'vectorBits') as PropertyDescriptor;
  const reasons = async (name: 'simd' | 'scalar') => {
    const build = BUILDS.find((build) => build.name === name);
    await using model = await AlbertModel.from_config(TINY, { engineFlags: 'wide', wasmUrl: build?.wasmUrl as URL });
    const before = model.info().whyNotWide;
    if (name === 'simd') Object.defineProperty(Engine.prototype, 'vectorBits', { ...vectorBits, get: () => 128 });
    const after = model.info().whyNotWide;
    Object.defineProperty(Engine.prototype, 'vectorBits', vectorBits);
    return [before, after];
  };
  const noSimd = 'the scalar kernels have no SIMD';
  const all = [...(await reasons('simd')), ...(await reasons('scalar'))];
  if (AVAILABLE) assert.equal(all, [undefined, 'plain SIMD gains too little from 256 bits', noSimd, noSimd]);
  else for (const reason of all) assert.match(reason as string, /Node|x64/);
});

test.run();
