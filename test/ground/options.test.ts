/** Options: an unknown key, such as a misspelt one, is an error wherever options are taken; a known one may be undefined. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import { AlbertModel, AlbertTokenizer, convert, pipeline, rankEmbeddings, type Task } from '../../src/entry/index.js';
import { loadKernels } from '../../src/entry/kernels.js';
import { randomFiles } from '../pipelines/checkpoint.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { MODEL } from '../tokenizer/support.js';

const options = suite('options');

const out = mkdtempSync(`${tmpdir()}/albert-wasm-options-`);
const body = await randomFiles('model');
const model = await AlbertModel.from_config(TINY);
const tokenizer = await AlbertTokenizer.from_pretrained(MODEL);
const kernels = await loadKernels();
const ONE = Float32Array.of(1);
const packed = kernels.pack(ONE, 1, 1);

const SOURCE = ['revision', 'token', 'cacheDir', 'localFilesOnly', 'fetch', 'onProgress', 'signal'];
const INIT = ['dtype', 'threads', 'worker', 'wasmUrl', 'workerUrl', 'maxMemoryBytes'];
const LOAD = [...INIT, ...SOURCE, 'strict', 'onWarning'];
const FORWARD = [
  'output_attentions',
  'output_hidden_states',
  'return_dict',
  'train',
  'dropout_rng',
  'params',
  'signal',
];
const ENCODE = ['truncation', 'max_length', 'stride', 'padding', 'return_offsets', 'add_special_tokens'];
const SAVE = ['format', 'dtype'];
const CALL = ['signal', 'batch_size', 'onProgress'];
const INPUT = { input_ids: [2, 5, 3] };

/** The keys of each place's options, and a call with them. */
const PLACES: [keys: string[], call: (given: object) => unknown, always?: object][] = [
  [LOAD, async (given) => (await AlbertModel.from_pretrained(body, given)).dispose()],
  [[...INIT, 'seed'], async (given) => (await AlbertModel.from_config(TINY, given)).dispose()],
  [LOAD, async (given) => (await pipeline('feature-extraction', body, given)).dispose()],
  [SOURCE, (given) => AlbertTokenizer.from_pretrained(MODEL, given)],
  [FORWARD, (given) => model.forward(TINY_INPUTS, given)],
  [FORWARD, (given) => model.forwardEach([INPUT], given)],
  [FORWARD, (given) => model.forwardAt([INPUT], [[0]], given)],
  [SAVE, (given) => model.save_pretrained(`${out}/saved`, given)],
  [[...SAVE, ...SOURCE], (given) => convert(body, `${out}/converted`, given)],
  [['text_pair', ...ENCODE], (given) => tokenizer.encode('a', given)],
  [ENCODE, (given) => tokenizer.encode_batch(['a'], given)],
  [['skip_special_tokens'], (given) => tokenizer.decode([5], given)],
  [['top_k'], (given) => rankEmbeddings([1], [[1]], given)],
  [['wasmUrl', 'maxMemoryBytes'], async (given) => (await loadKernels(given)).dispose()],
  [['dtype'], (given) => kernels.pack(ONE, 1, 1, given)],
  [['bias', 'activation', 'residual'], (given) => kernels.matmulPacked(ONE, packed, 1, given)],
  [
    ['heads', 'seq', 'headDim', 'mask'],
    (given) => kernels.attention(ONE, ONE, ONE, given as never),
    { heads: 1, seq: 1, headDim: 1 },
  ],
];

/** What each task's call takes beside the options of all, and an input for it. */
const TASKS: [Task, head: Parameters<typeof randomFiles>[0], keys: string[], input: unknown][] = [
  ['text-classification', 'sequence_classification', ['top_k', 'function_to_apply'], 'a'],
  ['token-classification', 'token_classification', ['aggregation_strategy', 'ignore_labels', 'stride'], 'a'],
  [
    'question-answering',
    'question_answering',
    ['top_k', 'max_answer_len', 'max_seq_len', 'doc_stride', 'handle_impossible_answer', 'align_to_words'],
    { question: 'a', context: 'b' },
  ],
  ['multiple-choice', 'multiple_choice', ['top_k'], { prompt: 'a', choices: ['b'] }],
  ['fill-mask', 'masked_lm', ['top_k', 'targets'], '[MASK]'],
  ['feature-extraction', 'model', ['pooling', 'normalize'], 'a'],
  ['sentence-similarity', 'model', [], { source_sentence: 'a', sentences: ['b'] }],
  ['sentence-order', 'pretraining', [], { first: 'a', second: 'b' }],
];
for (const [task, head, keys, input] of TASKS) {
  const run = (await pipeline(task, await randomFiles(head))) as (input: unknown, given: object) => Promise<unknown>;
  PLACES.push([[...CALL, ...keys], (given) => run(input, given)]);
}

options('an unknown key is named, and with it all that there are; undefined is as good as not given', async () => {
  let cases = 0;
  for (const [keys, call, always] of PLACES) {
    await call({ ...Object.fromEntries(keys.map((key) => [key, undefined])), ...always });
    for (const key of ['', 'toString', `${keys[0]}s`]) {
      const named = ['"options" expected no other keys than', ...keys, `, got "${key}"`];
      await expectError(() => call({ ...always, [key]: 1 }), 'ERR_INPUT', ...named);
      cases++;
    }
  }
  stateCases(cases, 75);
});

options('what is no object of options is refused, an array too', async () => {
  for (const [, call] of PLACES) {
    for (const given of [[], null, 'a']) {
      const named = `"options" expected an object, got ${JSON.stringify(given)}`;
      await expectError(async () => call(given as never), 'ERR_INPUT', named);
    }
  }
});

options("another library's name of an option: what there is here instead", async () => {
  const refused: [call: (given: object) => unknown, key: string, instead: string][] = [
    [(given) => pipeline('feature-extraction', body, given), 'device', 'the library runs on WebAssembly'],
    [(given) => AlbertModel.from_pretrained(body, given), 'device', 'the library runs on WebAssembly'],
    [(given) => AlbertModel.from_config(TINY, given), 'device', 'the library runs on WebAssembly'],
    [(given) => pipeline('feature-extraction', body, given), 'quantized', 'dtype: "int8" quantises'],
    [(given) => pipeline('feature-extraction', body, given), 'progress_callback', 'here onProgress'],
    [(given) => pipeline('feature-extraction', body, given), 'subfolder', "safetensors, Flax's or PyTorch's, not ONNX"],
    [(given) => pipeline('feature-extraction', body, given), 'cache_dir', 'here cacheDir'],
    [(given) => AlbertTokenizer.from_pretrained(MODEL, given), 'local_files_only', 'here localFilesOnly'],
    [(given) => tokenizer.encode('a', given), 'maxLength', 'here max_length'],
    [(given) => rankEmbeddings([1], [[1]], given), 'topk', 'here top_k'],
  ];
  for (const [call, key, instead] of refused) {
    await expectError(async () => call({ [key]: 1 }), 'ERR_INPUT', `got "${key}" (`, instead);
  }
});

options.after(async () => {
  rmSync(out, { recursive: true });
  await model.dispose();
});

options.run();
