/** `dtype: 'int8'` of a model: what is stored, what params and files say of it, and what stays exact. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/engine/engine.js';
import { startRuntime } from '../../src/engine/runtime.js';
import { ACTIVATION_RANGES } from '../../src/engine/schemes.js';
import { Tensor } from '../../src/ground/tensor.js';
import {
  AlbertForMaskedLM,
  AlbertForPreTraining,
  AlbertForSequenceClassification,
  AlbertModel,
} from '../../src/model/models.js';
import { type Parameter, ParameterTable } from '../../src/model/parameters/table.js';
import { BUILDS } from '../support/builds.js';
import { expectError } from '../support/expect-error.js';
import { fixtureBytes, formulaFiles, readFixture } from '../support/fixtures.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const int8 = suite('int8');

int8('an unknown dtype is refused, whatever else is wrong', async () => {
  for (const dtype of ['int4', 'float16', '', null, 8]) {
    const options = { dtype: dtype as never };
    await expectError(() => AlbertModel.from_config(TINY, options), 'ERR_INPUT', '"dtype" expected float32 or int8');
    await expectError(() => AlbertModel.from_pretrained('no/such/directory', options), 'ERR_INPUT', '"dtype"');
  }
});

int8('a product whose sums would overflow is refused in int8, and runs in float32', async () => {
  const config = { ...TINY, intermediate_size: 2 ** 17 + 1 };
  await expectError(
    () => AlbertModel.from_config(config, { dtype: 'int8' }),
    'ERR_CONFIG',
    'ffn_output" expected at most 131072 in int8, got 131073',
  );
  await using model = await AlbertModel.from_config(config);
  assert.is(model.info().dtype, 'float32');
  await using deepest = await AlbertModel.from_config({ ...TINY, intermediate_size: 2 ** 17 }, { dtype: 'int8' });
  assert.is(deepest.info().dtype, 'int8');
});

int8('info says the dtype, and less than a third of the bytes', async () => {
  const { config } = readFixture('base_v2/model');
  await using large = await AlbertModel.from_config(config);
  await using small = await AlbertModel.from_config(config, { dtype: 'int8' });
  assert.is(large.info().dtype, 'float32');
  assert.is(small.info().dtype, 'int8');
  assert.ok(large.info().weightBytes > 46e6);
  assert.ok(small.info().weightBytes < 15e6, `${small.info().weightBytes}`);
});

int8(
  'with activations of 8 bits, the dense layer after the attention computes in int8; `params` still has its float32 weights',
  async () => {
    for (const { name, wasmUrl } of BUILDS) {
      const runtime = await startRuntime({ maxMemoryBytes: 2 ** 24, threads: 1, wasmUrl: wasmUrl.href });
      for (const activations of name === 'relaxed' ? ACTIVATION_RANGES : [undefined]) {
        for (const dtype of ['int8', 'float32'] as const) {
          const engine = new Engine({ ...runtime, activations }, { dtype, inputs: 96 });
          const table = new ParameterTable(engine.memory.region(), engine);
          const { panels } = table.dense({ name: 'dense', inputs: 96, outputs: 8, stored: 'fine' });
          const eight =
            dtype === 'int8' && activations !== undefined && activations.highest - activations.lowest === 255;
          assert.is(panels.dtype, eight ? 'fineInt8' : 'float32', `${name}, ${dtype}`);
          const [{ location, quantizable }] = table.parameters as [Parameter];
          assert.is(location.kind === 'panels' && location.panels.dtype, 'float32');
          assert.is(quantizable, false);
        }
      }
    }
  },
);

int8('params: the large matrices to half a level of their channel, everything else bit for bit', async () => {
  for (const { wasmUrl } of BUILDS) {
    for (const tie_word_embeddings of [true, false]) {
      const config = { ...TINY, tie_word_embeddings };
      await using exact = await AlbertForPreTraining.from_config(config, { seed: 3, wasmUrl });
      await using model = await AlbertForPreTraining.from_config(config, { seed: 3, wasmUrl, dtype: 'int8' });
      const { params } = model;
      let quantized = 0;
      for (const [name, { data, shape }] of exact.params) {
        const got = params.get(name) as Tensor<Float32Array>;
        assert.equal([...got.shape], [...shape], name);
        const float32 = shape.length === 1 || /position_|token_type_|attention\.dense|classifier/.test(name);
        if (float32) {
          assert.equal(got.data, data, name);
          continue;
        }
        const [rows = 0, cols = 0] = shape;
        for (let row = 0; row < rows; row++) {
          const channel = data.subarray(row * cols, row * cols + cols);
          const level = channel.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127;
          const errors = channel.map((v, i) => Math.abs(v - got.data[row * cols + i]!));
          assert.ok(
            errors.every((error) => error <= level * 0.50001),
            `${name}, row ${row}`,
          );
          assert.ok(
            errors.some((error) => error > 0),
            `${name}, row ${row} is not quantised`,
          );
        }
        quantized++;
      }
      const groups = config.num_hidden_groups * config.inner_group_num;
      assert.is(quantized, 1 + 1 + 5 * groups + 1 + (tie_word_embeddings ? 1 : 2));
    }
  }
});

int8('forward packs other params in the dtype of the model', async () => {
  for (const { wasmUrl } of BUILDS) {
    await using exact = await AlbertForMaskedLM.from_config(TINY, { seed: 1, wasmUrl });
    await using model = await AlbertForMaskedLM.from_config(TINY, { seed: 1, wasmUrl, dtype: 'int8' });
    await using other = await AlbertForMaskedLM.from_config(TINY, { seed: 2, wasmUrl, dtype: 'int8' });
    const { logits } = await model.forward(TINY_INPUTS);
    assert.equal((await other.forward(TINY_INPUTS, { params: exact.params })).logits.data, logits.data);
    assert.not.equal((await other.forward(TINY_INPUTS)).logits.data, logits.data);
    assert.not.equal((await exact.forward(TINY_INPUTS)).logits.data, logits.data);
  }
});

int8('params of float32 and int8 models must be finite, and the model answers on', async () => {
  for (const dtype of ['float32', 'int8'] as const) {
    await using model = await AlbertForMaskedLM.from_config(TINY, { dtype });
    const { logits } = await model.forward(TINY_INPUTS);
    for (const name of ['albert.encoder.embedding_hidden_mapping_in.weight', 'predictions.bias']) {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const params = new Map<string, Tensor>(model.params);
        const { data, shape } = params.get(name) as Tensor<Float32Array>;
        data[data.length - 1] = bad;
        params.set(name, new Tensor(data, shape));
        await expectError(() => model.forward(TINY_INPUTS, { params }), 'ERR_PARAMETER', `"${name}"`, 'finite');
      }
    }
    assert.equal((await model.forward(TINY_INPUTS)).logits.data, logits.data);
  }
});

int8('what is saved are the numbers of params, and loads again as the same model', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    for (const format of ['safetensors', 'flax_msgpack'] as const) {
      await using model = await AlbertForPreTraining.from_config(TINY, { seed: 4, dtype: 'int8' });
      await model.save_pretrained(directory, { format });
      await using exact = await AlbertForPreTraining.from_pretrained(directory, { strict: true });
      assert.equal(exact.params, model.params);
      await using again = await AlbertForPreTraining.from_pretrained(directory, { strict: true, dtype: 'int8' });
      const [a, b] = [await model.forward(TINY_INPUTS), await again.forward(TINY_INPUTS)];
      // A scale may come back one unit off.
      for (const [i, value] of a.prediction_logits.data.entries()) {
        assert.ok(Math.abs(value - b.prediction_logits.data[i]!) <= 1e-3, `${value}, ${b.prediction_logits.data[i]}`);
      }
      rmSync(directory, { recursive: true });
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

int8('a batch answers as its parts, bit for bit', async () => {
  const fixture = readFixture('groups/model');
  const files = await formulaFiles(fixture);
  const ids = [
    [2, 5, 9, 4, 7, 3],
    [2, 8, 8, 1, 6, 3],
    [2, 3, 5, 7, 11, 3],
  ];
  for (const { wasmUrl } of BUILDS) {
    await using model = await AlbertModel.from_pretrained(files, { wasmUrl, dtype: 'int8' });
    const whole = (await model.forward({ input_ids: ids })).last_hidden_state.data;
    for (const [i, row] of ids.entries()) {
      const { data } = (await model.forward({ input_ids: [row] })).last_hidden_state;
      assert.equal(whole.slice(i * data.length, (i + 1) * data.length), data, `sequence ${i}`);
    }
  }
});

int8('files in either orientation give the same model', async () => {
  const { config, inputs } = readFixture('groups/pretraining');
  const load = (file: string) =>
    AlbertForSequenceClassification.from_pretrained(
      { 'config.json': JSON.stringify(config), [file]: fixtureBytes('groups/pretraining', file) },
      { dtype: 'int8', onWarning: () => {} },
    );
  await using a = await load('model.safetensors');
  await using b = await load('flax_model.msgpack');
  assert.equal(
    await a.forward(inputs, { output_hidden_states: true }),
    await b.forward(inputs, { output_hidden_states: true }),
  );
});

int8.run();
