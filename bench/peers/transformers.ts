/** transformers.js's own pipeline, on its native runtime and on the WebAssembly one that it has in a page. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LabelScore } from '../../src/entry/index.js';
import type { Dtype } from '../../src/ground/dtypes.js';
import { batchesOf, type Classifier, type SentimentModel } from './classifier.js';
import { CPU, loadWeb, WASM } from './onnxruntime.js';

/** As much of transformers.js as is used here; the package need not be there to compile this. */
interface Transformers {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
  pipeline(
    task: string,
    model: string,
    options: Readonly<Record<string, unknown>>,
  ): Promise<{ (texts: readonly string[]): Promise<LabelScore[]>; dispose(): Promise<void> }>;
}

/** What transformers.js calls each dtype: its option, and the file of the model. */
export const FORMATS: Readonly<Record<Dtype, { option: string; file: string }>> = {
  float32: { option: 'fp32', file: 'onnx/model.onnx' },
  int8: { option: 'q8', file: 'onnx/model_quantized.onnx' },
};

/** Its runtime is found under this symbol when it is imported, if there is one; else it is onnxruntime-node. */
const RUNTIME = Symbol.for('onnxruntime');

/** On onnxruntime-web, as in a page without a GPU. */
export async function openTransformersWeb(model: SentimentModel, dtype: Dtype, threads: number): Promise<Classifier[]> {
  const globals = globalThis as { [RUNTIME]?: object };
  const { Tensor, InferenceSession } = await loadWeb(threads);
  globals[RUNTIME] = {
    Tensor,
    InferenceSession: {
      // In Node a model is the path of its file, which onnxruntime-web would fetch.
      create: (model: string | Uint8Array, given: Readonly<Record<string, unknown>>) =>
        InferenceSession.create(typeof model === 'string' ? readFileSync(model) : model, given),
    },
    // Without settings for WebAssembly it looks for no other files of the runtime on a CDN.
    env: {},
  };
  try {
    const library = await load(`web&threads=${threads}`);
    const options = { device: 'auto', session_options: WASM };
    return [await open('transformers.js on onnxruntime-web', library, model, dtype, options)];
  } finally {
    delete globals[RUNTIME];
  }
}

/** On onnxruntime-node, as in Node unless it is told otherwise. */
export async function openTransformersNative(
  model: SentimentModel,
  dtype: Dtype,
  threads: number,
): Promise<Classifier[]> {
  const options = { session_options: CPU(threads) };
  return [await open('transformers.js on onnxruntime-node', await load('native'), model, dtype, options)];
}

/** A module for each runtime: it takes one when it is imported. */
async function load(runtime: string): Promise<Transformers> {
  return import(`${import.meta.resolve('@huggingface/transformers')}?${runtime}`);
}

async function open(
  name: string,
  { env, pipeline }: Transformers,
  { folder }: SentimentModel,
  dtype: Dtype,
  options: object,
): Promise<Classifier> {
  env.allowRemoteModels = false;
  env.localModelPath = fileURLToPath(new URL('../', folder));
  const run = await pipeline('sentiment-analysis', basename(fileURLToPath(folder)), {
    dtype: FORMATS[dtype].option,
    ...options,
  });
  return {
    name,
    async classify(texts) {
      const answers: LabelScore[] = [];
      for (const batch of batchesOf(texts)) answers.push(...(await run(batch)));
      return answers;
    },
    release: () => run.dispose(),
  };
}
