/** The models of docs/migrating-from-transformers-js.md, each for both libraries: our checkpoint, and its weights as ONNX. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bareModel, encodeAlbertOnnx, type OnnxHead } from '../../bench/onnx/albert.js';
import { maskedLM, questionAnswering, sequenceClassification, tokenClassification } from '../../bench/onnx/heads.js';
import type { ModelFiles } from '../../src/entry/index.js';
import { randomFiles } from '../pipelines/checkpoint.js';
import { HEADS } from '../support/fixtures.js';

const SHIPPED = new URL('../../models/', import.meta.url);
const FILES = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];

/** Longer texts than the usual random model takes. */
const POSITIONS = { max_position_embeddings: 64 };
const LABELS = { id2label: { 0: 'O', 1: 'B-PER', 2: 'I-PER', 3: 'B-LOC', 4: 'I-LOC' } };

function shipped(name: string): ModelFiles {
  return Object.fromEntries(FILES.map((file) => [file, readFileSync(new URL(`${name}/${file}`, SHIPPED))]));
}

interface Model {
  readonly head: keyof typeof HEADS;
  readonly onnx: OnnxHead;
  readonly files: () => ModelFiles | Promise<ModelFiles>;
  /** What transformers.js is to take it for, where it has no ALBERT for the task. */
  readonly model_type?: string;
}

/** By their names in the docs. The last three are of random weights: there are no trained ones here for their tasks. */
const MODELS: Readonly<Record<string, Model>> = {
  'my/albert': { head: 'model', onnx: bareModel, files: () => shipped('albert-mini-en') },
  'my/albert-words': { head: 'masked_lm', onnx: maskedLM, files: () => shipped('albert-mini-en') },
  'my/albert-sentiment': {
    head: 'sequence_classification',
    onnx: sequenceClassification,
    files: () => shipped('albert-mini-en-sst2'),
  },
  'my/albert-score': {
    head: 'sequence_classification',
    onnx: sequenceClassification,
    files: () => randomFiles('sequence_classification', { ...POSITIONS, id2label: { 0: 'score' } }),
  },
  'my/albert-answers': {
    head: 'question_answering',
    onnx: questionAnswering,
    files: () => randomFiles('question_answering', POSITIONS),
  },
  'my/albert-names': {
    head: 'token_classification',
    onnx: tokenClassification,
    files: () => randomFiles('token_classification', { ...POSITIONS, ...LABELS }),
    model_type: 'bert',
  },
};

/** Writes a folder of checkpoints for this library. */
export async function writeOurs(folder: string): Promise<void> {
  for (const [name, { files }] of Object.entries(MODELS)) write(join(folder, name), await files());
}

/** Writes a folder of the same models for transformers.js. */
export async function writeTheirs(folder: string): Promise<void> {
  for (const [name, { head, onnx, files, model_type = 'albert' }] of Object.entries(MODELS)) {
    const read = await files();
    await using model = await HEADS[head].from_pretrained(read, { worker: false, onWarning: () => {} });
    const { config, params: tensors } = model;
    write(join(folder, name), {
      'config.json': JSON.stringify({ ...config, model_type }),
      'tokenizer.json': read['tokenizer.json'] as string,
      'tokenizer_config.json': shipped('albert-mini-en')['tokenizer_config.json'] as Uint8Array,
      'onnx/model.onnx': encodeAlbertOnnx({ config, tensors }, { head: onnx }),
    });
  }
}

function write(folder: string, files: ModelFiles): void {
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content as Uint8Array);
}
