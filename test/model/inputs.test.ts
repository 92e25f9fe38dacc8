/** Bad input is refused before any kernel runs, with its place, and the model answers on as before. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AlbertErrorCode } from '../../src/ground/errors.js';
import { Tensor } from '../../src/ground/tensor.js';
import { AlbertForMultipleChoice, AlbertModel } from '../../src/model/models.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const inputs = suite('inputs');

const ids = [2, 5, 17, 96, 3];
let deep: unknown = 5;
for (let i = 0; i < 50_000; i++) deep = [deep];
const circular: unknown[] = [];
circular.push(circular);
const over = Array.from({ length: TINY.max_position_embeddings + 1 }, () => 5);

const FAULTS: [title: string, input: unknown, code: AlbertErrorCode, ...words: string[]][] = [
  ['an id of vocab_size', { input_ids: [[2, 97, 3]] }, 'ERR_INPUT', '"input_ids"', '96', '97', '[0, 1]'],
  ['a negative id', { input_ids: [ids, [2, 5, -1, 0, 3]] }, 'ERR_INPUT', '-1', '[1, 2]'],
  ['a fractional id', { input_ids: [[2, 5.5, 3]] }, 'ERR_INPUT', 'integer', '5.5', '[0, 1]'],
  ['an id of 2³¹', { input_ids: [[2 ** 31]] }, 'ERR_INPUT', '2147483648'],
  ['an id of 2⁶³', { input_ids: [[2n ** 63n]] }, 'ERR_INPUT', '[0, 0]'],
  ['NaN', { input_ids: [[Number.NaN]] }, 'ERR_INPUT', 'NaN'],
  ['a string for an id', { input_ids: [['5']] }, 'ERR_INPUT', 'a number', '[0, 0]'],
  ['ragged rows', { input_ids: [ids, [2, 3]] }, 'ERR_INPUT', 'one length', '[1]'],
  ['a row that is a number', { input_ids: [ids, 5] }, 'ERR_INPUT', '[1]'],
  ['a deeper row', { input_ids: [[2, [5], 3]] }, 'ERR_INPUT', '[0, 1]'],
  ['a fault in a single sequence', { input_ids: [2, 5, 97] }, 'ERR_INPUT', 'got 97 at [2]'],
  ['deep nesting', { input_ids: deep }, 'ERR_INPUT', 'nested deeper'],
  ['an array in itself', { input_ids: circular }, 'ERR_INPUT', 'nested deeper'],
  ['three axes', { input_ids: [[ids]] }, 'ERR_INPUT', '(batch, seq)'],
  ['an empty batch', { input_ids: [] }, 'ERR_INPUT', 'at least one'],
  ['an empty sequence', { input_ids: [[]] }, 'ERR_INPUT', 'at least one'],
  ['a batch of empty typed data', { input_ids: new Int32Array(0) }, 'ERR_INPUT', 'at least one'],
  ['no ids', {}, 'ERR_INPUT', '"input_ids"'],
  ['no object', null, 'ERR_INPUT'],
  ['floats for ids', { input_ids: new Tensor(new Float32Array(2), [1, 2]) }, 'ERR_INPUT', '"input_ids"'],
  [
    'a shape that does not hold the data',
    { input_ids: { data: new Int32Array(5), shape: [2, 3] } },
    'ERR_INPUT',
    'shape',
  ],
  ['too many positions', { input_ids: [over] }, 'ERR_TOO_LONG', '24', '25'],
  [
    'a mask of another shape',
    { input_ids: [ids], attention_mask: [[1, 1]] },
    'ERR_INPUT',
    '"attention_mask"',
    '[1, 5]',
  ],
  ['a mask of 2', { input_ids: [ids], attention_mask: [[1, 1, 2, 1, 1]] }, 'ERR_INPUT', '"attention_mask"', '[0, 2]'],
  ['a type of type_vocab_size', { input_ids: [ids], token_type_ids: [[0, 0, 0, 0, 2]] }, 'ERR_INPUT', '[0, 4]'],
  ['types of another shape', { input_ids: [ids], token_type_ids: [[0]] }, 'ERR_INPUT', '"token_type_ids"'],
  ['a position past the table', { input_ids: [ids], position_ids: [[0, 1, 2, 3, 24]] }, 'ERR_INPUT', '"position_ids"'],
];

const model = await AlbertModel.from_config(TINY, { seed: 1 });
const golden = (await model.forward(TINY_INPUTS)).last_hidden_state.data;

for (const [title, input, code, ...words] of FAULTS) {
  inputs(title, async () => {
    const before = model.info().memoryBytes;
    await expectError(() => model.forward(input as never), code, ...words);
    assert.is(model.info().memoryBytes, before);
    assert.equal((await model.forward(TINY_INPUTS)).last_hidden_state.data, golden);
  });
}

inputs('every accepted form means the same', async () => {
  const wanted = (await model.forward({ input_ids: [ids] })).last_hidden_state.data;
  const big = BigInt64Array.from(ids, BigInt);
  const forms = [
    ids,
    Int32Array.from(ids),
    big,
    ids.map(BigInt),
    { data: Int32Array.from(ids), shape: [1, 5] },
    { data: big, shape: [5] },
    new Tensor(Int32Array.from(ids), [1, 5]),
  ];
  for (const input_ids of forms) {
    const { last_hidden_state } = await model.forward({ input_ids });
    assert.equal([...last_hidden_state.shape], [1, 5, 36]);
    assert.equal(last_hidden_state.data, wanted);
  }
});

inputs('defaults are ones, zeros and 0, 1, 2, …', async () => {
  const explicit = {
    input_ids: [ids],
    attention_mask: [[1, 1, 1, 1, 1]],
    token_type_ids: [[0, 0, 0, 0, 0]],
    position_ids: [[0, 1, 2, 3, 4]],
  };
  const a = await model.forward({ input_ids: [ids] });
  const b = await model.forward(explicit);
  assert.equal(a.last_hidden_state.data, b.last_hidden_state.data);
});

inputs('the callers’ arrays are neither changed nor kept', async () => {
  const data = Int32Array.from(ids);
  const pending = model.forward({ input_ids: data });
  data.fill(4);
  const { last_hidden_state } = await pending;
  assert.equal(last_hidden_state.data, (await model.forward({ input_ids: [ids] })).last_hidden_state.data);
  assert.equal([...data], [4, 4, 4, 4, 4]);
});

inputs('the longest sequence passes', async () => {
  const { last_hidden_state } = await model.forward({ input_ids: [over.slice(1)] });
  assert.is(last_hidden_state.shape[1], TINY.max_position_embeddings);
});

inputs('multiple choice takes three axes', async () => {
  await using choice = await AlbertForMultipleChoice.from_config(TINY);
  const { logits } = await choice.forward({
    input_ids: [
      [ids, ids, ids],
      [ids, ids, ids],
    ],
  });
  assert.equal([...logits.shape], [2, 3]);
  assert.equal([...(await choice.forward({ input_ids: [ids, ids] })).logits.shape], [1, 2]);
  await expectError(() => choice.forward({ input_ids: ids }), 'ERR_INPUT', '(batch, choices, seq)');
});

inputs.run();
