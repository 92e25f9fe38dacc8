/** Checkpoints stored in int8: the same model as quantised at load, bit for bit, in each build; and every fault by name. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AlbertError } from '../../src/ground/errors.js';
import type { ModelFiles } from '../../src/ground/source.js';
import {
  AlbertForMaskedLM,
  AlbertForPreTraining,
  AlbertForSequenceClassification,
  AlbertModel,
} from '../../src/model/models.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/weights/safetensors.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { HEADS, readFixture } from '../support/fixtures.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { decoded, sameBytes, seeded } from '../weights/samples.js';

const file = suite('int8 file');

const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
file.after(() => rmSync(directory, { recursive: true }));

const POOLER = 'albert.pooler.weight';

interface Written {
  name: string;
  shape: readonly number[];
  data: Float32Array | Int8Array;
}

/** Saves a model in int8 and returns the files. */
async function saved(model: { save_pretrained: AlbertModel['save_pretrained'] }, name: string): Promise<ModelFiles> {
  const target = `${directory}/${name}`;
  await model.save_pretrained(target, { dtype: 'int8' });
  return {
    'config.json': readFileSync(`${target}/config.json`, 'utf8'),
    'model.safetensors': new Uint8Array(readFileSync(`${target}/model.safetensors`)),
  };
}

/** An int8 file, its tensors and metadata open to change. */
function changed(
  files: ModelFiles,
  change: (tensors: Map<string, Written>, metadata: Record<string, string>) => void,
): ModelFiles {
  const { tensors, metadata } = decodeSafetensors(files['model.safetensors'] as Uint8Array, 'file');
  const open = new Map<string, Written>();
  for (const [name, tensor] of tensors) {
    const { bytes, shape, dtype } = tensor;
    open.set(name, { name, shape, data: dtype === 'I8' ? new Int8Array(bytes.slice().buffer) : decoded(tensor) });
  }
  const copy = { ...metadata };
  change(open, copy);
  return { ...files, 'model.safetensors': encodeSafetensors(open.values(), 'F32', copy) };
}

function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  return sameBytes(new Uint8Array(a.buffer), new Uint8Array(b.buffer));
}

function assertSameParams(
  model: Pick<AlbertModel, 'params'>,
  wanted: Pick<AlbertModel, 'params'>,
  label: string,
): void {
  const { params } = wanted;
  assert.is(model.params.size, params.size, label);
  for (const [name, { data }] of model.params) {
    assert.ok(sameNumbers(data, params.get(name)?.data as Float32Array), `${label}, ${name}`);
  }
}

/** What stays float32 in int8: the words of docs/int8-format.md, and the tensors that they name. */
const FLOAT32: readonly (readonly [words: RegExp, tensors: RegExp])[] = [
  [/biases/, /bias$/],
  [/layer norms/, /(LayerNorm|layer_norm)\.weight$/],
  [/position and type tables/, /(position|token_type)_embeddings\.weight$/],
  [/dense layer .{2,9} the attention/, /attention\.dense\.weight$/],
  [/classifier/, /(classifier|qa_outputs)\.weight$/],
];

file('the page of the format lists what stays float32, and nothing else does, in any head', async () => {
  const page = readFileSync(new URL('../../docs/int8-format.md', import.meta.url), 'utf8');
  const row = page.split('\n').find((line) => /\| F32 \|/.test(line)) ?? '';
  for (const [words] of FLOAT32) assert.match(row, words);
  const used = new Set<RegExp>();
  for (const [head, Class] of Object.entries(HEADS)) {
    await using model = await Class.from_config({ ...TINY, tie_word_embeddings: head !== 'masked_lm' });
    const files = await saved(model, `float32-${head}`);
    for (const { name, dtype } of decodeSafetensors(files['model.safetensors'] as Uint8Array, head).tensors.values()) {
      if (name.endsWith('_scale')) continue;
      const named = FLOAT32.filter(([, tensors]) => tensors.test(name));
      assert.is(dtype, named.length > 0 ? 'F32' : 'I8', `${head}, ${name}`);
      for (const [words] of named) used.add(words);
    }
  }
  assert.is(used.size, FLOAT32.length);
});

file('a float32 model and an int8 model write the same bytes, whatever the build', async () => {
  for (const tie_word_embeddings of [true, false]) {
    const config = { ...TINY, tie_word_embeddings };
    let wanted: Uint8Array | undefined;
    for (const { name, wasmUrl } of BUILDS) {
      for (const dtype of ['float32', 'int8'] as const) {
        await using model = await AlbertForPreTraining.from_config(config, { seed: 6, wasmUrl, dtype });
        const { 'model.safetensors': bytes } = await saved(model, 'same');
        wanted ??= bytes as Uint8Array;
        assert.is(Buffer.compare(bytes as Uint8Array, wanted), 0, `${name}, ${dtype}`);
      }
    }
  }
});

file('computes as the original quantised at load, bit for bit, and says the same of itself', async () => {
  for (const { name, wasmUrl } of BUILDS) {
    for (const config of [TINY, { ...TINY, tie_word_embeddings: false }, readFixture('groups/pretraining').config]) {
      await using exact = await AlbertForPreTraining.from_config(config, { seed: 3, wasmUrl });
      const files = await saved(exact, 'original');
      await using wanted = await AlbertForPreTraining.from_config(config, { seed: 3, wasmUrl, dtype: 'int8' });
      await using model = await AlbertForPreTraining.from_pretrained(files, { strict: true, wasmUrl, dtype: 'int8' });
      const [got, { prediction_logits, sop_logits }] = [
        await model.forward(TINY_INPUTS),
        await wanted.forward(TINY_INPUTS),
      ];
      assert.ok(sameNumbers(got.prediction_logits.data, prediction_logits.data), name);
      assert.ok(sameNumbers(got.sop_logits.data, sop_logits.data), name);
      assertSameParams(model, wanted, name);
      const { initialized, ignored, checkpoint } = model.loadReport;
      assert.equal([initialized, ignored], [[], []]);
      assert.equal(checkpoint?.dtypes, ['F32', 'I8']);
      // In float32 it is what the int8 model's params are.
      await using float = await AlbertForPreTraining.from_pretrained(files, {
        strict: true,
        wasmUrl,
        dtype: 'float32',
      });
      assert.is(float.info().dtype, 'float32');
      assertSameParams(float, wanted, name);
    }
  }
});

file('runs in int8 unless told otherwise, and other files in float32', async () => {
  await using exact = await AlbertForPreTraining.from_config(TINY, { seed: 1 });
  const files = await saved(exact, 'default');
  await using model = await AlbertForPreTraining.from_pretrained(files);
  assert.is(model.info().dtype, 'int8');
  await using given = await AlbertForPreTraining.from_pretrained(files, { dtype: undefined });
  assert.is(given.info().dtype, 'int8');
  await model.save_pretrained(`${directory}/float`);
  await using float = await AlbertForPreTraining.from_pretrained(`${directory}/float`);
  assert.is(float.info().dtype, 'float32');
  const config = JSON.parse(readFileSync(`${directory}/float/config.json`, 'utf8'));
  assert.is(config.quantization_config, undefined);
  assert.equal(JSON.parse(files['config.json'] as string).quantization_config, {
    quant_method: 'albert-wasm-int8',
    version: 1,
  });
});

file('read from a directory in pieces, saved again, it stays what it is', async () => {
  const config = { ...TINY, vocab_size: 30_001, hidden_size: 516, intermediate_size: 611 };
  await using exact = await AlbertForMaskedLM.from_config(config, { seed: 2 });
  const files = await saved(exact, 'pieces');
  await using model = await AlbertForMaskedLM.from_pretrained(`${directory}/pieces`, { strict: true });
  await using wanted = await AlbertForMaskedLM.from_config(config, { seed: 2, dtype: 'int8' });
  const [got, { data }] = [await model.forward(TINY_INPUTS), (await wanted.forward(TINY_INPUTS)).logits];
  assert.ok(sameNumbers(got.logits.data, data));
  const again = await saved(model, 'again');
  assert.is(again['config.json'], files['config.json']);
  assert.ok(sameBytes(again['model.safetensors'] as Uint8Array, files['model.safetensors'] as Uint8Array));
});

file('levels of another writer, which need not reach 127, are kept as they are', async () => {
  await using exact = await AlbertForMaskedLM.from_config(TINY, { seed: 4 });
  const name = 'predictions.dense.weight';
  const files = changed(await saved(exact, 'other'), (tensors) => {
    const { data } = tensors.get(name) as Written;
    for (const i of data.keys()) data[i] = (i % 41) - 20;
  });
  await using model = await AlbertForMaskedLM.from_pretrained(files);
  const { 'model.safetensors': again } = await saved(model, 'kept');
  assert.ok(sameBytes(again as Uint8Array, files['model.safetensors'] as Uint8Array));
});

file('from float16, and of other heads, with the prefix and without', async () => {
  await using exact = await AlbertForPreTraining.from_config(TINY, { seed: 8 });
  await exact.save_pretrained(`${directory}/half`, { dtype: 'float16' });
  await using half = await AlbertForPreTraining.from_pretrained(`${directory}/half`);
  const files = await saved(half, 'from-half');
  await using wanted = await AlbertModel.from_pretrained(`${directory}/half`, { dtype: 'int8' });
  const bare = changed(files, (tensors) => {
    for (const [name, tensor] of tensors) tensor.name = name.replace(/^albert\./, '');
  });
  const state = (await wanted.forward(TINY_INPUTS)).last_hidden_state.data;
  for (const source of [files, bare]) {
    await using model = await AlbertModel.from_pretrained(source);
    assert.equal((await model.forward(TINY_INPUTS)).last_hidden_state.data, state);
    assert.ok(
      model.loadReport.ignored.every((name) => /predictions|sop/.test(name)),
      `${model.loadReport.ignored}`,
    );
  }
  const onWarning = () => {};
  await using other = await AlbertForSequenceClassification.from_pretrained(files, { onWarning });
  assert.equal(other.loadReport.initialized, ['classifier.weight', 'classifier.bias']);
  await expectError(
    () => AlbertForSequenceClassification.from_pretrained(files, { strict: true }),
    'ERR_PARAMETER',
    'classifier.weight',
  );
});

file('a matrix may also be stored in float32, and a classifier in int8', async () => {
  await using exact = await AlbertForPreTraining.from_config(TINY, { seed: 5 });
  const files = await saved(exact, 'mixed');
  const { data, shape } = exact.params.get(POOLER) as { data: Float32Array; shape: readonly number[] };
  const mixed = changed(files, (tensors) => {
    tensors.set(POOLER, { name: POOLER, shape, data });
    tensors.delete(`${POOLER}_scale`);
    const name = 'sop_classifier.classifier.weight';
    tensors.set(name, { name, shape: [2, 36], data: new Int8Array(72).fill(3) });
    tensors.set(`${name}_scale`, { name: `${name}_scale`, shape: [2], data: Float32Array.of(0.5, 0) });
  });
  await using a = await AlbertModel.from_pretrained(files);
  await using b = await AlbertModel.from_pretrained(mixed);
  assert.equal((await a.forward(TINY_INPUTS)).pooler_output.data, (await b.forward(TINY_INPUTS)).pooler_output.data);
  await using c = await AlbertForPreTraining.from_pretrained(mixed);
  const classifier = c.params.get('sop_classifier.classifier.weight')?.data as Float32Array;
  assert.equal([...classifier], [...new Array(36).fill(1.5), ...new Array(36).fill(0)]);
});

type Change = (tensors: Map<string, Written>, metadata: Record<string, string>) => void;
const SCALES = `${POOLER}_scale`;
const scale =
  (value: number): Change =>
  (tensors) => {
    (tensors.get(SCALES) as Written).data[35] = value;
  };
const FAULTS: readonly (readonly [why: string, change: Change, code: string, ...words: string[]])[] = [
  ['no scales', (t) => t.delete(SCALES), 'ERR_PARAMETER', `"${SCALES}" expected a tensor [36], got "none"`],
  [
    'too few scales',
    (t) => t.set(SCALES, { name: SCALES, shape: [35], data: new Float32Array(35) }),
    'ERR_PARAMETER',
    `"${SCALES}" expected the shape [36], got [35]`,
  ],
  [
    'scales of another rank',
    (t) => t.set(SCALES, { name: SCALES, shape: [36, 1], data: new Float32Array(36) }),
    'ERR_PARAMETER',
    `"${SCALES}" expected the shape [36], got [36, 1]`,
  ],
  [
    'scales of int8',
    (t) => t.set(SCALES, { name: SCALES, shape: [36], data: new Int8Array(36) }),
    'ERR_PARAMETER',
    `"${SCALES}" expected the dtype F32, got "I8"`,
  ],
  [
    'levels of another shape',
    (t) => Object.assign(t.get(POOLER) as Written, { shape: [18, 72] }),
    'ERR_PARAMETER',
    `"${POOLER}" expected the shape [36, 36], got [18, 72]`,
  ],
  ['no levels', (t) => t.delete(POOLER), 'ERR_PARAMETER', `"${POOLER}" expected a tensor [36, 36]`],
  ['a negative scale', scale(-1e-3), 'ERR_PARAMETER', `"${SCALES}" expected scales from 0`],
  ['a scale that is no number', scale(Number.NaN), 'ERR_PARAMETER', `"${SCALES}"`, 'NaN'],
  ['an infinite scale', scale(Infinity), 'ERR_PARAMETER', `"${SCALES}"`, 'Infinity'],
  ['a scale whose numbers overflow', scale(3e36), 'ERR_PARAMETER', `"${SCALES}"`],
  [
    'a level of -128',
    (t) => {
      (t.get(POOLER) as Written).data[7] = -128;
    },
    'ERR_PARAMETER',
    `"${POOLER}" expected levels from -127 to 127, got -128`,
  ],
  [
    'a vector of int8',
    (t) => t.set('albert.pooler.bias', { name: 'albert.pooler.bias', shape: [36], data: new Int8Array(36) }),
    'ERR_PARAMETER',
    '"albert.pooler.bias" expected a floating-point dtype, got "I8"',
  ],
  [
    'a newer version',
    (_, metadata) => {
      metadata.quantization_version = '2';
    },
    'ERR_CHECKPOINT',
    '"quantization_version" expected "1", got "2"',
  ],
  [
    'no version',
    (_, metadata) => {
      delete metadata.quantization_version;
    },
    'ERR_CHECKPOINT',
    '"quantization_version"',
  ],
  [
    'another scheme',
    (_, metadata) => {
      metadata.quantization = 'some-int8';
    },
    'ERR_PARAMETER',
    'word_embeddings.weight" expected a floating-point dtype, got "I8"',
  ],
];

file('faults, each by name, in either dtype', async () => {
  await using exact = await AlbertForPreTraining.from_config(TINY, { seed: 5 });
  const files = await saved(exact, 'faults');
  let cases = 0;
  for (const [why, change, code, ...words] of FAULTS) {
    for (const dtype of ['int8', 'float32'] as const) {
      const error = await expectError(
        () => AlbertForPreTraining.from_pretrained(changed(files, change), { dtype, strict: true }),
        code as 'ERR_PARAMETER',
        ...words,
      );
      if (why !== 'another scheme') assert.is(error.message.split('\n').length, 1, why);
      cases++;
    }
  }
  const several = changed(files, (tensors) => {
    (tensors.get(SCALES) as Written).data[0] = -1;
    (tensors.get('albert.embeddings.word_embeddings.weight') as Written).data[96 * 13] = -128;
    (tensors.get('albert.pooler.bias') as Written).data[0] = Number.NaN;
  });
  const error = await expectError(
    () => AlbertForPreTraining.from_pretrained(several),
    'ERR_PARAMETER',
    SCALES,
    'word_embeddings.weight" expected levels',
    '"albert.pooler.bias" expected finite values',
  );
  assert.is(error.message.split('\n').length, 3);
  stateCases(cases, 30);
});

file('mutated files load or are refused by name', async () => {
  await using exact = await AlbertForMaskedLM.from_config(TINY, { seed: 5 });
  const files = await saved(exact, 'mutants');
  const random = seeded(20260101);
  const outcomes = { loaded: 0, refused: 0 };
  for (let i = 0; i < 400; i++) {
    const bytes = Uint8Array.from(files['model.safetensors'] as Uint8Array);
    const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    // In the header, among the scales and vectors, or anywhere.
    const reach = [header, header + 4000, bytes.length][i % 3] as number;
    for (let times = 1 + random(3); times > 0; times--) bytes[random(reach)] = random(256);
    const dtype = i % 2 === 0 ? 'int8' : 'float32';
    try {
      const source = { ...files, 'model.safetensors': bytes };
      await using model = await AlbertForMaskedLM.from_pretrained(source, { dtype, strict: true });
      assert.is((await model.forward(TINY_INPUTS)).logits.data.length, 2 * 5 * 97);
      outcomes.loaded++;
    } catch (error) {
      const { code, message } = error as AlbertError;
      assert.ok(code === 'ERR_CHECKPOINT' || code === 'ERR_PARAMETER', `case ${i}: ${code} ${message}`);
      outcomes.refused++;
    }
  }
  assert.ok(outcomes.loaded > 50 && outcomes.refused > 50, JSON.stringify(outcomes));
});

file('what int8 cannot hold is not written', async () => {
  await using model = await AlbertModel.from_config({ ...TINY, initializer_range: 1e38 });
  await expectError(() => model.save_pretrained(`${directory}/huge`, { dtype: 'int8' }), 'ERR_PARAMETER', '_scale');
  await using fine = await AlbertModel.from_config(TINY);
  await expectError(
    () => fine.save_pretrained(`${directory}/flax`, { dtype: 'int8', format: 'flax_msgpack' }),
    'ERR_INPUT',
    '"format" expected safetensors, since dtype is int8',
  );
});

file.run();
