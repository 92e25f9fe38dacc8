/**
 * Configurations that no fixture has: sizes that fill no vector, panel or tile, and several inner layers, each with weights of
 * several seeds, against float64. FlaxAlbert's own error is not known for them, so the bounds are shares of a field's scale.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AlbertConfig } from '../../src/model/config.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { forward } from '../reference/albert.js';
import type { Sequence } from '../reference/encoder.js';
import type { Rows } from '../reference/operations.js';
import { parameterShapes, prefixOf } from '../reference/parameters.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { HEADS } from '../support/fixtures.js';
import { formulaTensor } from '../support/formula.js';
import { seeded } from '../tokenizer/support.js';

const test = suite('odd sizes');

/** The largest error of a number, as a share of the field's largest value: of 960 fields none was off by more than 4.8e-6. */
const LARGEST = 7e-6;
/** The root mean square of the errors of a configuration's numbers, each as such a share: it does not hang on one number as the largest does. */
const MEAN = 5e-7;

/** Of two heads by turns. */
const SEEDS = 2;

const BASE: AlbertConfig = {
  model_type: 'albert',
  vocab_size: 97,
  embedding_size: 13,
  hidden_size: 130,
  num_hidden_layers: 2,
  num_hidden_groups: 1,
  inner_group_num: 3,
  num_attention_heads: 13,
  intermediate_size: 257,
  hidden_act: 'gelu_new',
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
  classifier_dropout_prob: 0,
  max_position_embeddings: 64,
  type_vocab_size: 2,
  initializer_range: 0.02,
  layer_norm_eps: 1e-12,
  tie_word_embeddings: true,
  num_labels: 2,
  id2label: { 0: 'a', 1: 'b' },
};

const CONFIGS: Readonly<Record<string, AlbertConfig>> = {
  'hidden 130, 13 heads of 10, intermediate 257, 2 × 3 layers': BASE,
  'the same, 1 × 4 layers': { ...BASE, num_hidden_layers: 1, inner_group_num: 4 },
  'the same, erf': { ...BASE, hidden_act: 'gelu' },
  'one head of 130': { ...BASE, num_attention_heads: 1 },
  'hidden 86, 2 heads of 43, intermediate 131': {
    ...BASE,
    hidden_size: 86,
    num_attention_heads: 2,
    intermediate_size: 131,
  },
  'hidden 66, 6 heads of 11, 12 layers': {
    ...BASE,
    hidden_size: 66,
    num_attention_heads: 6,
    intermediate_size: 131,
    num_hidden_layers: 12,
    inner_group_num: 1,
  },
  'hidden 33, 11 heads of 3, intermediate 1': {
    ...BASE,
    hidden_size: 33,
    num_attention_heads: 11,
    intermediate_size: 1,
  },
  'hidden 391, 17 heads of 23, intermediate 771': {
    ...BASE,
    hidden_size: 391,
    num_attention_heads: 17,
    intermediate_size: 771,
    num_hidden_layers: 1,
    inner_group_num: 2,
  },
};

function sequencesOf(seed: number): Sequence[] {
  const random = seeded(seed);
  const length = 1 + random(11);
  const each = (value: (i: number) => number) => Array.from({ length }, (_, i) => value(i));
  return [0, 1].map(() => ({
    ids: each(() => random(BASE.vocab_size)),
    mask: each((i) => Number(i === 0 || random(5) > 0)),
    types: each(() => random(2)),
    positions: each((i) => i),
  }));
}

function toRows(data: Float32Array, shape: readonly number[]): Rows {
  const width = shape.at(-1) as number;
  return Array.from({ length: data.length / width }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);
}

let fields = 0;
for (const [name, config] of Object.entries(CONFIGS)) {
  test(name, async () => {
    for (const build of BUILDS.filter(({ name }) => name !== 'debug')) {
      let [sum, count] = [0, 0];
      for (let seed = 0; seed < SEEDS; seed++) {
        const head = seed % 2 === 0 ? 'model' : 'pretraining';
        const tensors = [...parameterShapes(config, head)].map(([name, shape]) => ({
          name,
          shape,
          data: formulaTensor(`${seed}.${name}`, shape),
        }));
        const weights = new Map(tensors.map(({ name, shape, data }) => [name, toRows(data, shape)]));
        const batch = sequencesOf(seed);
        const wanted = forward({ config, weights, prefix: prefixOf(head) }, head, batch);
        const files = {
          'config.json': JSON.stringify(config),
          'model.safetensors': encodeSafetensors(tensors, 'F32', {}),
        };
        await using model = await HEADS[head].from_pretrained(files, { wasmUrl: build.wasmUrl, strict: true });
        const output = await model.forward({
          input_ids: batch.map(({ ids }) => [...ids]),
          attention_mask: batch.map(({ mask }) => [...mask]),
          token_type_ids: batch.map(({ types }) => [...types]),
        });
        for (const [field, { data }] of Object.entries(output as unknown as Record<string, { data: Float32Array }>)) {
          const want = wanted.get(field)!;
          assert.is(data.length, want.length, field);
          const scale = want.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          for (let i = 0; i < want.length; i++) {
            const error = Math.abs(data[i]! - want[i]!) / scale;
            assert.ok(error <= LARGEST, `${build.name}, seed ${seed}, ${field}[${i}]: ${error} of ${scale}`);
            sum += error * error;
            count++;
          }
          fields++;
        }
      }
      const mean = Math.sqrt(sum / count);
      assert.ok(mean <= MEAN, `${build.name}: root mean square ${mean}`);
    }
  });
}

test('all fields were compared', () => stateCases(fields, 2 * SEEDS * Object.keys(CONFIGS).length * 2));

test.run();
