/** Every format of weights with every tokenizer's file, as docs/checkpoints.md says: the same labels whichever format it is. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertForSequenceClassification, pipeline } from '../../src/entry/index.js';
import type { ModelFiles } from '../../src/ground/source.js';
import { stateCases } from '../support/cases.js';
import { TINY } from '../support/tiny.js';
import { wordPieces } from '../tokenizer/layouts.js';
import { MODEL, SPIECE } from '../tokenizer/support.js';
import { torchZip } from '../weights/pytorch-files.js';

const test = suite('formats of weights and tokenizers');

const TOKENIZERS: readonly ModelFiles[] = [
  { 'tokenizer.json': new URL('tokenizer.json', MODEL) },
  { 'spiece.model': SPIECE },
  { 'vocab.txt': wordPieces().join('\n') },
];
const KINDS = ['unigram', 'unigram', 'wordpiece'];

test('nine pairs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'albert-wasm-pairs-'));
  await using model = await AlbertForSequenceClassification.from_config({ ...TINY, vocab_size: 16_000 }, { seed: 1 });
  const saved = async (format: 'safetensors' | 'flax_msgpack'): Promise<ModelFiles> => {
    const directory = join(folder, format);
    await model.save_pretrained(directory, { format });
    return Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]));
  };
  const safetensors = await saved('safetensors');
  const tensors = [...model.params].map(([name, { shape, data }], i) => {
    const bytes = new Uint8Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
    return { name, shape, storage: { key: String(i), dtype: 'F32', bytes } } as const;
  });
  const config = safetensors['config.json'] as Uint8Array;
  const weights = [
    safetensors,
    await saved('flax_msgpack'),
    { 'config.json': config, 'pytorch_model.bin': torchZip(tensors) },
  ];
  let cases = 0;
  for (const [i, tokenizer] of TOKENIZERS.entries()) {
    const answers = [];
    for (const files of weights) {
      const classify = await pipeline('text-classification', { ...files, ...tokenizer });
      assert.is(classify.tokenizer.kind, KINDS[i]);
      answers.push(await classify('the quick brown fox', { top_k: null }));
      await classify.dispose();
      cases++;
    }
    assert.equal(answers[1], answers[0]);
    assert.equal(answers[2], answers[0]);
  }
  rmSync(folder, { recursive: true });
  stateCases(cases, 9);
});

test.run();
