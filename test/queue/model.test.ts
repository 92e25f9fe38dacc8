/** What marks the content of a model's directory: each file that a pipeline reads, and no other. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { locateModel } from '../../packages/queue/src/model.js';

const test = suite('the place of a model');
const folder = mkdtempSync(join(tmpdir(), 'albert-wasm-place-'));

test.after(() => rmSync(folder, { recursive: true }));

/** A directory of these files. */
function directory(name: string, files: readonly string[]): string {
  for (const file of files) {
    const path = join(folder, name, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file);
  }
  return join(folder, name);
}

async function isMarked(path: string, file: string): Promise<boolean> {
  const { content } = await locateModel(path);
  writeFileSync(join(path, file), 'another content');
  const { content: changed } = await locateModel(path);
  assert.match(String(content), /^[0-9a-f]{64}$/);
  return content !== changed;
}

test('another tokenizer and other weights are another content', async () => {
  const files = [
    'config.json',
    'model.safetensors',
    'model.safetensors.index.json',
    'flax_model.msgpack',
    'pytorch_model.bin',
    'pytorch_model.bin.index.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'special_tokens_map.json',
    'added_tokens.json',
    'spiece.model',
    'vocab.txt',
  ];
  const path = directory('model', files);
  for (const file of files) assert.ok(await isMarked(path, file), file);
});

test('so are another pooling and another layer behind it', async () => {
  const files = [
    'modules.json',
    'config_sentence_transformers.json',
    'sentence_bert_config.json',
    'sentence_albert_config.json',
    '1_Pooling/config.json',
    '2_Dense/model.safetensors',
  ];
  const path = directory('embedder', ['config.json', ...files]);
  for (const file of files) assert.ok(await isMarked(path, file), file);
});

test('what no pipeline reads is none of it', async () => {
  const path = directory('noted', ['config.json', 'README.md', 'runs/config.json']);
  assert.not.ok(await isMarked(path, 'README.md'));
  assert.not.ok(await isMarked(path, 'runs/config.json'));
});

test('a Hub id stays one, with an owner or as one of ALBERT’s own; any other name is a path', async () => {
  for (const model of ['owner/name', 'albert-base-v2', 'albert-xxlarge-v1', 'https://example.org/model/']) {
    assert.equal(await locateModel(model), { model });
  }
  assert.equal(await locateModel('albert-base-v3'), { model: join(process.cwd(), 'albert-base-v3') });
});

test.run();
