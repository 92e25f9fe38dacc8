/** sentence-transformers' files beside a checkpoint: followed without being told, against computations by hand. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertModel, AlbertTokenizer, type ModelFiles, pipeline } from '../../src/entry/index.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { type HubFile, TestHub } from '../hub/server.js';
import { expectError } from '../support/expect-error.js';
import { torchZip } from '../weights/pytorch-files.js';
import { randomFiles } from './checkpoint.js';

const test = suite('sentence-transformers');

const SIZE = 36;
const files = await randomFiles('model', { max_position_embeddings: 64 });
const body = await AlbertModel.from_pretrained(files);
const tokenizer = await AlbertTokenizer.from_pretrained(files);
const TEXT = 'The cat sat on the mat, and the dog barked.';

test.after(() => body.dispose());

/** The hidden states of a text, a row for each token. */
async function statesOf(text: string): Promise<number[][]> {
  const { input_ids } = tokenizer.encode(text);
  const { last_hidden_state } = await body.forward({ input_ids: [input_ids] });
  return input_ids.map((_, i) => Array.from(last_hidden_state.data.subarray(i * SIZE, (i + 1) * SIZE)));
}

const columns = (rows: readonly number[][]) =>
  Array.from({ length: SIZE }, (_, k) => rows.map((row) => row[k] as number));
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const unit = (vector: readonly number[]) => vector.map((value) => value / Math.sqrt(sum(vector.map((x) => x * x))));

/** As sentence-transformers writes them in numpy's words. */
const BY_HAND: Record<string, (rows: number[][]) => number[]> = {
  cls: (rows) => rows[0] as number[],
  max: (rows) => columns(rows).map((column) => Math.max(...column)),
  mean: (rows) => columns(rows).map((column) => sum(column) / column.length),
  mean_sqrt_len_tokens: (rows) => columns(rows).map((column) => sum(column) / Math.sqrt(column.length)),
  weightedmean: (rows) =>
    columns(rows).map((column) => sum(column.map((x, i) => x * (i + 1))) / sum(column.map((_, i) => i + 1))),
  lasttoken: (rows) => rows.at(-1) as number[],
};
const FLAGS: Record<string, string> = {
  cls: 'pooling_mode_cls_token',
  max: 'pooling_mode_max_tokens',
  mean: 'pooling_mode_mean_tokens',
  mean_sqrt_len_tokens: 'pooling_mode_mean_sqrt_len_tokens',
  weightedmean: 'pooling_mode_weightedmean_tokens',
  lasttoken: 'pooling_mode_lasttoken',
};

const TRANSFORMER = { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' };
const layer = (kind: string, path: string) => ({ name: path, path, type: `sentence_transformers.models.${kind}` });
const POOLING = layer('Pooling', '1_Pooling');

/** A checkpoint with files of sentence-transformers; objects become JSON. */
function sentenceFiles(
  pooling: object,
  more: readonly object[] = [],
  others: Record<string, unknown> = {},
): ModelFiles {
  const added = {
    'modules.json': [TRANSFORMER, POOLING, ...more],
    '1_Pooling/config.json': { word_embedding_dimension: SIZE, ...pooling },
    ...others,
  };
  return { ...files, ...json(added) };
}

function json(given: Record<string, unknown>): ModelFiles {
  const entries = Object.entries(given).map(([name, content]) => [
    name,
    content instanceof Uint8Array || typeof content === 'string' ? content : JSON.stringify(content),
  ]);
  return Object.fromEntries(entries);
}

function near(got: ArrayLike<number>, wanted: readonly number[], what: string, tolerance = 1e-6): void {
  assert.is(got.length, wanted.length, what);
  const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - (got[i] as number))), 0);
  assert.ok(worst <= tolerance, `${what}: off by ${worst}`);
}

/** What a checkpoint makes of a text without any option. */
async function embed(source: ModelFiles, text = TEXT, options = {}) {
  await using extract = await pipeline('feature-extraction', source);
  return { data: (await extract(text, options)).data, info: extract.embedding };
}

test('every pooling, by its flag and by its name, and several joined', async () => {
  const rows = await statesOf(TEXT);
  for (const [name, compute] of Object.entries(BY_HAND)) {
    const wanted = compute(rows);
    const flags = { pooling_mode_mean_tokens: false, [FLAGS[name] as string]: true };
    const flagged = await embed(sentenceFiles(flags));
    near(flagged.data, wanted, name);
    assert.equal(flagged.info.pooling, [name]);
    assert.is(flagged.info.source, 'modules.json');
    near((await embed(sentenceFiles({ pooling_mode: name }))).data, wanted, `${name} by its name`);
  }
  const joined = await embed(
    sentenceFiles({ pooling_mode_lasttoken: true, pooling_mode_cls_token: true, pooling_mode_max_tokens: true }),
  );
  const parts = ['cls', 'max', 'lasttoken'];
  near(
    joined.data,
    parts.flatMap((name) => BY_HAND[name]?.(rows) as number[]),
    'joined',
  );
  assert.equal([joined.info.pooling, joined.info.dimension], [parts, 3 * SIZE]);
  const named = await embed(sentenceFiles({ pooling_mode: ['mean', 'cls'] }));
  near(named.data, [...(BY_HAND.mean?.(rows) ?? []), ...(BY_HAND.cls?.(rows) ?? [])], 'in the order of the names');
  // Without a word about it: the mean.
  near((await embed(sentenceFiles({}))).data, BY_HAND.mean?.(rows) as number[], 'none named');
});

/** A Dense layer's file: weights that no rounding hides. */
function dense(outputs: number, inputs: number, bias = true) {
  const weight = Float32Array.from({ length: outputs * inputs }, (_, i) => Math.sin(i * 7 + 1) / 4);
  const offset = Float32Array.from({ length: outputs }, (_, i) => Math.cos(i * 5) / 4);
  const tensors = [{ name: 'linear.weight', shape: [outputs, inputs], data: weight }];
  if (bias) tensors.push({ name: 'linear.bias', shape: [outputs], data: offset });
  const apply = (vector: readonly number[]) =>
    Array.from({ length: outputs }, (_, row) => {
      const products = vector.map((value, i) => value * (weight[row * inputs + i] as number));
      return sum(products) + (bias ? (offset[row] as number) : 0);
    });
  const stored = tensors.map(({ name, shape, data }, i) => ({
    name,
    shape,
    storage: { key: String(i), dtype: 'F32' as const, bytes: new Uint8Array(data.buffer) },
  }));
  return { file: encodeSafetensors(tensors, 'F32', {}), bin: torchZip(stored), apply };
}

/** As torch.nn's documentation defines them. */
const ACTIVATIONS: Record<string, (x: number) => number> = {
  'torch.nn.modules.activation.Tanh': Math.tanh,
  'torch.nn.modules.linear.Identity': (x) => x,
  'torch.nn.modules.activation.ReLU': (x) => (x > 0 ? x : 0),
  'torch.nn.modules.activation.Sigmoid': (x) => 1 / (1 + Math.exp(-x)),
  'torch.nn.modules.activation.SiLU': (x) => x / (1 + Math.exp(-x)),
  'torch.nn.modules.activation.LeakyReLU': (x) => (x > 0 ? x : x / 100),
  'torch.nn.modules.activation.ELU': (x) => (x > 0 ? x : Math.exp(x) - 1),
  'torch.nn.modules.activation.Softplus': (x) => Math.log(1 + Math.exp(x)),
  'torch.nn.modules.activation.LogSigmoid': (x) => -Math.log(1 + Math.exp(-x)),
  'torch.nn.modules.activation.Mish': (x) => x * Math.tanh(Math.log(1 + Math.exp(x))),
  'torch.nn.modules.activation.Softsign': (x) => x / (1 + Math.abs(x)),
  'torch.nn.modules.activation.Hardtanh': (x) => Math.max(-1, Math.min(1, x)),
  'torch.nn.modules.activation.ReLU6': (x) => Math.max(0, Math.min(6, x)),
  // By Simpson's rule over the density of the normal distribution, not by the series of the implementation.
  'torch.nn.modules.activation.GELU': (x) => {
    const steps = 2000;
    const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
    const weights = Array.from({ length: steps + 1 }, (_, i) => (i === 0 || i === steps ? 1 : i % 2 === 1 ? 4 : 2));
    const area = weights.map((weight, i) => weight * density((x * i) / steps));
    return x * (0.5 + (sum(area) * x) / steps / 3);
  },
};

test('dense layers with every activation, layer norms, scaling to length 1, in their order', async () => {
  const mean = BY_HAND.mean?.(await statesOf(TEXT)) as number[];
  const layers = [layer('Dense', '2_Dense'), layer('Normalize', '3_Normalize')];
  const { file, apply } = dense(20, SIZE);
  for (const [activation_function, activate] of Object.entries(ACTIVATIONS)) {
    const config = { in_features: SIZE, out_features: 20, bias: true, activation_function };
    const others = { '2_Dense/config.json': config, '2_Dense/model.safetensors': file };
    const { data, info } = await embed(sentenceFiles({}, layers, others));
    near(data, unit(apply(mean).map(activate)), activation_function);
    assert.equal([info.dimension, info.normalize, info.layers], [20, true, ['Dense (36 to 20)', 'Normalize']]);
  }
  // The older file of the two that its weights come in.
  const old = denseFiles({ out_features: 20, activation_function: 'torch.nn.modules.activation.Tanh' });
  const { '2_Dense/model.safetensors': _, ...rest } = old;
  const binary = { ...rest, '2_Dense/pytorch_model.bin': dense(20, SIZE).bin };
  near((await embed(binary)).data, apply(mean).map(Math.tanh), 'pytorch_model.bin');
  const plain = dense(5, SIZE, false);
  const config = { in_features: SIZE, out_features: 5, bias: false, activation_function: null };
  const weight = Float32Array.from({ length: 5 }, (_, i) => 1 + i / 3);
  const bias = Float32Array.from({ length: 5 }, (_, i) => i / 7);
  const norm = [
    { name: 'norm.weight', shape: [5], data: weight },
    { name: 'norm.bias', shape: [5], data: bias },
  ];
  const others = {
    '2_Dense/config.json': config,
    '2_Dense/model.safetensors': plain.file,
    '4_LayerNorm/config.json': { dimension: 5 },
    '4_LayerNorm/model.safetensors': encodeSafetensors(norm, 'F32', {}),
  };
  const dropped = [layer('Dense', '2_Dense'), layer('Dropout', '3_Dropout'), layer('LayerNorm', '4_LayerNorm')];
  const { data } = await embed(sentenceFiles({}, dropped, others));
  const projected = plain.apply(mean);
  const center = sum(projected) / 5;
  const deviation = Math.sqrt(sum(projected.map((x) => (x - center) ** 2)) / 5 + 1e-5);
  near(
    data,
    projected.map((x, i) => ((x - center) / deviation) * (weight[i] as number) + (bias[i] as number)),
    'norm',
  );
});

test('options override: pooling, normalize, the prompt', async () => {
  const rows = await statesOf(TEXT);
  await using extract = await pipeline(
    'feature-extraction',
    sentenceFiles({ pooling_mode: 'cls' }, [layer('Normalize', '2_Normalize')]),
  );
  const cls = rows[0] as number[];
  near((await extract(TEXT)).data, unit(cls), 'as the files say');
  near((await extract(TEXT, { normalize: false })).data, cls, 'not normalised');
  near((await extract(TEXT, { pooling: 'mean' })).data, unit(BY_HAND.mean?.(rows) as number[]), 'mean');
  near(
    (await extract(TEXT, { pooling: ['max', 'cls'], normalize: false })).data,
    [...(BY_HAND.max?.(rows) ?? []), ...cls],
    'two',
  );
  const none = await extract(TEXT, { pooling: 'none' });
  assert.equal([...none.shape], [rows.length, SIZE]);
  near(none.data, rows.flat(), 'none');
  await expectError(() => extract(TEXT, { pooling: [] }), 'ERR_INPUT', '"pooling" expected none, cls, max, mean');
  await expectError(() => extract(TEXT, { pooling: ['none'] as never }), 'ERR_INPUT', 'got "none"');
  await expectError(() => extract(TEXT, { normalize: 1 as never }), 'ERR_INPUT', '"normalize"');
  // A checkpoint without such files: each token's state.
  await using plain = await pipeline('feature-extraction', files);
  assert.equal([...(await plain(TEXT)).shape], [rows.length, SIZE]);
  assert.equal([plain.embedding.source, plain.embedding.pooling, plain.embedding.dimension], ['default', [], SIZE]);
  near((await plain(TEXT, { pooling: 'weightedmean' })).data, BY_HAND.weightedmean?.(rows) as number[], 'by option');
});

test('similarity follows the files too', async () => {
  const other = 'Inflation rose in June.';
  const [a, b] = [await statesOf(TEXT), await statesOf(other)];
  const cosine = (x: readonly number[], y: readonly number[]) =>
    sum(unit(x).map((value, i) => value * (unit(y)[i] as number)));
  await using similarity = await pipeline('sentence-similarity', sentenceFiles({ pooling_mode: 'cls' }));
  const input = { source_sentence: TEXT, sentences: [other] };
  near(await similarity(input), [cosine(a[0] as number[], b[0] as number[])], 'cls');
  near(await similarity(input, { pooling: 'max' }), [cosine(BY_HAND.max?.(a) ?? [], BY_HAND.max?.(b) ?? [])], 'max');
  await expectError(() => similarity(input, { pooling: 'none' as never }), 'ERR_INPUT', '"pooling"');
});

test('lengths, lower case and prompts', async () => {
  const lengths = { 'sentence_bert_config.json': { max_seq_length: 7, do_lower_case: true } };
  const mean = { pooling_mode: 'mean' };
  const warnings: string[] = [];
  await using short = await pipeline('feature-extraction', sentenceFiles(mean, [], lengths), {
    onWarning: (message) => warnings.push(message),
  });
  assert.is(short.embedding.max_seq_length, 7);
  const cut = tokenizer.encode(TEXT, { truncation: true, max_length: 7 }).input_ids;
  const { last_hidden_state } = await body.forward({ input_ids: [cut] });
  near(
    (await short(TEXT)).data,
    BY_HAND.mean?.(cut.map((_, i) => [...last_hidden_state.data.subarray(i * SIZE, (i + 1) * SIZE)])) as number[],
    'cut',
  );
  await short([TEXT, TEXT]);
  assert.is(warnings.length, 1, warnings.join());
  assert.ok(warnings[0]?.includes('was cut to the 7 that are read'), warnings[0]);
  // This vocabulary has lower case alone, so that only a cased one tells: the same tokenizer without its normalizer.
  const cased = { ...JSON.parse(files['tokenizer.json'] as string), normalizer: null };
  const source = { ...sentenceFiles(mean, [], lengths), 'tokenizer.json': JSON.stringify(cased) };
  assert.equal((await embed(source, 'THE CAT')).data, (await embed(source, 'the cat')).data);
  const unlike = { ...source, 'sentence_bert_config.json': '{}' };
  assert.not.equal((await embed(unlike, 'THE CAT')).data, (await embed(unlike, 'the cat')).data);

  const prompts = { query: 'query: ', document: '' };
  const named = { 'config_sentence_transformers.json': { prompts, default_prompt_name: 'query' } };
  await using asked = await pipeline('feature-extraction', sentenceFiles(mean, [], named));
  assert.equal([asked.embedding.prompts, asked.embedding.default_prompt_name], [prompts, 'query']);
  const [without, query] = [await statesOf(TEXT), await statesOf(`query: ${TEXT}`)];
  near((await asked(TEXT)).data, BY_HAND.mean?.(query) as number[], 'the default prompt');
  near((await asked(TEXT, { prompt_name: 'document' })).data, BY_HAND.mean?.(without) as number[], 'by name');
  near((await asked(TEXT, { prompt: 'query: ' })).data, BY_HAND.mean?.(query) as number[], 'as a text');
  await expectError(
    () => asked(TEXT, { prompt_name: 'toString' }),
    'ERR_INPUT',
    '"prompt_name" expected query, document',
  );
  await expectError(() => asked(TEXT, { prompt: 7 as never }), 'ERR_INPUT', '"prompt"');
  // Tokens of the prompt that no mean counts, [CLS] among them.
  const excluded = { ...mean, include_prompt: false };
  const { data } = await embed(sentenceFiles(excluded, [], named));
  const skipped = tokenizer.encode('query: ').input_ids.length - 1;
  near(data, BY_HAND.mean?.(query.slice(skipped)) as number[], 'without the prompt');
});

test('from every kind of source, with the model in a folder of its own', async () => {
  const pooling = { pooling_mode: 'cls' };
  const { file } = dense(4, SIZE);
  const moved = Object.fromEntries(Object.entries(files).map(([name, content]) => [`0_Transformer/${name}`, content]));
  const added = json({
    'modules.json': [{ ...TRANSFORMER, path: '0_Transformer' }, POOLING, layer('Dense', '2_Dense')],
    '1_Pooling/config.json': pooling,
    '2_Dense/config.json': {
      in_features: SIZE,
      out_features: 4,
      activation_function: 'torch.nn.modules.activation.Tanh',
    },
    '2_Dense/model.safetensors': file,
    '0_Transformer/sentence_bert_config.json': { max_seq_length: 9 },
  });
  const inFolders: ModelFiles = { ...moved, ...added };
  const wanted = await embed(inFolders);
  assert.equal([wanted.info.dimension, wanted.info.max_seq_length], [4, 9]);

  const root = mkdtempSync(join(tmpdir(), 'albert-wasm-sentence-'));
  const hub = await TestHub.start(
    new Map(
      Object.entries(inFolders).map(([name, content]): [string, HubFile] => {
        const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : (content as Uint8Array);
        return [name, { bytes, lfs: name.endsWith('safetensors') }];
      }),
    ),
  );
  const server = createServer((request, response) => {
    const content = inFolders[(request.url ?? '').slice('/model/'.length)];
    if (content === undefined) return response.writeHead(404).end();
    response.end(content);
  });
  try {
    for (const [name, content] of Object.entries(inFolders)) {
      mkdirSync(dirname(join(root, 'model', name)), { recursive: true });
      writeFileSync(join(root, 'model', name), content as string | Uint8Array);
    }
    assert.equal((await embed(join(root, 'model') as never)).data, wanted.data, 'directory');
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model/`;
    assert.equal((await embed(url as never)).data, wanted.data, 'URL');
    process.env.HF_ENDPOINT = hub.endpoint;
    const cacheDir = join(root, 'cache');
    for (const localFilesOnly of [false, true]) {
      await using extract = await pipeline('feature-extraction', 'owner/name', { cacheDir, localFilesOnly });
      assert.equal((await extract(TEXT)).data, wanted.data, `Hub, ${localFilesOnly ? 'cache' : 'network'}`);
    }
  } finally {
    delete process.env.HF_ENDPOINT;
    hub.close();
    server.close();
    rmSync(root, { recursive: true });
  }
});

test('only tasks of embeddings ask for modules.json, once; a page in its place is none', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1);
    asked.push(name);
    const optional = name === 'tokenizer_config.json' ? '{}' : undefined;
    const content = files[name] ?? optional ?? '<!doctype html><p>Home</p>';
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    await using extract = await pipeline('feature-extraction', url);
    assert.is(extract.embedding.source, 'default');
    assert.is(asked.filter((name) => name === 'modules.json').length, 1);
    assert.not.ok(asked.some((name) => name.includes('sentence')));
    asked.length = 0;
    const refused = pipeline('text-classification', url, { strict: true });
    await expectError(() => refused, 'ERR_PARAMETER', 'classifier.weight');
    assert.not.ok(asked.includes('modules.json'), asked.join());
  } finally {
    server.close();
  }
});

/** Files that must not be followed, and what the error says. */
const REFUSED: readonly (readonly [what: string, files: ModelFiles, ...words: string[]])[] = [
  ...['../x', '/etc', 'a/../b', 'a\\b', 'http://x', '%2e%2e', '.hidden', 'a//b', 'a/', '?x', 7, null].map(
    (path) =>
      [
        `the path ${path}`,
        sentenceFiles({}, [], { 'modules.json': [TRANSFORMER, { ...POOLING, path }] }),
        '"path" expected a plain relative path',
        '[1] of modules.json',
      ] as const,
  ),
  ['no JSON', { ...files, 'modules.json': '[' }, 'modules.json is not JSON'],
  ['no array', { ...files, 'modules.json': '{}' }, '"modules.json" expected an array of at most 32 modules'],
  ['a long list', { ...files, 'modules.json': JSON.stringify(Array(33).fill(TRANSFORMER)) }, 'got 33'],
  ['a large file', { ...files, 'modules.json': ' '.repeat(2 ** 20 + 1) }, 'at most 1048576 bytes'],
  ['null for a module', { ...files, 'modules.json': '[null]' }, '"type" expected a class of sentence_transformers'],
  ['code of the author’s', sentenceFiles({}, [{ ...POOLING, type: 'mine.Pooling' }]), '"type"', 'mine.Pooling'],
  ['another first module', { ...files, 'modules.json': JSON.stringify([POOLING]) }, '"[0]" expected a Transformer'],
  ['no pooling', { ...files, 'modules.json': JSON.stringify([TRANSFORMER]) }, '"[1]" expected a Pooling'],
  [
    'another module',
    sentenceFiles({}, [layer('LSTM', '2_LSTM')], { '2_LSTM/config.json': {} }),
    '"type"',
    'got "LSTM"',
  ],
  [
    'a module by inheritance',
    sentenceFiles({}, [layer('toString', '2_x')], { '2_x/config.json': {} }),
    'got "toString"',
  ],
  [
    'an unknown pooling',
    sentenceFiles({ pooling_mode: 'lmk' }),
    '"pooling_mode"',
    'got "lmk"',
    '1_Pooling/config.json',
  ],
  ['an unknown flag', sentenceFiles({ pooling_mode_lmk: true }), '"pooling_mode_lmk"'],
  ['an invalid flag', sentenceFiles({ pooling_mode_cls_token: 1 }), '"pooling_mode_cls_token" expected true or false'],
  ['an empty list', sentenceFiles({ pooling_mode: [] }), '"pooling_mode"'],
  ['a length', sentenceFiles({}, [], { 'sentence_bert_config.json': { max_seq_length: -1 } }), '"max_seq_length"'],
  ['a prompt', sentenceFiles({}, [], { 'config_sentence_transformers.json': { prompts: { a: 1 } } }), '"prompts"'],
  [
    'a prompt’s name',
    sentenceFiles({}, [], { 'config_sentence_transformers.json': { default_prompt_name: 'q' } }),
    '"default_prompt_name"',
  ],
];

/** The same for a Dense layer's files. */
function denseFiles(config: object, file: Uint8Array = dense(4, SIZE).file): ModelFiles {
  const full = {
    in_features: SIZE,
    out_features: 4,
    activation_function: 'torch.nn.modules.linear.Identity',
    ...config,
  };
  return sentenceFiles({}, [layer('Dense', '2_Dense')], {
    '2_Dense/config.json': full,
    '2_Dense/model.safetensors': file,
  });
}

test('files that say what is not followed, or lie, are refused with the place', async () => {
  for (const [what, source, ...words] of REFUSED) {
    const error = await expectError(() => pipeline('feature-extraction', source), 'ERR_CONFIG', ...words);
    assert.ok(error.message.length < 400, what);
  }
  for (const [config, ...words] of [
    [{ in_features: 35 }, '"pooling" expected 35 numbers, as 2_Dense takes, got "36 of mean"'],
    [{ out_features: 0 }, '"out_features"'],
    [{ out_features: 1e9 }, '"out_features" expected an integer from 1 to 65536'],
    [{ activation_function: 'os.system' }, '"activation_function"', 'os.system'],
    [{ activation_function: 'torch.nn.Softmax' }, '"activation_function"'],
    [{ bias: 1 }, '"bias"'],
    [{ module_input_name: 'token_embeddings' }, '"module_input_name"'],
  ] as const) {
    const lying = 'in_features' in config ? dense(4, 35).file : undefined;
    await expectError(() => pipeline('feature-extraction', denseFiles(config, lying)), 'ERR_CONFIG', ...words);
  }
  const nan = encodeSafetensors(
    [
      { name: 'linear.weight', shape: [4, SIZE], data: new Float32Array(4 * SIZE).fill(Number.NaN, 9) },
      { name: 'linear.bias', shape: [4], data: new Float32Array(4) },
    ],
    'F32',
    {},
  );
  for (const [file, ...words] of [
    [dense(5, SIZE).file, '"linear.weight" expected a tensor [4, 36]', '[5, 36]', '2_Dense'],
    [dense(4, SIZE, false).file, '"linear.bias" expected a tensor [4], got "none"'],
    [nan, '"linear.weight" expected finite numbers, got NaN', '[9]'],
  ] as const) {
    await expectError(() => pipeline('feature-extraction', denseFiles({}, file)), 'ERR_PARAMETER', ...words);
  }
  const { '2_Dense/model.safetensors': _, ...lacking } = denseFiles({});
  await expectError(() => pipeline('feature-extraction', lacking), 'ERR_SOURCE', '2_Dense');
  // No flag set is no pooling; what has no flags is the library's default, the mean.
  const none = sentenceFiles({ pooling_mode_mean_tokens: false, pooling_mode_cls_token: false });
  await expectError(() => pipeline('feature-extraction', none), 'ERR_CONFIG', '"pooling_mode"');
  const { '1_Pooling/config.json': __, ...bare } = sentenceFiles({});
  await expectError(() => pipeline('feature-extraction', bare), 'ERR_SOURCE', 'no config.json in 1_Pooling');
});

const script = fileURLToPath(new URL('../../../shared/fixtures/layouts/layouts.py', import.meta.url));
const testLayout = existsSync(script) ? test : test.skip;

testLayout('the layout that sentence-transformers’ checkpoints have, as shared/fixtures writes it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'albert-wasm-layouts-'));
  try {
    execFileSync('python3', [script, root], { timeout: 120_000 });
    await using extract = await pipeline('feature-extraction', join(root, 'G01-sentence-transformers-cls-normalize'));
    const { embedding, model } = extract;
    assert.equal([embedding.pooling, embedding.normalize, embedding.max_seq_length], [['cls'], true, 100]);
    const { input_ids } = extract.tokenizer.encode(TEXT);
    const { last_hidden_state } = (await model.forward({ input_ids: [input_ids] })) as {
      last_hidden_state: { data: Float32Array };
    };
    near((await extract(TEXT)).data, unit([...last_hidden_state.data.subarray(0, 16)]), 'cls of the layout');
  } finally {
    rmSync(root, { recursive: true });
  }
});

if (!existsSync(script)) console.log('skipped: no ../shared/fixtures/layouts');
test.run();
