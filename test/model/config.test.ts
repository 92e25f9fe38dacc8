/** Configurations: what is refused, with the key named, and what the defaults are. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertError } from '../../src/ground/errors.js';
import { groupOfLayer, HIDDEN_ACTIVATIONS, parseConfig, readConfig } from '../../src/model/config.js';
import { expectError } from '../support/expect-error.js';
import { TINY } from '../support/tiny.js';

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
  ['hidden_act', 'elu'],
  ['hidden_act', 'identity'],
  ['hidden_act', 'GELU'],
  ['hidden_act', ['gelu']],
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
  ['num_labels', '3'],
  ['num_labels', 2.5],
  ['id2label', 'a,b'],
  ['id2label', ['a', null]],
  ['id2label', ['a', ['b']]],
  ['id2label', { 1: 'neg', 2: 'pos' }],
  ['id2label', { LABEL_0: 'neg' }],
  ['id2label', Object.fromEntries(Array.from({ length: 65_537 }, (_, id) => [id, `LABEL_${id}`]))],
  ['id2label', { 0: 'a', 2: 'b' }],
  ['id2label', { 0: true }],
  ['id2label', { 0: { name: 'a' } }],
  ['model_type', 7],
  ['model_type', { toString: 1 }],
  ['model_type', ['albert']],
  ['position_embedding_type', 7],
  ['problem_type', 'ranking'],
  ['problem_type', 1],
  ['layer_norm_eps', '1e-12'],
  ['hidden_dropout_prob', '0.1'],
];

for (const [key, value] of FAULTS) {
  config(`${key} ${JSON.stringify(value)?.slice(0, 80) ?? value} is refused by name`, async () => {
    await expectError(() => parseConfig({ ...TINY, [key]: value }), 'ERR_CONFIG', `"${key}"`, 'expected', 'got');
  });
}

config('what is no object is refused', async () => {
  for (const value of [null, [], 'albert', 7]) await expectError(() => parseConfig(value), 'ERR_CONFIG', 'an object');
});

config('activations with parameters of their own are refused as such', async () => {
  for (const hidden_act of ['prelu', 'xielu', 'sqrtsoftplus']) {
    const parse = () => parseConfig({ ...TINY, hidden_act });
    await expectError(parse, 'ERR_CONFIG', '"hidden_act"', 'without parameters', 'gelu_fast', `got "${hidden_act}"`);
  }
});

config('activations of transformers, each name with its kernel', () => {
  const kernels = {
    gelu: 'gelu',
    gelu_10: 'gelu_10',
    gelu_accurate: 'gelu_new',
    gelu_fast: 'gelu_new',
    gelu_new: 'gelu_new',
    gelu_python: 'gelu',
    gelu_python_tanh: 'gelu_new',
    gelu_pytorch_tanh: 'gelu_new',
    hardswish: 'hardswish',
    laplace: 'laplace',
    leaky_relu: 'leaky_relu',
    linear: 'identity',
    mish: 'mish',
    quick_gelu: 'quick_gelu',
    relu: 'relu',
    relu2: 'relu2',
    relu6: 'relu6',
    sigmoid: 'sigmoid',
    silu: 'silu',
    swish: 'silu',
    tanh: 'tanh',
  };
  for (const hidden_act of Object.keys(kernels)) assert.is(parseConfig({ ...TINY, hidden_act }).hidden_act, hidden_act);
  assert.equal({ ...HIDDEN_ACTIVATIONS }, kernels);
});

config('labels in the forms that files have', () => {
  const labels = (changes: object) => {
    const { num_labels, id2label } = parseConfig({ ...TINY, ...changes });
    assert.is(Object.keys(id2label).length, num_labels);
    return Object.values(id2label);
  };
  assert.equal(labels({ id2label: { 0: 1, 1: 2, 2: 3.5 } }), ['1', '2', '3.5'], 'numbers');
  assert.equal(labels({ id2label: ['neg', 'pos', 5] }), ['neg', 'pos', '5'], 'a list');
  assert.equal(labels({ id2label: { 1: 'b', 0: 'a' } }), ['a', 'b'], 'in any order');
  assert.equal(labels({ id2label: { 0: 'a', 1: 'a' } }), ['a', 'a'], 'one name twice');
  assert.equal(labels({ id2label: { 0: 'a' }, num_labels: 3 }), ['a'], 'id2label counts');
  assert.equal(labels({ num_labels: 3 }), ['LABEL_0', 'LABEL_1', 'LABEL_2']);
  for (const none of [null, {}, [], undefined]) {
    assert.equal(labels({ id2label: none, num_labels: 1 }), ['LABEL_0']);
    assert.equal(labels({ id2label: none, num_labels: null }), ['LABEL_0', 'LABEL_1']);
    assert.equal(labels({ id2label: none, label2id: { c: 2, a: 0, b: 1 } }), ['a', 'b', 'c'], 'label2id alone');
  }
  assert.equal(labels({ label2id: { b: 1, a: 0 }, num_labels: 2 }), ['a', 'b']);
  // What does not name each id once names none.
  for (const label2id of [
    { a: 0, b: 2 },
    { a: 1 },
    { a: 0, b: 0 },
    { a: '0', b: '1' },
    { a: 0.5, b: 1 },
    [],
    'a',
    null,
  ]) {
    assert.equal(labels({ label2id }), ['LABEL_0', 'LABEL_1'], JSON.stringify(label2id));
  }
  assert.equal(labels({ label2id: { a: 0 }, num_labels: 2 }), ['LABEL_0', 'LABEL_1'], 'num_labels counts');
  assert.equal(labels({ id2label: { 0: 'x', 1: 'y' }, label2id: { a: 0, b: 1 } }), ['x', 'y'], 'id2label names');
});

config('keys of other versions and tools change nothing, null is as if absent', () => {
  const plain = parseConfig(TINY);
  // transformers 2, Google's and brightmart's files, transformers 4 and 5.
  const keys = {
    net_structure_type: 0,
    gap_size: 0,
    down_scale_factor: 1,
    num_memory_blocks: 0,
    layers_to_keep: [],
    _num_labels: 2,
    output_past: true,
    pruned_heads: {},
    is_decoder: false,
    do_sample: false,
    directionality: 'bidi',
    ln_type: 'postln',
    pooler_fc_size: 768,
    torch_dtype: 'float16',
    dtype: null,
    transformers_version: '4.31.0',
    architectures: null,
  };
  assert.equal(parseConfig({ ...TINY, ...keys }), { ...plain, ...keys });
  const nulls = {
    model_type: null,
    hidden_act: null,
    inner_group_num: null,
    hidden_dropout_prob: null,
    attention_probs_dropout_prob: null,
    position_embedding_type: null,
    problem_type: null,
    layer_norm_eps: null,
    tie_word_embeddings: null,
    id2label: null,
    label2id: null,
    num_labels: null,
  };
  const { inner_group_num, hidden_act, ...least } = TINY;
  const parsed = parseConfig({ ...least, ...nulls });
  for (const [key, value] of Object.entries(parseConfig(least))) assert.equal(parsed[key], value, key);
  for (const model_type of ['albert', 'ALBERT', 'Albert', null, undefined]) {
    assert.is(parseConfig({ ...TINY, model_type }).model_type, 'albert');
  }
});

config('a file without sizes has those of transformers, and says so where they do not fit', async () => {
  const { config, doubts } = readConfig({});
  assert.is(config.vocab_size, 30_000);
  assert.is(config.embedding_size, 128);
  assert.is(config.hidden_size, 4096);
  assert.is(config.num_hidden_layers, 12);
  assert.is(config.num_attention_heads, 64);
  assert.is(config.intermediate_size, 16_384);
  assert.is(config.max_position_embeddings, 512);
  assert.is(config.type_vocab_size, 2);
  assert.is(doubts.length, 8);
  assert.equal(readConfig(TINY), { config: parseConfig(TINY), doubts: [] });
  const counted = readConfig({ ...TINY, id2label: { 0: 'a', 1: 'b' }, num_labels: 3 });
  assert.is(counted.doubts.length, 1);
  assert.match(counted.doubts[0] as string, '"num_labels"');
  for (const key of SIZES) await expectError(() => readConfig({ ...TINY, [key]: null }), 'ERR_CONFIG', `"${key}"`);
  await expectError(() => readConfig([]), 'ERR_CONFIG', 'an object');
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
