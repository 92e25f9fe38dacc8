/** Saving: each format and dtype loads again with the numbers that it can hold; what cannot be written leaves nothing. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../src/ground/tensor.js';
import { AlbertModel } from '../../src/model/models.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const test = suite('save_pretrained');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-save-`);
const model = await AlbertModel.from_config(TINY, { seed: 1 });
test.after(async () => {
  await model.dispose();
  rmSync(folder, { recursive: true });
});

/** The header of a safetensors file. */
function headerOf(path: string): Record<string, { dtype: string; shape: number[] }> {
  const bytes = readFileSync(path);
  return JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
}

async function poolerOf(source: string | AlbertModel): Promise<Float32Array> {
  const loaded = typeof source === 'string' ? await AlbertModel.from_pretrained(source) : source;
  const { pooler_output } = await loaded.forward(TINY_INPUTS);
  if (loaded !== source) await loaded.dispose();
  return (pooler_output as Tensor<Float32Array>).data;
}

const wanted = await poolerOf(model);

for (const format of ['safetensors', 'flax_msgpack'] as const) {
  test(`${format}: float32 loads with the same bits, and is written twice alike`, async () => {
    const [one, two] = [`${folder}/${format}-1`, `${folder}/${format}-2`];
    await model.save_pretrained(one, { format });
    await model.save_pretrained(two, { format });
    assert.equal(await poolerOf(one), wanted);
    const names = readdirSync(one);
    assert.equal(names.sort(), ['config.json', format === 'safetensors' ? 'model.safetensors' : 'flax_model.msgpack']);
    for (const name of names) assert.equal(readFileSync(`${one}/${name}`), readFileSync(`${two}/${name}`), name);
  });
}

for (const [dtype, stored] of [
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
] as const) {
  test(`${dtype}: every tensor is rounded to it once`, async () => {
    const [path, again] = [`${folder}/${dtype}`, `${folder}/${dtype}-again`];
    await model.save_pretrained(path, { dtype });
    const { __metadata__, ...tensors } = headerOf(`${path}/model.safetensors`);
    assert.equal(new Set(Object.values(tensors).map((tensor) => tensor.dtype)), new Set([stored]));
    assert.is(JSON.parse(readFileSync(`${path}/config.json`, 'utf8')).dtype, dtype);
    const rounded = await AlbertModel.from_pretrained(path);
    await rounded.save_pretrained(again, { dtype });
    assert.equal(readFileSync(`${again}/model.safetensors`), readFileSync(`${path}/model.safetensors`));
    await rounded.dispose();
  });
}

test('int8: large matrices with one scale per row, all else float32 and bit for bit', async () => {
  const path = `${folder}/int8`;
  await model.save_pretrained(path, { dtype: 'int8' });
  const { __metadata__, ...tensors } = headerOf(`${path}/model.safetensors`);
  const { __metadata__: _, ...plain } = headerOf(`${folder}/safetensors-1/model.safetensors`);
  const levels = Object.entries(tensors).filter(([, { dtype }]) => dtype === 'I8');
  assert.ok(levels.length > 0 && levels.length < Object.keys(plain).length);
  for (const [name, { shape }] of levels) {
    assert.equal(shape, plain[name]?.shape, name);
    const scales = Object.entries(tensors).filter(([other]) => other !== name && other.startsWith(name));
    assert.equal(
      scales.map(([, scale]) => [scale.dtype, scale.shape]),
      [['F32', [shape[0]]]],
      name,
    );
  }
  const loaded = await AlbertModel.from_pretrained(path, { dtype: 'int8' });
  await loaded.save_pretrained(`${folder}/again`, { dtype: 'int8' });
  await loaded.dispose();
  assert.equal(readFileSync(`${folder}/again/model.safetensors`), readFileSync(`${path}/model.safetensors`));
});

if (process.platform === 'linux') {
  test('a directory that can have no new ones is refused', async () => {
    for (const directory of ['/proc/albert-wasm', '/proc/albert-wasm/deeper']) {
      await expectError(() => model.save_pretrained(directory), 'ERR_SOURCE', `cannot write to ${directory}`);
    }
  });
}

test('what cannot be written leaves nothing, and the model answers as before', async () => {
  const path = `${folder}/refused`;
  await expectError(() => model.save_pretrained(path, { dtype: 'float64' as never }), 'ERR_INPUT', '"dtype"');
  await expectError(() => model.save_pretrained(path, { format: 'onnx' as never }), 'ERR_INPUT', '"format"');
  const both = { dtype: 'int8', format: 'flax_msgpack' } as const;
  await expectError(() => model.save_pretrained(path, both), 'ERR_INPUT', '"format"');
  assert.not.ok(existsSync(path));

  // Loading prefers safetensors: the new weights would not be seen.
  mkdirSync(path);
  writeFileSync(`${path}/model.safetensors`, 'old');
  await expectError(() => model.save_pretrained(path, { format: 'flax_msgpack' }), 'ERR_SOURCE', 'model.safetensors');
  assert.equal(readdirSync(path), ['model.safetensors']);
  assert.equal(await poolerOf(model), wanted);
});

test.run();
