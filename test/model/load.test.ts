/** Loading and saving: names, prefixes, misfits, round trips. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ModelFiles } from '../../src/ground/source.js';
import {
  AlbertForMaskedLM,
  AlbertForPreTraining,
  AlbertForSequenceClassification,
  AlbertModel,
} from '../../src/model/models.js';
import { decodeFloat32 } from '../../src/weights/checkpoint.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/weights/safetensors.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { fixtureBytes, HEADS, readFixture } from '../support/fixtures.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const load = suite('load');

interface Written {
  name: string;
  shape: readonly number[];
  data: Float32Array;
}

/** The checkpoint of a model of random weights, its tensors open to change. */
async function written(change: (tensors: Map<string, Written>) => void, config: object = TINY): Promise<ModelFiles> {
  await using model = await AlbertForPreTraining.from_config({ ...config }, { seed: 7 });
  const tensors = new Map([...model.params].map(([name, { shape, data }]) => [name, { name, shape, data }]));
  change(tensors);
  return { 'config.json': JSON.stringify(config), 'model.safetensors': encodeSafetensors(tensors.values(), 'F32', {}) };
}

const intact = await written(() => {});

load('a checkpoint loads with the albert. prefix and without', async () => {
  const bare = await written((tensors) => {
    for (const [name, tensor] of tensors) tensor.name = name.replace(/^albert\./, '');
  });
  await using a = await AlbertForMaskedLM.from_pretrained(intact);
  await using b = await AlbertForMaskedLM.from_pretrained(bare);
  await using body = await AlbertModel.from_pretrained(intact);
  const { logits } = await a.forward(TINY_INPUTS);
  assert.equal((await b.forward(TINY_INPUTS)).logits.data, logits.data);
  assert.is((await body.forward(TINY_INPUTS)).last_hidden_state.data.length, 2 * 5 * 36);
  assert.equal(a.loadReport.initialized, []);
  assert.ok(a.loadReport.ignored.includes('sop_classifier.classifier.weight'));
});

load('a missing head warns and is initialised, or fails when strict', async () => {
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  await using model = await AlbertForSequenceClassification.from_pretrained(intact, { onWarning });
  assert.equal(model.loadReport.initialized, ['classifier.weight', 'classifier.bias']);
  assert.is(warnings.length, 1);
  assert.match(warnings[0] as string, 'classifier.weight');
  assert.ok(model.params.get('classifier.weight')?.data.some((value) => value !== 0));
  await expectError(
    () => AlbertForSequenceClassification.from_pretrained(intact, { strict: true }),
    'ERR_PARAMETER',
    'classifier.weight',
    'classifier.bias',
  );
});

load('a checkpoint of another head is told by its class, before its faults', async () => {
  let cases = 0;
  for (const Made of Object.values(HEADS)) {
    const config = { ...TINY, architectures: [Made.architecture] };
    await using model = await Made.from_config(config);
    const tensors = [...model.params].map(([name, { shape, data }]) => ({ name, shape, data }));
    const files = {
      'config.json': JSON.stringify(config),
      'model.safetensors': encodeSafetensors(tensors, 'F32', {}),
    };
    for (const Asked of Object.values(HEADS)) {
      await using asked = await Asked.from_config(config);
      const lacks = [...asked.params].some(
        ([name, { shape }]) => model.params.get(name)?.shape.join() !== shape.join(),
      );
      // The pooler is of the body, which any class can give.
      if (!lacks || Asked === AlbertModel) continue;
      const first = `the checkpoint is one of ${Made.architecture}, not of ${Asked.architecture}\n"`;
      const { message } = await expectError(
        () => Asked.from_pretrained(files, { strict: true }),
        'ERR_PARAMETER',
        first,
      );
      assert.ok(message.startsWith(first), message);
      cases++;
    }
  }
  stateCases(cases, 25);
  // Of the right class, there is nothing to tell but the fault.
  const torn = await written((tensors) => tensors.delete('sop_classifier.classifier.bias'));
  await expectError(() => AlbertForPreTraining.from_pretrained(torn, { strict: true }), 'ERR_PARAMETER').then(
    ({ message }) => assert.not.match(message, 'the checkpoint is'),
  );
});

load('a configuration that JSON has no words for is not saved, nor anything else', async () => {
  await using model = await AlbertModel.from_config({ ...TINY, count: 7n });
  const directory = `${tmpdir()}/albert-wasm-unwritten-${process.pid}`;
  await expectError(() => model.save_pretrained(directory), 'ERR_CONFIG', 'cannot be written', 'BigInt');
  assert.not(existsSync(directory));
});

load('every misfit is reported at once, by name', async () => {
  const files = await written((tensors) => {
    tensors.delete('albert.embeddings.LayerNorm.bias');
    const ffn = 'albert.encoder.albert_layer_groups.1.albert_layers.0.ffn.weight';
    Object.assign(tensors.get(ffn) as Written, { shape: [36, 50] });
  });
  const error = await expectError(
    () => AlbertForPreTraining.from_pretrained(files),
    'ERR_PARAMETER',
    '"albert.embeddings.LayerNorm.bias" expected a tensor [13], got "none"',
    'albert_layer_groups.1.albert_layers.0.ffn.weight" expected the shape [50, 36], got [36, 50]',
  );
  assert.is(error.message.split('\n').length, 2);
});

load('every tensor that is not finite is reported at once, by name', async () => {
  const files = await written((tensors) => {
    (tensors.get('predictions.bias') as Written).data[3] = Number.NaN;
    (tensors.get('albert.pooler.bias') as Written).data[0] = Number.NEGATIVE_INFINITY;
    (tensors.get('albert.embeddings.word_embeddings.weight') as Written).data[97 * 13 - 1] = Number.NaN;
  });
  for (const dtype of ['float32', 'int8'] as const) {
    const error = await expectError(
      () => AlbertForPreTraining.from_pretrained(files, { dtype }),
      'ERR_PARAMETER',
      '"predictions.bias" expected finite values',
      '"albert.pooler.bias" expected finite values',
      '"albert.embeddings.word_embeddings.weight" expected finite values',
    );
    assert.is(error.message.split('\n').length, 3);
  }
});

load('a NaN in the first of several parts is not forgotten', async () => {
  const name = 'albert.embeddings.word_embeddings.weight';
  const change = (tensors: Map<string, Written>) => {
    (tensors.get(name) as Written).data[0] = Number.NaN;
  };
  const files = await written(change, { ...TINY, vocab_size: 30_001 });
  await expectError(() => AlbertModel.from_pretrained(files), 'ERR_PARAMETER', 'word_embeddings.weight');
});

load('a checkpoint of other sizes takes no memory', async () => {
  const config = { ...TINY, vocab_size: 2 ** 24, embedding_size: 2 ** 10, intermediate_size: 2 ** 24 };
  const { grow } = WebAssembly.Memory.prototype;
  let grown = 0;
  WebAssembly.Memory.prototype.grow = function (pages) {
    grown++;
    return grow.call(this, pages);
  };
  try {
    const files = { ...intact, 'config.json': JSON.stringify(config) };
    await expectError(() => AlbertModel.from_pretrained(files), 'ERR_PARAMETER', 'word_embeddings.weight');
    assert.is(grown, 0);
    await (await AlbertModel.from_pretrained(intact)).dispose();
    assert.is(grown, 1, 'weights and staging at once');
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
});

load('every parameter may be missing, misshapen or not finite, and is named', async () => {
  await using model = await AlbertForPreTraining.from_config(TINY);
  let cases = 0;
  for (const name of model.params.keys()) {
    const faults: ((tensors: Map<string, Written>) => void)[] = [
      (tensors) => tensors.delete(name),
      (tensors) => {
        const tensor = tensors.get(name) as Written;
        tensor.shape = [...tensor.shape, 1];
      },
      (tensors) => {
        const { data } = tensors.get(name) as Written;
        data[data.length - 1] = Number.POSITIVE_INFINITY;
      },
    ];
    for (const fault of faults) {
      const files = await written(fault);
      await expectError(
        () => AlbertForPreTraining.from_pretrained(files, { strict: true }),
        'ERR_PARAMETER',
        `"${name}"`,
      );
      cases++;
    }
  }
  stateCases(cases, 3 * 80);
});

load('an integer tensor is refused', async () => {
  const bytes = Uint8Array.from(intact['model.safetensors'] as Uint8Array);
  const text = new TextDecoder('latin1').decode(bytes);
  const at = text.indexOf('"dtype":"F32"', text.indexOf('"predictions.bias"'));
  bytes.set(new TextEncoder().encode('"dtype":"I32"'), at);
  await expectError(
    () => AlbertForPreTraining.from_pretrained({ ...intact, 'model.safetensors': bytes }),
    'ERR_PARAMETER',
    '"predictions.bias"',
    'I32',
  );
});

load('missing and broken files', async () => {
  const config = intact['config.json'] as string;
  const weights = intact['model.safetensors'] as Uint8Array;
  await expectError(() => AlbertModel.from_pretrained({}), 'ERR_SOURCE', 'config.json');
  await expectError(
    () => AlbertModel.from_pretrained({ 'config.json': config }),
    'ERR_SOURCE',
    'model.safetensors',
    'flax_model.msgpack',
  );
  await expectError(() => AlbertModel.from_pretrained({ ...intact, 'config.json': '{' }), 'ERR_CONFIG', 'JSON');
  await expectError(
    () => AlbertModel.from_pretrained({ ...intact, 'config.json': '{"model_type":"bert"}' }),
    'ERR_CONFIG',
    'model_type',
  );
  const cut = weights.subarray(0, weights.length - 4);
  await expectError(
    () => AlbertModel.from_pretrained({ ...intact, 'model.safetensors': cut }),
    'ERR_CHECKPOINT',
    'model.safetensors',
  );
  await expectError(() => AlbertModel.from_pretrained('no/such/directory'), 'ERR_SOURCE', 'no/such/directory');
  await expectError(() => AlbertModel.from_pretrained(7 as never), 'ERR_SOURCE');
  await expectError(
    () => AlbertModel.from_pretrained(intact, { wasmUrl: new URL('none.wasm', import.meta.url) }),
    'ERR_SOURCE',
    'none.wasm',
  );
  await expectError(
    () => AlbertModel.from_pretrained(intact, { wasmUrl: import.meta.url }),
    'ERR_ENVIRONMENT',
    'compile',
  );
  await expectError(() => AlbertModel.from_pretrained(intact, { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  await using model = await AlbertModel.from_pretrained(intact);
  assert.ok((await model.forward(TINY_INPUTS)).pooler_output.data.every(Number.isFinite));
});

load('large matrices, which are packed in parts, from either orientation', async () => {
  const config = { ...TINY, vocab_size: 3001, embedding_size: 104, hidden_size: 516, intermediate_size: 611 };
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    for (const dtype of ['float32', 'int8'] as const) {
      await using exact = await AlbertForPreTraining.from_config(config, { seed: 2 });
      await using wanted = await AlbertForPreTraining.from_config(config, { seed: 2, dtype });
      const { params } = wanted;
      const half = new Map<string, Float32Array>();
      for (const [format, stored] of [
        ['safetensors', 'float32'],
        ['flax_msgpack', 'float32'],
        ['safetensors', 'float16'],
        ['flax_msgpack', 'float16'],
      ] as const) {
        const target = `${directory}/${dtype}-${format}-${stored}`;
        await exact.save_pretrained(target, { format, dtype: stored });
        await using model = await AlbertForPreTraining.from_pretrained(target, { strict: true, dtype });
        for (const [name, { data }] of model.params) {
          const before = stored === 'float32' ? params.get(name)?.data : (half.get(name) ?? data);
          if (stored === 'float16') half.set(name, data);
          assert.ok(
            Buffer.compare(new Uint8Array(data.buffer), new Uint8Array(before?.buffer as ArrayBuffer)) === 0,
            name,
          );
        }
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

load('no file stays open, whether the checkpoint is taken or not', async () => {
  const descriptors = '/proc/self/fd';
  if (!existsSync(descriptors)) return console.log(`skipped: there is no ${descriptors}`);
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    const weights = intact['model.safetensors'] as Uint8Array;
    const infinite = await written((tensors) => {
      (tensors.get('albert.pooler.bias') as Written).data[0] = Infinity;
    });
    const cases = [
      [weights, undefined],
      [weights.subarray(0, -1), 'ERR_CHECKPOINT'],
      [infinite['model.safetensors'] as Uint8Array, 'ERR_PARAMETER'],
      [new TextEncoder().encode('<html>'), 'ERR_CHECKPOINT'],
    ] as const;
    writeFileSync(`${directory}/config.json`, intact['config.json'] as string);
    const before = readdirSync(descriptors).length;
    for (const [bytes, code] of cases) {
      writeFileSync(`${directory}/model.safetensors`, bytes);
      const open = () => AlbertModel.from_pretrained(directory);
      if (code === undefined) await (await open()).dispose();
      else await expectError(open, code);
      assert.is(readdirSync(descriptors).length, before, code);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

load('an abort between any two parts ends the load', async () => {
  let refusals = 0;
  for (let calls = 0; ; calls++) {
    let asked = 0;
    const signal = {
      get aborted() {
        return ++asked > calls;
      },
    } as AbortSignal;
    try {
      await (await AlbertModel.from_pretrained(intact, { signal })).dispose();
      break;
    } catch (error) {
      assert.is((error as { code?: string }).code, 'ERR_ABORTED');
      refusals++;
    }
  }
  // One for each of its tensors, beside those on the way.
  stateCases(refusals, 70);
});

load('params are what the file holds, bit for bit', async () => {
  for (const name of ['groups/pretraining', 'untied_relu/pretraining']) {
    const { config } = readFixture(name);
    for (const file of ['model.safetensors', 'flax_model.msgpack']) {
      const files = { 'config.json': JSON.stringify(config), [file]: fixtureBytes(name, file) };
      await using model = await AlbertForPreTraining.from_pretrained(files, { strict: true });
      const { tensors } = decodeSafetensors(fixtureBytes(name, 'model.safetensors'), name);
      assert.is(model.params.size, tensors.size);
      for (const [key, { shape, data }] of model.params) {
        const stored = tensors.get(key);
        assert.ok(stored, key);
        const wanted = new Float32Array(data.length);
        decodeFloat32(stored, wanted);
        assert.equal([...shape], [...stored.shape], key);
        assert.equal(data, wanted, key);
      }
    }
  }
});

load('what is saved is byte for byte what the original libraries write, and loads again', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    for (const name of ['tiny/model', 'groups/pretraining', 'untied_relu/pretraining', 'tiny/question_answering']) {
      const { head, config, inputs } = readFixture(name);
      const files = {
        'config.json': JSON.stringify(config),
        'model.safetensors': fixtureBytes(name, 'model.safetensors'),
      };
      await using model = await HEADS[head].from_pretrained(files);
      const golden = await model.forward(inputs, { return_dict: false });
      for (const format of ['safetensors', 'flax_msgpack'] as const) {
        const file = format === 'safetensors' ? 'model.safetensors' : 'flax_model.msgpack';
        const target = `${directory}/${name.replace('/', '-')}-${format}`;
        await model.save_pretrained(target, { format });
        assert.equal(readdirSync(target).sort(), ['config.json', file].sort());
        assert.ok(Buffer.compare(readFileSync(`${target}/${file}`), fixtureBytes(name, file)) === 0, `${name} ${file}`);
        await using again = await HEADS[head].from_pretrained(target, { strict: true });
        assert.equal(await again.forward(inputs, { return_dict: false }), golden);
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

load('a save that fails at its second file leaves the first as it was', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    await using old = await AlbertModel.from_config(TINY, { seed: 1 });
    await using model = await AlbertModel.from_config(TINY, { seed: 2 });
    await old.save_pretrained(directory);
    const before = readFileSync(`${directory}/model.safetensors`);
    // Nothing is renamed to the name of a directory.
    rmSync(`${directory}/config.json`);
    mkdirSync(`${directory}/config.json/kept`, { recursive: true });
    await expectError(() => model.save_pretrained(directory), 'ERR_SOURCE', 'cannot write', directory);
    assert.equal(readdirSync(directory).sort(), ['config.json', 'model.safetensors']);
    assert.equal(readFileSync(`${directory}/model.safetensors`), before);
    assert.ok(existsSync(`${directory}/config.json/kept`));
    // Where there was no file before, there is none after.
    rmSync(`${directory}/model.safetensors`);
    await expectError(() => model.save_pretrained(directory), 'ERR_SOURCE', 'cannot write', directory);
    assert.equal(readdirSync(directory), ['config.json']);
    rmSync(`${directory}/config.json`, { recursive: true });
    await model.save_pretrained(directory);
    await model.save_pretrained(directory);
    assert.equal(readdirSync(directory).sort(), ['config.json', 'model.safetensors']);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

load('sizes that config.json lacks are transformers’ defaults, told of where the weights have others', async () => {
  await using model = await AlbertForSequenceClassification.from_config({ ...TINY, vocab_size: 30_000 });
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    await model.save_pretrained(directory);
    const config = JSON.parse(readFileSync(`${directory}/config.json`, 'utf8'));
    const files = (changes: object): ModelFiles => ({
      'config.json': JSON.stringify({ ...config, ...changes }),
      'model.safetensors': readFileSync(`${directory}/model.safetensors`),
    });
    const defaults = {
      vocab_size: undefined,
      type_vocab_size: undefined,
      architectures: undefined,
      model_type: undefined,
    };
    await using again = await AlbertForSequenceClassification.from_pretrained(files(defaults));
    assert.is(again.config.vocab_size, 30_000);
    const { logits } = await model.forward(TINY_INPUTS);
    assert.equal((await again.forward(TINY_INPUTS)).logits.data, logits.data);

    const load = (changes: object) => AlbertForSequenceClassification.from_pretrained(files(changes));
    const other = await expectError(() => load({ embedding_size: undefined }), 'ERR_PARAMETER', 'word_embeddings');
    assert.match(other.message, /^config.json has no "embedding_size": 128 is taken/);
    await expectError(() => load({ vocab_size: null }), 'ERR_CONFIG', '"vocab_size"');
    const labels = await expectError(
      () => load({ id2label: { 0: 'a', 1: 'b', 2: 'c' }, num_labels: 2 }),
      'ERR_PARAMETER',
      'classifier.weight',
    );
    assert.match(labels.message, /^"id2label" counts, not "num_labels"/);
    // A class of any form is no fault of it.
    for (const architectures of [null, 7, 'AlbertForSequenceClassification', { toString: 1 }, [[[]], { a: [] }]]) {
      await using model = await load({ architectures });
      assert.equal((await model.forward(TINY_INPUTS)).logits.data, logits.data);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

load('half precision rounds once', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    await using model = await AlbertModel.from_pretrained(intact);
    for (const [dtype, error] of [
      ['float16', 2 ** -11],
      ['bfloat16', 2 ** -8],
    ] as const) {
      await model.save_pretrained(`${directory}/${dtype}`, { dtype });
      await using again = await AlbertModel.from_pretrained(`${directory}/${dtype}`);
      for (const [name, { data }] of model.params) {
        const rounded = again.params.get(name)?.data as Float32Array;
        assert.ok(
          data.every((value, i) => Math.abs((rounded[i] as number) - value) <= Math.abs(value) * error + 2 ** -25),
        );
      }
    }
    await expectError(() => model.save_pretrained(directory, { format: 'onnx' as never }), 'ERR_INPUT', 'format');
    await expectError(() => model.save_pretrained(directory, { dtype: 'int4' as never }), 'ERR_INPUT', 'dtype');
    await expectError(() => model.save_pretrained('/dev/null/x'), 'ERR_SOURCE', '/dev/null/x');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

load('saving loses nothing in silence', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    await using model = await AlbertModel.from_config({ ...TINY, initializer_range: 1e6 });
    await expectError(
      () => model.save_pretrained(directory, { dtype: 'float16' }),
      'ERR_PARAMETER',
      'word_embeddings',
      'float16',
    );
    assert.equal(readdirSync(directory), []);
    await Promise.all([model.save_pretrained(directory), model.save_pretrained(pathToFileURL(`${directory}/`))]);
    assert.equal(readdirSync(directory).sort(), ['config.json', 'model.safetensors']);
    // The old safetensors would be loaded instead of the new msgpack.
    await expectError(
      () => model.save_pretrained(directory, { format: 'flax_msgpack' }),
      'ERR_SOURCE',
      'model.safetensors',
    );
    assert.is(JSON.parse(readFileSync(`${directory}/config.json`, 'utf8')).dtype, 'float32');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

load('from_config initialises as FlaxAlbert: normal weights, zero biases, ones for scales', async () => {
  const config = { ...TINY, vocab_size: 3000, embedding_size: 40, initializer_range: 0.02, tie_word_embeddings: false };
  await using model = await AlbertForPreTraining.from_config(config, { seed: 5 });
  for (const [name, { data }] of model.params) {
    if (name.endsWith('bias'))
      assert.ok(
        data.every((value) => value === 0),
        name,
      );
    else if (/LayerNorm|layer_norm/.test(name))
      assert.ok(
        data.every((value) => value === 1),
        name,
      );
    else {
      const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
      const deviation = Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
      // Six standard errors of mean and deviation.
      assert.ok(Math.abs(mean) < (6 * 0.02) / Math.sqrt(data.length), `${name} mean ${mean}`);
      assert.ok(Math.abs(deviation / 0.02 - 1) < 6 / Math.sqrt(2 * data.length), `${name} deviation ${deviation}`);
    }
  }
  // The fourth moment of a normal distribution is 3; a uniform one has 1.8.
  const words = model.params.get('albert.embeddings.word_embeddings.weight')?.data as Float32Array;
  const kurtosis = words.reduce((sum, value) => sum + (value / 0.02) ** 4, 0) / words.length;
  assert.ok(Math.abs(kurtosis - 3) < 0.15, `kurtosis ${kurtosis}`);
  await using same = await AlbertForPreTraining.from_config(config, { seed: 5 });
  await using other = await AlbertForPreTraining.from_config(config, { seed: 6 });
  assert.equal(same.params.get('albert.pooler.weight')?.data, model.params.get('albert.pooler.weight')?.data);
  assert.not.equal(other.params.get('albert.pooler.weight')?.data, model.params.get('albert.pooler.weight')?.data);
});

load.run();
