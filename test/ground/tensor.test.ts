/** Tensors: dtype, shape, nesting. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/ground/tensor.js';
import { expectError } from '../support/expect-error.js';

const tensor = suite('tensor');

tensor('nests row by row', () => {
  const t = new Tensor(Int32Array.from([1, 2, 3, 4, 5, 6]), [2, 1, 3]);
  assert.equal(t.tolist(), [[[1, 2, 3]], [[4, 5, 6]]]);
  assert.is(new Tensor(Float32Array.of(0.5), []).tolist(), 0.5);
  assert.equal(new Tensor(new Float32Array(0), [0, 3]).tolist(), []);
});

tensor('names its dtype', () => {
  const dtypes = [new Float32Array(1), new Int32Array(1), new BigInt64Array(1)].map(
    (data) => new Tensor(data, [1]).dtype,
  );
  assert.equal(dtypes, ['float32', 'int32', 'int64']);
});

tensor('a shape must hold the data', async () => {
  for (const shape of [[5], [2, 4], [-2, -3], [1.5, 4], [6, 1, Number.NaN]]) {
    await expectError(() => new Tensor(new Int32Array(6), shape), 'ERR_INPUT', 'shape', '6');
  }
});

tensor('data must be one of three typed arrays', async () => {
  for (const data of [new Float64Array(1), [1], null, new ArrayBuffer(4)]) {
    await expectError(() => new Tensor(data as never, [1]), 'ERR_INPUT', 'data');
  }
  await expectError(() => new Tensor(new Int32Array(1), 1 as never), 'ERR_INPUT', 'shape');
});

tensor('the shape is its own', () => {
  const shape = [2, 3];
  const t = new Tensor(new Int32Array(6), shape);
  shape[0] = 9;
  assert.equal([...t.shape], [2, 3]);
  assert.ok(Object.isFrozen(t.shape));
});

tensor.run();
