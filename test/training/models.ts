/** Models, batches and comparisons that the tests of training share. */
import * as assert from 'uvu/assert';
import type { Tensor } from '../../src/ground/tensor.js';
import type { AlbertInputs } from '../../src/model/inputs.js';
import type { InitOptions } from '../../src/model/options.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { Random } from '../assembly/reference.js';
import { HEADS } from '../support/fixtures.js';
import { TINY } from '../support/tiny.js';

export type Grads = ReadonlyMap<string, Tensor<Float32Array>>;

/** The configuration of `TINY` with dropout at every site. */
export const DROPS = {
  ...TINY,
  hidden_dropout_prob: 0.2,
  attention_probs_dropout_prob: 0.3,
  classifier_dropout_prob: 0.4,
};

/** A model of this head and configuration, the same for the same seed. */
export function tinyModel(head: keyof typeof HEADS, config: object = TINY, options: InitOptions = {}) {
  return HEADS[head].from_config(config as Record<string, unknown>, { ...options, seed: 5 } as InitOptions);
}

/** As {@link tinyModel}, with other numbers in one parameter. */
export async function modelWith(head: keyof typeof HEADS, config: object, changed: Map<string, Float32Array>) {
  await using model = await tinyModel(head, config);
  const tensors = [...model.params].map(([name, { shape, data }]) => ({
    name,
    shape,
    data: changed.get(name) ?? data,
  }));
  const files = {
    'config.json': JSON.stringify(config),
    'model.safetensors': encodeSafetensors(tensors, 'F32', {}),
  };
  return HEADS[head].from_pretrained(files);
}

/** Texts of these lengths, all ids drawn from the seed. */
export function texts(lengths: readonly number[], seed = 1): AlbertInputs[] {
  const random = new Random(seed);
  return lengths.map((length) => ({
    input_ids: [Array.from(random.uniform(length), (u) => 1 + Math.floor(Math.abs(u) * 95))],
    token_type_ids: [Array.from({ length }, (_, i) => Number(i > length / 2))],
  }));
}

/** The texts as one batch, padded on the right. */
export function padded(inputs: readonly AlbertInputs[]): AlbertInputs {
  const rows = (key: 'input_ids' | 'token_type_ids') => inputs.map((input) => (input[key] as number[][])[0]!);
  const longest = Math.max(...rows('input_ids').map(({ length }) => length));
  const pad = (row: readonly number[]) => [...row, ...Array(longest - row.length).fill(0)];
  return {
    input_ids: rows('input_ids').map(pad),
    token_type_ids: rows('token_type_ids').map(pad),
    attention_mask: rows('input_ids').map((row) => pad(row.map(() => 1))),
  };
}

/** Fails unless the gradients are the same bit for bit. */
export function assertSame(found: Grads, wanted: Grads): void {
  assert.equal([...found.keys()], [...wanted.keys()]);
  for (const [name, { data }] of wanted) assert.equal(found.get(name)!.data, data, name);
}

/** Fails unless no gradient is off by more than this share of the largest of all. */
export function assertClose(found: Grads, wanted: Grads, share = 2e-6): void {
  assert.equal([...found.keys()], [...wanted.keys()]);
  const most = (values: Iterable<number>) => [...values].reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const largest = Math.max(...[...wanted.values()].map(({ data }) => most(data)));
  assert.ok(largest > 1e-3, 'no gradient to compare');
  for (const [name, { data }] of wanted) {
    const error = most(found.get(name)!.data.map((value, i) => value - data[i]!));
    assert.ok(error <= share * largest, `${name}: off by ${error}, ${error / largest} of the largest`);
  }
}
