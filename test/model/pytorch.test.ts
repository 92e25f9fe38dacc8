/** Models from PyTorch's files: by every way that files come, under old names too, with the numbers of the same safetensors. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AlbertForMaskedLM,
  AlbertForPreTraining,
  AlbertForSequenceClassification,
  convert,
} from '../../src/entry/index.js';
import type { ModelFiles } from '../../src/ground/source.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/weights/safetensors.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import {
  type Python,
  pickle,
  stateDict,
  type TorchTensor,
  tensorObject,
  torchOlder,
  torchZip,
} from '../weights/pytorch-files.js';
import { rejects } from '../weights/samples.js';

const test = suite('models from PyTorch files');

const BIN = 'pytorch_model.bin';
const CONFIG = JSON.stringify({ ...TINY, architectures: ['AlbertForPreTraining'] });

let folder: string;
/** A model's parameters as tensors of a file, each with a storage of its own; matrices transposed where asked for. */
let tensors: TorchTensor[];
let expected: Float32Array;

function asTorch(
  name: string,
  shape: readonly number[],
  data: Float32Array,
  key: string,
  transposed: boolean,
): TorchTensor {
  const [rows = 1, cols = 1] = shape;
  const stored = transposed ? data.map((_, i) => data[(i % rows) * cols + Math.floor(i / rows)] as number) : data;
  const storage = { key, dtype: 'F32', bytes: new Uint8Array(stored.buffer.slice(0)) } as const;
  return transposed ? { name, shape, storage, strides: [1, rows] } : { name, shape, storage };
}

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'albert-wasm-bin-'));
  await using model = await AlbertForPreTraining.from_config(TINY, { seed: 5 });
  tensors = [...model.params].map(([name, { shape, data }], i) => {
    // As a conversion from TensorFlow leaves them.
    return asTorch(name, shape, data, String(i), shape.length === 2 && !name.includes('embeddings'));
  });
  expected = (await model.forward(TINY_INPUTS)).prediction_logits.data;
});

test.after(() => rmSync(folder, { recursive: true }));

const renamed = (rename: (name: string) => string) =>
  tensors.map((tensor) => ({ ...tensor, name: rename(tensor.name) }));
const filesOf = (bytes: Uint8Array, name = BIN): ModelFiles => ({ 'config.json': CONFIG, [name]: bytes });

/** Loads a model of all its weights and compares its answer. @returns what the checkpoint had besides */
async function answersAlike(source: ModelFiles | string, options = {}): Promise<readonly string[]> {
  await using model = await AlbertForPreTraining.from_pretrained(source, { strict: true, ...options });
  assert.equal((await model.forward(TINY_INPUTS)).prediction_logits.data, expected);
  return model.loadReport.ignored;
}

test('from memory, from disk and in a worker, zip and older', async () => {
  for (const [name, bytes] of Object.entries({ zip: torchZip(tensors), older: torchOlder(tensors) })) {
    const directory = join(folder, name);
    mkdirSync(directory);
    writeFileSync(join(directory, 'config.json'), CONFIG);
    writeFileSync(join(directory, BIN), bytes);
    for (const source of [filesOf(bytes), directory]) {
      for (const worker of [false, true]) assert.equal(await answersAlike(source, { worker }), []);
    }
    await using model = await AlbertForPreTraining.from_pretrained(directory, { worker: true });
    assert.equal(model.loadReport.checkpoint, {
      format: 'pytorch',
      dtypes: ['F32'],
      architecture: 'AlbertForPreTraining',
    });
  }
});

test('the bytes decide the format, not the name; safetensors and Flax come first', async () => {
  await answersAlike(filesOf(torchZip(tensors), 'model.safetensors'));
  await answersAlike(filesOf(torchOlder(tensors), 'flax_model.msgpack'));
  const safetensors = encodeSafetensors(flat(), 'F32', {});
  await answersAlike(filesOf(safetensors, BIN));
  await answersAlike({ ...filesOf(new Uint8Array(9)), 'model.safetensors': safetensors });
});

/** The tensors with their values in order. */
function flat() {
  return tensors.map(({ name, shape, storage, strides }) => {
    const stored = new Float32Array(storage.bytes.slice().buffer);
    const [rows = 1, cols = 1] = shape;
    const data =
      strides === undefined ? stored : stored.map((_, i) => stored[(i % cols) * rows + Math.floor(i / cols)] as number);
    return { name, shape, data };
  });
}

test('shards, by pytorch_model.bin.index.json', async () => {
  const shard = (i: number) => `pytorch_model-0000${i + 1}-of-00002.bin`;
  const parts = [0, 1].map((rest) => tensors.filter((_, i) => i % 2 === rest));
  const weight_map = Object.fromEntries(tensors.map(({ name }, i) => [name, shard(i % 2)]));
  const files: ModelFiles = {
    'config.json': CONFIG,
    'pytorch_model.bin.index.json': JSON.stringify({ metadata: { total_size: 1 }, weight_map }),
    [shard(0)]: torchZip(parts[0] as TorchTensor[]),
    [shard(1)]: torchOlder(parts[1] as TorchTensor[]),
  };
  for (const worker of [false, true]) assert.equal(await answersAlike(files, { worker }), []);
  const { [shard(1)]: _, ...without } = files;
  await rejects(AlbertForPreTraining.from_pretrained(without), 'ERR_SOURCE', shard(1));
  const other = { ...files, [shard(1)]: torchZip(parts[0] as TorchTensor[]) };
  await rejects(AlbertForPreTraining.from_pretrained(other), 'ERR_CHECKPOINT', shard(1));
});

test('old names: module., gamma and beta, in PyTorch files and safetensors', async () => {
  const old = (name: string) =>
    `module.${name.replace(/(LayerNorm|layer_norm)\.weight$/, '$1.gamma').replace(/(LayerNorm|layer_norm)\.bias$/, '$1.beta')}`;
  const bin = renamed(old);
  assert.ok(bin.some(({ name }) => name === 'module.albert.embeddings.LayerNorm.gamma'));
  assert.equal(await answersAlike(filesOf(torchZip(bin))), []);
  const written = flat().map((tensor) => ({ ...tensor, name: old(tensor.name) }));
  const safetensors = filesOf(encodeSafetensors(written, 'F32', {}), 'model.safetensors');
  assert.equal(await answersAlike(safetensors), []);
  // Both words for one tensor: today's is taken, the other is not used.
  const twice = [...tensors, { ...(bin[3] as TorchTensor), name: 'albert.embeddings.LayerNorm.gamma' }];
  assert.ok(tensors.some(({ name }) => name === 'albert.embeddings.LayerNorm.weight'));
  assert.equal(await answersAlike(filesOf(torchZip(twice))), ['albert.embeddings.LayerNorm.gamma']);
  assert.equal(await answersAlike(filesOf(torchZip(twice.reverse()))), ['albert.embeddings.LayerNorm.gamma']);
  // A fault is told by the name in the file.
  const misshapen = bin.map((tensor) =>
    tensor.name.endsWith('embeddings.LayerNorm.gamma') ? { ...tensor, shape: [1] } : tensor,
  );
  const load = AlbertForPreTraining.from_pretrained(filesOf(torchZip(misshapen)));
  await rejects(load, 'ERR_PARAMETER', 'module.albert.embeddings.LayerNorm.gamma');
});

test('the decoder’s bias under its second name, its tied weight, buffers of integers, a state_dict in other things', async () => {
  const second = renamed((name) => (name === 'predictions.bias' ? 'predictions.decoder.bias' : name));
  assert.equal(await answersAlike(filesOf(torchZip(second))), []);
  const word = tensors[0] as TorchTensor;
  const ids = { key: 'ids', dtype: 'I64', bytes: new Uint8Array(8 * 24) } as const;
  const more = [
    ...tensors,
    { ...word, name: 'predictions.decoder.weight' },
    { ...(tensors.find(({ name }) => name === 'predictions.bias') as TorchTensor), name: 'predictions.decoder.bias' },
    { name: 'albert.embeddings.position_ids', storage: ids, shape: [1, 24] },
  ];
  const unused = ['predictions.decoder.weight', 'predictions.decoder.bias', 'albert.embeddings.position_ids'];
  assert.equal(await answersAlike(filesOf(torchZip(more))), unused);
  const around: Python = {
    dict: [
      ['epoch', 1],
      ['state_dict', stateDict(more)],
    ],
  };
  assert.equal(await answersAlike(filesOf(torchZip(more, around))), unused);
});

test('convert: into safetensors and Flax, the same numbers', async () => {
  const source = join(folder, 'zip');
  for (const format of ['safetensors', 'flax_msgpack'] as const) {
    const out = join(folder, `converted-${format}`);
    const { architecture, ignored, bytesRead } = await convert(source, out, { format });
    assert.is(architecture, 'AlbertForPreTraining');
    assert.equal(ignored, []);
    assert.is(bytesRead, torchZip(tensors).length);
    await answersAlike(out);
  }
  const file = new Uint8Array(readFileSync(join(folder, 'converted-safetensors', 'model.safetensors')));
  const written = decodeSafetensors(file, 'model.safetensors').tensors;
  for (const { name, data } of flat()) {
    const { bytes } = written.get(name)!;
    assert.equal(new Float32Array(bytes.slice().buffer), data, name);
  }
});

test('what is no checkpoint is told, and no model comes of it', async () => {
  const load = (bytes: Uint8Array | string) =>
    AlbertForMaskedLM.from_pretrained({ 'config.json': CONFIG, [BIN]: bytes });
  const evil = torchZip(tensors, { call: { global: 'os system' }, args: ['echo'] });
  for (const worker of [false, true]) {
    await rejects(AlbertForMaskedLM.from_pretrained(filesOf(evil), { worker }), 'ERR_CHECKPOINT', 'os.system', BIN);
  }
  await rejects(
    load('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'),
    'ERR_CHECKPOINT',
    'Git LFS',
  );
  await rejects(load('<!doctype html>'), 'ERR_CHECKPOINT', 'a web page');
  await rejects(load(Uint8Array.of(0x89, 0x48, 0x44, 0x46)), 'ERR_CHECKPOINT', 'HDF5');
  await rejects(load(''), 'ERR_CHECKPOINT', 'an empty file', BIN);
  await rejects(load(pickle(tensorObject(tensors[0] as TorchTensor))), 'ERR_CHECKPOINT', '0x1950a86a20f9469cfc6c');
  const nan = tensors.map((tensor) => {
    if (!tensor.name.endsWith('pooler.bias')) return tensor;
    return { ...tensor, storage: { ...tensor.storage, bytes: tensor.storage.bytes.slice().fill(255) } };
  });
  await rejects(AlbertForPreTraining.from_pretrained(filesOf(torchZip(nan))), 'ERR_PARAMETER', 'pooler.bias', 'finite');
});

test('no weights: the files that are there, and what to do', async () => {
  const load = (source: ModelFiles | string, options = {}) =>
    AlbertForSequenceClassification.from_pretrained(source, options);
  const cases: [files: readonly string[], ...words: string[]][] = [
    [['tf_model.h5', 'README.md'], '["tf_model.h5"]', 'from_tf=True'],
    [['onnx/model.onnx', 'onnx/model_quantized.onnx'], 'onnx/model.onnx', 'exported'],
    [['rust_model.ot'], 'rust_model.ot', 'pytorch_model.bin'],
    [['model.ckpt-best.index', 'model.ckpt-best.meta'], 'model.ckpt-best.index', 'transformers-cli convert'],
    [['model.fp16.safetensors'], 'model.fp16.safetensors', 'an object of files'],
    [['README.md'], '["config.json", "README.md"]'],
  ];
  for (const [i, [names, ...words]] of cases.entries()) {
    const directory = join(folder, `none-${i}`);
    mkdirSync(join(directory, 'onnx'), { recursive: true });
    writeFileSync(join(directory, 'config.json'), CONFIG);
    for (const name of names) writeFileSync(join(directory, name), 'x');
    const files = Object.fromEntries([['config.json', CONFIG], ...names.map((name) => [name, 'x'])]);
    for (const worker of [false, true]) {
      await rejects(load(files, { worker }), 'ERR_SOURCE', 'model.safetensors', BIN, ...words);
    }
    const onDisk = words.map((word) => (word.startsWith('["config') ? 'README.md' : word));
    await rejects(load(directory), 'ERR_SOURCE', 'model.safetensors', BIN, ...onDisk);
  }
  await rejects(
    load({ 'config.json': CONFIG, 'tf_\u001b[31mmodel.onnx': 'x' }),
    'ERR_SOURCE',
    'tf_\\u001b[31mmodel.onnx',
  );
});

test.run();
