/** Values of another realm, as a test runner's globals are: whatever a caller may pass, and what comes back. */
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadKernels } from '../../src/entry/kernels.js';
import { Calls } from '../../src/ground/calls.js';
import { isA, ownArray } from '../../src/ground/realm.js';
import { openSource } from '../../src/ground/source.js';
import { Tensor } from '../../src/ground/tensor.js';
import { AlbertModel } from '../../src/model/models.js';

const realm = suite('another realm');

const context = createContext({ URL });
const foreign = <T>(code: string): T => runInContext(code, context) as T;
const FIXTURE = new URL('../fixtures/flax/tiny/model/', import.meta.url);
const contentOf = (name: string) => [...readFileSync(new URL(name, FIXTURE))];

realm('is another realm', () => {
  assert.not.ok(foreign('new Float32Array(1)') instanceof Float32Array);
  assert.not.ok(foreign('new TypeError("x")') instanceof Error);
});

realm('typed arrays come as views of this realm, own ones as they are, anything else not', () => {
  const array = foreign<Float32Array>('new Float32Array([1, 2, 3]).subarray(1)');
  const own = ownArray(array, 'Int32Array', 'Float32Array');
  assert.ok(own instanceof Float32Array);
  assert.equal([...own], [2, 3]);
  array[0] = 5;
  assert.is(own[0], 5);
  const mine = Int32Array.of(1);
  assert.is(ownArray(mine, 'Int32Array'), mine);
  for (const value of [undefined, null, [1], 'x', new Float64Array(1), { length: 1 }]) {
    assert.is(ownArray(value, 'Float32Array'), undefined);
  }
  assert.ok(isA('Uint8Array', Buffer.from('x')));
  assert.not.ok(isA('Map', new WeakMap()));
});

realm('inputs, files in memory and parameters of another realm answer as those of this one', async () => {
  const model = await AlbertModel.from_pretrained(FIXTURE);
  const wanted = await model.forward({ input_ids: [1, 2, 3] });
  for (const code of [
    'new Int32Array([1, 2, 3])',
    'new BigInt64Array([1n, 2n, 3n])',
    '[[1, 2, 3]]',
    '({ data: new Int32Array([1, 2, 3]), shape: [1, 3] })',
  ]) {
    const { pooler_output } = await model.forward({ input_ids: foreign<Int32Array>(code) });
    assert.equal(pooler_output, wanted.pooler_output, code);
    assert.ok(pooler_output.data instanceof Float32Array);
  }
  for (const make of ['new Uint8Array(weights)', 'new Uint8Array(weights).buffer']) {
    context.weights = contentOf('model.safetensors');
    const files = {
      'config.json': String.fromCharCode(...contentOf('config.json')),
      'model.safetensors': foreign<Uint8Array>(make),
    };
    const other = await AlbertModel.from_pretrained(files);
    assert.equal((await other.forward({ input_ids: [1, 2, 3] })).pooler_output, wanted.pooler_output, make);
    await other.dispose();
  }
  context.entries = [...model.params].map(([name, { data, shape }]) => [name, [...data], [...shape]]);
  const tensors = foreign<[string, Float32Array, number[]][]>(
    'entries.map(([n, d, s]) => [n, new Float32Array(d), s])',
  );
  context.pairs = tensors.map(([name, data, shape]) => [name, new Tensor(data, shape)]);
  const params = foreign<Map<string, Tensor>>('new Map(pairs)');
  const { pooler_output } = await model.forward({ input_ids: [1, 2, 3] }, { params });
  assert.equal(pooler_output, wanted.pooler_output);
  await model.dispose();
});

realm('a tensor of another realm holds its numbers in this one', () => {
  const { data, dtype } = new Tensor(foreign<BigInt64Array>('new BigInt64Array(2)'), [2]);
  assert.ok(data instanceof BigInt64Array);
  assert.is(dtype, 'int64');
});

realm('matrices of the kernels', async () => {
  const k = await loadKernels();
  const ones = foreign<Float32Array>('new Float32Array([1, 1])');
  assert.equal([...k.matmul(ones, ones, 1, 2, 1)], [2]);
  k.dispose();
});

realm('an error of another realm keeps its name between threads', async () => {
  const two = new Calls((message) => one.receive(message), {
    async fail() {
      throw foreign<Error>('new RangeError("too far")');
    },
  });
  const one: Calls = new Calls((message) => two.receive(message), {});
  const error = await one.call('fail').catch((error: Error) => error);
  assert.equal([(error as Error).name, (error as Error).message], ['RangeError', 'too far']);
});

realm('files as the module that exports them, as `require` gives it', async () => {
  const files = { 'config.json': '{}' };
  for (const module of [{ default: files }, { __esModule: true, default: files }]) {
    const opened = await openSource(module);
    assert.equal(await opened.readFile('config.json'), new TextEncoder().encode('{}'));
  }
  // A file may have that name too.
  for (const content of ['text', new Uint8Array([1]), new URL('default', FIXTURE)]) {
    const opened = await openSource({ default: content, 'config.json': '{}' });
    assert.equal(await opened.readFile('config.json'), new TextEncoder().encode('{}'));
  }
});

realm.run();
