/** A folder with PyTorch's file: what `info` says of it, and what `convert` makes of it. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertForSequenceClassification } from '../../src/entry/index.js';
import { TINY } from '../support/tiny.js';
import { type TorchTensor, torchOlder } from '../weights/pytorch-files.js';
import { run } from './command-line.js';

const test = suite('the command line and PyTorch files');

const MODEL = fileURLToPath(new URL('../../models/albert-mini-en-sst2/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'albert-wasm-cli-bin-'));
const [source, out] = [join(folder, 'source'), join(folder, 'out')];

test.before(async () => {
  const config = {
    ...TINY,
    vocab_size: 16000,
    max_position_embeddings: 64,
    architectures: ['AlbertForSequenceClassification'],
    id2label: { 0: 'bad', 1: 'good\u001b[31m' },
  };
  await using model = await AlbertForSequenceClassification.from_config(config, { seed: 2 });
  const tensors = [...model.params].map(([name, { shape, data }], i): TorchTensor => {
    // Half as long: the upper halves of float32 are bfloat16.
    const bytes = new Uint8Array(Uint16Array.from(new Uint32Array(data.buffer), (bits) => bits >>> 16).buffer);
    return { name, shape, storage: { key: String(i), dtype: 'BF16', bytes } };
  });
  mkdirSync(source);
  writeFileSync(join(source, 'config.json'), JSON.stringify(config));
  writeFileSync(join(source, 'pytorch_model.bin'), torchOlder(tensors));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(MODEL, name), join(source, name));
});

test.after(() => rmSync(folder, { recursive: true }));

test('info: format, stored dtypes, the class and its labels, the tokenizer’s kind, the pooling', async () => {
  const { code, out, err } = await run(['info', '--model', source]);
  assert.is(code, 0, err);
  const { format, storedDtypes, architecture, labels, dtype, tokenizer, pooling } = JSON.parse(out);
  assert.equal(
    { format, storedDtypes, architecture, labels, dtype, tokenizer, pooling },
    {
      format: 'pytorch',
      storedDtypes: ['BF16'],
      architecture: 'AlbertForSequenceClassification',
      labels: ['bad', 'good\u001b[31m'],
      dtype: 'float32',
      tokenizer: 'unigram',
      pooling: 'mean (default)',
    },
  );
});

test('convert: safetensors of it, which answer alike', async () => {
  const converted = await run(['convert', '--model', source, '--out', out]);
  assert.is(converted.code, 0, converted.err);
  assert.ok(existsSync(join(out, 'model.safetensors')) && existsSync(join(out, 'tokenizer.json')));
  assert.is(JSON.parse(converted.out).architecture, 'AlbertForSequenceClassification');
  const [a, b] = await Promise.all([source, out].map((model) => run(['classify', '--model', model, 'A lovely day.'])));
  assert.is(a?.code, 0, a?.err);
  assert.is(a?.out, b?.out);
  assert.is(JSON.parse((await run(['info', '--model', out])).out).format, 'safetensors');
});

test.run();
