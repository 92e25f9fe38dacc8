/** Sharing a call among models: each input goes to one of them, the work is even, and the outputs come back in order. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/ground/tensor.js';
import type { CheckedInputs } from '../../src/model/inputs.js';
import type { Fields } from '../../src/model/network/forward.js';
import type { ForwardCall } from '../../src/model/runners/runner.js';
import { shareOut } from '../../src/model/runners/worker/shares.js';
import { stateCases } from '../support/cases.js';

const test = suite('shares');

/** An input whose ids count on from `first`, as do its other arrays. */
function input(leading: readonly number[], seq: number, first = 0): CheckedInputs {
  const batch = leading.reduce((product, dim) => product * dim, 1);
  const array = (offset: number) => Int32Array.from({ length: batch * seq }, (_, i) => first + offset + i);
  return { leading, batch, seq, ids: array(0), mask: array(1000), types: array(2000), positions: array(3000) };
}

/** What a model would answer, told by the ids alone: one row per example. */
function answer({ inputs }: ForwardCall): Fields[] {
  return inputs.map(({ ids, leading }) => {
    const rows = leading[0] as number;
    const tensor = (factor: number) =>
      new Tensor(
        Float32Array.from(ids, (id) => id * factor),
        [rows, ids.length / rows],
      );
    return { logits: tensor(1), hidden_states: [tensor(2), tensor(3)] };
  });
}

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, item) => (item instanceof Tensor ? [item.shape, item.tolist()] : item)));

test('the outputs of the shares are those of the whole, in order', () => {
  let cases = 0;
  for (const count of [1, 2, 3, 5, 8]) {
    for (const lengths of [[3], [3, 1], [1, 7, 2, 2, 9], [4, 4, 4, 4], [5, 4, 3, 2, 1, 6]]) {
      const call: ForwardCall = { inputs: lengths.map((seq, i) => input([1 + (i % 2)], seq, 100 * i)), options: {} };
      const { calls, join } = shareOut(call, count);
      assert.ok(calls.length <= count && calls.every(({ inputs }) => inputs.length > 0));
      assert.equal(plain(join(calls.map(answer))), plain(answer(call)), `${lengths} among ${count}`);
      cases++;
    }
  }
  stateCases(cases, 25);
});

test('the longest inputs go first, each to the share with the fewest tokens', () => {
  const { calls } = shareOut({ inputs: [2, 9, 3, 4, 2].map((seq) => input([1], seq)), options: {} }, 2);
  const tokens = calls.map(({ inputs }) => inputs.reduce((sum, { ids }) => sum + ids.length, 0));
  assert.equal(tokens, [11, 9]);
});

test('the positions of a head go with their inputs', () => {
  const inputs = [1, 5, 3].map((seq, i) => input([1], seq, 100 * i));
  const { calls } = shareOut({ inputs, headPositions: [[10], [11], [12]], options: {} }, 2);
  for (const { inputs: share, headPositions } of calls) {
    assert.equal(
      headPositions,
      share.map(({ ids }) => [10 + (ids[0] as number) / 100]),
    );
  }
});

test('a single input is cut along its batch, never within an example', () => {
  const only = input([5, 2], 3);
  const { calls, join } = shareOut({ inputs: [only], options: {} }, 3);
  assert.equal(
    calls.map(({ inputs: [part] }) => [part?.leading, part?.batch]),
    [
      [[1, 2], 2],
      [[2, 2], 4],
      [[2, 2], 4],
    ],
  );
  for (const name of ['ids', 'mask', 'types', 'positions'] as const) {
    assert.equal(
      calls.flatMap(({ inputs: [part] }) => [...(part as CheckedInputs)[name]]),
      [...only[name]],
      name,
    );
  }
  assert.equal(plain(join(calls.map(answer))), plain(answer({ inputs: [only], options: {} })));
});

test('dropout drops by the index in the batch: training stays whole', () => {
  const call: ForwardCall = { inputs: [input([4], 2), input([1], 3)], options: { train: true } };
  const { calls, join } = shareOut(call, 4);
  assert.equal(calls, [call]);
  assert.equal(plain(join(calls.map(answer))), plain(answer(call)));
});

test.run();
