/** Configurations: what is refused, with the key named, and what the defaults are. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertError } from '../../src/errors.js';
import { groupOfLayer, parseConfig } from '../../src/model/config.js';
import { expectError } from '../expect-error.js';
import { TINY } from '../tiny.js';

const config = suite('config');

const SIZES = [
  'vocab_size',
  'embedding_size',
  'hidden_size',
  'num_hidden_layers',
  'num_attention_heads',
  'intermediate_size',
  'max_position_embeddings',
  'type_vocab_size',
];

const FAULTS: [key: string, value: unknown][] = [
  ...SIZES.flatMap((key) =>
    [undefined, 0, -1, 2.5, 2 ** 30, Number.NaN, '12', null].map((value): [string, unknown] => [key, value]),
  ),
  ...['num_hidden_groups', 'inner_group_num'].flatMap((key) =>
    [0, -1, 0.5, 1e9].map((value): [string, unknown] => [key, value]),
  ),
  ['num_hidden_layers', 1e9],
  ['num_attention_heads', 5],
  ['num_hidden_groups', 4],
  ['model_type', 'bert'],
  ['position_embedding_type', 'relative_key'],
  ['hidden_act', 'mish'],
  ['hidden_act', 'constructor'],
  ['hidden_act', 7],
  ['hidden_dropout_prob', 1],
  ['hidden_dropout_prob', -0.1],
  ['attention_probs_dropout_prob', 'x'],
  ['classifier_dropout_prob', 2],
  ['layer_norm_eps', 0],
  ['layer_norm_eps', Number.POSITIVE_INFINITY],
  ['initializer_range', -1],
  ['tie_word_embeddings', 'yes'],
  ['num_labels', 0],
  ['num_labels', 65_537],
  ['inner_group_num', 121],
  ['id2label', []],
  ['id2label', {}],
  ['id2label', Object.fromEntries(Array.from({ length: 65_537 }, (_, id) => [id, `LABEL_${id}`]))],
  ['id2label', { 0: 'a', 2: 'b' }],
  ['id2label', { 0: 7 }],
];

for (const [key, value] of FAULTS) {
  config(`${key} ${JSON.stringify(value)?.slice(0, 80) ?? value} is refused by name`, async () => {
    await expectError(() => parseConfig({ ...TINY, [key]: value }), 'ERR_CONFIG', `"${key}"`, 'expected', 'got');
  });
}

config('what is no object is refused', async () => {
  for (const value of [null, [], 'albert', 7]) await expectError(() => parseConfig(value), 'ERR_CONFIG', 'an object');
});

config('defaults are FlaxAlbert’s', () => {
  const { model_type, hidden_act, num_hidden_groups, inner_group_num, initializer_range, ...sizes } = TINY;
  const parsed = parseConfig(sizes);
  assert.is(parsed.hidden_act, 'gelu_new');
  assert.is(parsed.num_hidden_groups, 1);
  assert.is(parsed.inner_group_num, 1);
  assert.is(parsed.initializer_range, 0.02);
  assert.is(parsed.layer_norm_eps, 1e-12);
  assert.is(parsed.classifier_dropout_prob, 0.1);
  assert.is(parsed.hidden_dropout_prob, 0);
  assert.is(parsed.tie_word_embeddings, true);
  assert.equal(parsed.id2label, { 0: 'LABEL_0', 1: 'LABEL_1' });
});

config('classifier_dropout_prob null takes the hidden rate', () => {
  const parsed = parseConfig({ ...TINY, hidden_dropout_prob: 0.3, classifier_dropout_prob: null });
  assert.is(parsed.classifier_dropout_prob, 0.3);
});

config('id2label counts the labels, other keys are kept, the whole is frozen', () => {
  const parsed = parseConfig({ ...TINY, id2label: { 0: 'a', 1: 'b', 2: 'c' }, num_labels: 7, pad_token_id: 0 });
  assert.is(parsed.num_labels, 3);
  assert.is(parsed.pad_token_id, 0);
  assert.throws(() => Object.assign(parsed, { hidden_size: 1 }), /read only/);
});

config('layers choose their group as FlaxAlbert does', () => {
  const groups = (num_hidden_layers: number, num_hidden_groups: number) => {
    const parsed = parseConfig({ ...TINY, num_hidden_layers, num_hidden_groups });
    return Array.from({ length: num_hidden_layers }, (_, layer) => groupOfLayer(parsed, layer));
  };
  assert.equal(groups(4, 2), [0, 0, 1, 1]);
  assert.equal(groups(3, 2), [0, 0, 1]);
  assert.equal(groups(5, 3), [0, 0, 1, 1, 2]);
});

config('5,000 random configurations are read or refused, never worse', () => {
  const value = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
  );
  const key = fc.constantFrom(...SIZES, 'hidden_act', 'layer_norm_eps', 'num_hidden_groups', 'id2label', 'num_labels');
  const changes = fc.dictionary(key, value, { maxKeys: 3 });
  fc.assert(
    fc.property(changes, (change) => {
      try {
        parseConfig({ ...TINY, ...change });
      } catch (error) {
        return error instanceof AlbertError && error.code === 'ERR_CONFIG';
      }
      return true;
    }),
    { numRuns: 5000 },
  );
});

config.run();
