/** A batch: inputs lie one after another without a gap, and the rows that a head computes are those of its positions. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CheckedInputs } from '../../src/model/inputs.js';
import { packBatch } from '../../src/model/network/batch.js';

const test = suite('batch');

function input(leading: readonly number[], seq: number): CheckedInputs {
  const batch = leading.reduce((product, dim) => product * dim, 1);
  const array = new Int32Array(batch * seq);
  return { leading, batch, seq, ids: array, mask: array, types: array, positions: array };
}

const INPUTS = [input([2], 3), input([1], 5), input([2, 2], 2)];

test('inputs follow one another, each with the shape that its caller knows', () => {
  const { rectangles, sequences, tokens, longest, starts } = packBatch(INPUTS);
  assert.equal([sequences, tokens, longest], [7, 19, 5]);
  assert.equal(starts, [0, 3, 6, 11, 13, 15, 17]);
  assert.equal(
    rectangles.map((rectangle) => rectangle.tokens),
    [
      { from: 0, to: 6, shape: [2, 3] },
      { from: 6, to: 11, shape: [1, 5] },
      { from: 11, to: 19, shape: [4, 2] },
    ],
  );
  assert.equal(
    rectangles.map((rectangle) => rectangle.sequences),
    [
      { from: 0, to: 2, shape: [2] },
      { from: 2, to: 3, shape: [1] },
      { from: 3, to: 7, shape: [2, 2] },
    ],
  );
});

test('without positions the head computes every token', () => {
  const { rectangles, headTokens, headRows } = packBatch(INPUTS);
  assert.equal([headTokens, headRows], [19, undefined]);
  assert.equal(
    rectangles.map((rectangle) => rectangle.headTokens),
    [
      { from: 0, to: 6, shape: [2, 3] },
      { from: 6, to: 11, shape: [1, 5] },
      { from: 11, to: 19, shape: [2, 2, 2] },
    ],
  );
});

test('with positions it computes these, in their order, where an input may have none', () => {
  const { rectangles, headTokens, headRows } = packBatch(INPUTS, [[5, 0], [], [7]]);
  assert.equal([headTokens, headRows], [3, [5, 0, 18]]);
  assert.equal(
    rectangles.map((rectangle) => rectangle.headTokens),
    [
      { from: 0, to: 2, shape: [2] },
      { from: 2, to: 2, shape: [0] },
      { from: 2, to: 3, shape: [1] },
    ],
  );
});

test.run();
