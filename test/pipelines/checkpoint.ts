/** Checkpoints in memory: small models of random weights over the embedded vocabulary, for tasks that none ships for. */
import { readFileSync } from 'node:fs';
import type { ModelFiles } from '../../src/ground/source.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { HEADS } from '../support/fixtures.js';
import { TINY } from '../support/tiny.js';
import { MODEL } from '../tokenizer/support.js';

/** The tiny configuration. With its own range of 0.3 all tokens of a text end up alike, and their labels the same. */
const CONFIG = { ...TINY, vocab_size: 16000, initializer_range: 0.1 };

/** A checkpoint of a head and its tokenizer. */
export async function randomFiles(head: keyof typeof HEADS, config: object = {}): Promise<ModelFiles> {
  const full = { ...CONFIG, ...config };
  await using model = await HEADS[head].from_config(full, { seed: 3 });
  const tensors = [...model.params].map(([name, { shape, data }]) => ({ name, shape, data }));
  return {
    'config.json': JSON.stringify(full),
    'model.safetensors': encodeSafetensors(tensors, 'F32', {}),
    'tokenizer.json': readFileSync(new URL('tokenizer.json', MODEL), 'utf8'),
  };
}
