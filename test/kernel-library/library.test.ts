/** albert-wasm/kernels: every function against float64 at random sizes, what it refuses, and what it leaves in memory. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ACTIVATIONS } from '../../src/engine/kernels.js';
import { type Activation, type Dtype, type KernelLibrary, loadKernels } from '../../src/entry/kernels.js';
import { HIDDEN_ACTIVATIONS } from '../../src/model/config.js';
import { columnsOf, formatsOf, gemmI8, quantize, rangeOf } from '../assembly/int8.js';
import { ACTIVATION_REFERENCES, epilogue, gemm, layerNormRow, Random, softmaxRow } from '../assembly/reference.js';
import { ACT2FN, dot, type Rows, softmax } from '../reference/operations.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';

const test = suite('kernel library');
let cases = 0;

/** Fails unless each number is within its bound; what was passed must be as it was. */
function compare(got: Float32Array, values: ArrayLike<number>, bounds: ArrayLike<number>, label: string): void {
  assert.is(got.length, values.length, label);
  for (const [i, y] of got.entries()) {
    if (!(Math.abs(y - values[i]!) <= bounds[i]!))
      assert.unreachable(`${label}: ${y} instead of ${values[i]} ± ${bounds[i]} at ${i}`);
  }
  cases++;
}

/** Runs `call` with copies of the arrays and fails if it changed them, or left something in memory. */
function clean<T extends readonly Float32Array[]>(
  k: KernelLibrary,
  arrays: T,
  call: (...arrays: T) => Float32Array,
): Float32Array {
  const passed = arrays.map((array) => array.slice()) as unknown as T;
  const before = k.info().packedBytes;
  const result = call(...passed);
  for (const [i, array] of passed.entries()) assert.equal([...array], [...arrays[i]!], `argument ${i} was changed`);
  assert.is(k.info().packedBytes, before);
  assert.not(passed.some(({ buffer }) => buffer === result.buffer));
  return result;
}

const random = new Random(1);
const upTo = (most: number) => Math.floor(random.next() * (most + 1));
const rowOf = (x: Float32Array, row: number, cols: number) => x.slice(row * cols, row * cols + cols);

for (const { name: build, wasmUrl } of BUILDS) {
  test(`matmul and matmulPacked in float32, ${build}`, async () => {
    const k = await loadKernels({ wasmUrl });
    for (let i = 0; i < 150; i++) {
      const [m, depth, n] = [upTo(13), upTo(i % 5 ? 40 : 800), upTo(20)];
      const [a, b] = [random.uniform(m * depth), random.uniform(depth * n)];
      const label = `(${m}, ${depth}) · (${depth}, ${n})`;
      const plain = gemm(a, b, new Float32Array(n), m, n, depth);
      const product = clean(k, [a, b], (a, b) => k.matmul(a, b, m, depth, n));
      compare(product, plain.values, plain.bounds, label);
      if (depth === 0 || n === 0) continue;
      const [bias, residual] = [random.uniform(n), random.uniform(m * n)];
      const activation = ACTIVATIONS[i % ACTIVATIONS.length] as Activation;
      const expected = epilogue(gemm(a, b, bias, m, n, depth), activation, residual);
      const w = k.pack(b, depth, n);
      const fused = clean(k, [a, bias, residual], (a, bias, residual) =>
        k.matmulPacked(a, w, m, { bias, activation, residual }),
      );
      compare(fused, expected.values, expected.bounds, `${label}, ${activation}`);
      assert.equal([...k.matmulPacked(a, w, m)], [...product], `${label}: packed before and now`);
      w.free();
    }
    k.dispose();
  });

  test(`matmulPacked in int8, bit for bit, ${build}`, async () => {
    const k = await loadKernels({ wasmUrl });
    const format = formatsOf(rangeOf(k.info().activationBits))[build];
    for (let i = 0; i < 60; i++) {
      const [m, depth, n] = [upTo(13), 1 + upTo(70), 1 + upTo(20)];
      const [a, b, bias] = [random.uniform(m * depth), random.uniform(depth * n), random.uniform(n)];
      const w = k.pack(b, depth, n, { dtype: 'int8' });
      const got = clean(k, [a, bias], (a, bias) => k.matmulPacked(a, w, m, { bias }));
      const columns = quantize(columnsOf(b, depth, n), depth, 127);
      const expected = gemmI8(format.rows(a, depth), columns, bias, depth);
      compare(got, expected, new Float32Array(m * n), `int8 (${m}, ${depth}) · (${depth}, ${n})`);
      if (i % 2) w.free();
    }
    k.dispose();
  });

  test(`softmax, layerNorm and gelu, ${build}`, async () => {
    const k = await loadKernels({ wasmUrl });
    for (let i = 0; i < 100; i++) {
      const [rows, cols, eps] = [upTo(6), upTo(40), i % 2 ? 1e-12 : 0.1];
      const [x, gamma, beta] = [random.uniform(rows * cols, -4, 4), random.weighty(cols), random.weighty(cols)];
      const shares = clean(k, [x], (x) => k.softmax(x, rows, cols));
      const normal = clean(k, [x, gamma, beta], (x, gamma, beta) => k.layerNorm(x, gamma, beta, rows, cols, eps));
      assert.equal([shares.length, normal.length], [rows * cols, rows * cols]);
      for (let row = 0; row < (cols && rows); row++) {
        const [share, norm] = [softmaxRow(rowOf(x, row, cols)), rowOf(x, row, cols)];
        compare(rowOf(shares, row, cols), share.values, share.bounds, `softmax, ${rows} x ${cols}`);
        const expected = layerNormRow(norm, undefined, gamma, beta, eps, false);
        compare(rowOf(normal, row, cols), expected.values, expected.bounds, `layerNorm, ${rows} x ${cols}`);
      }
      for (const kind of ['gelu', 'gelu_new', 'quick_gelu'] as const) {
        const { value, error } = ACTIVATION_REFERENCES[kind];
        compare(
          clean(k, [x], (x) => k.gelu(x, kind)),
          Float64Array.from(x, value),
          Float64Array.from(x, error),
          kind,
        );
      }
    }
    k.dispose();
  });

  test(`attention, ${build}`, async () => {
    const k = await loadKernels({ wasmUrl });
    for (let i = 0; i < 60; i++) {
      const [heads, seq, headDim] = [upTo(3), upTo(14), upTo(18)];
      const hidden = heads * headDim;
      const arrays = [0, 1, 2].map(() => random.uniform(seq * hidden)) as [Float32Array, Float32Array, Float32Array];
      const mask = i % 3 ? Array.from({ length: seq }, () => upTo(1)) : undefined;
      const got = clean(k, arrays, (q, key, v) => k.attention(q, key, v, { heads, seq, headDim, mask }));
      const expected = new Float64Array(seq * hidden);
      for (let head = 0; head < heads; head++) {
        const [q, key, v] = arrays.map((x) =>
          Array.from({ length: seq }, (_, row) => [
            ...x.subarray(row * hidden + head * headDim, row * hidden + (head + 1) * headDim),
          ]),
        ) as unknown as [Rows, Rows, Rows];
        for (const [row, query] of q.entries()) {
          const none = mask?.every((bit) => bit === 0);
          const scores = key.map((other, j) =>
            none ? 0 : mask?.[j] === 0 ? -1e10 : dot(query, other) / Math.sqrt(headDim),
          );
          const weights = softmax(scores);
          for (let d = 0; d < headDim; d++) {
            expected[row * hidden + head * headDim + d] = dot(
              weights,
              v.map((value) => value[d]!),
            );
          }
        }
      }
      compare(got, expected, expected.map(Math.abs).fill(2e-6), `attention, ${heads} heads, ${seq} x ${headDim}`);
    }
    k.dispose();
  });
}

const X = new Float32Array(6);
const product = { m: 2, k: 3, n: 2 };
/** Calls at fault, and a word that their messages need. */
const REFUSED: Record<string, [word: string, call: (k: KernelLibrary) => unknown]> = {
  'matmul of a plain array': ['"a"', (k) => k.matmul([1, 2] as unknown as Float32Array, X, 1, 2, 3)],
  'matmul of another size': ['"b" expected 3 x 3', (k) => k.matmul(X, X, 2, 3, 3)],
  'matmul of a negative size': ['"m"', (k) => k.matmul(X, X, -2, -3, -2)],
  'matmul of half a row': ['"m"', (k) => k.matmul(X, X, 0.5, 12, 0.5)],
  'matmul of no size': ['"n"', (k) => k.matmul(X, X, product.m, product.k, Number.NaN)],
  'softmax of another size': ['"x"', (k) => k.softmax(X, 4, 2)],
  'softmax of integers': ['"x"', (k) => k.softmax(new Int32Array(6) as unknown as Float32Array, 2, 3)],
  'layerNorm with a short gamma': ['"gamma"', (k) => k.layerNorm(X, new Float32Array(2), X, 2, 3, 0)],
  'layerNorm with a long beta': ['"beta"', (k) => k.layerNorm(X, new Float32Array(3), X, 2, 3, 0)],
  'layerNorm with a negative eps': ['"eps"', (k) => k.layerNorm(X, X, X, 1, 6, -1)],
  'layerNorm without eps': ['"eps"', (k) => k.layerNorm(X, X, X, 1, 6, undefined as unknown as number)],
  'gelu of nothing': ['"x"', (k) => k.gelu(undefined as unknown as Float32Array)],
  'gelu of an unknown kind': ['"kind"', (k) => k.gelu(X, 'relu' as 'gelu')],
  'attention without options': ['"heads"', (k) => k.attention(X, X, X, undefined as never)],
  'attention of another size': ['"k"', (k) => k.attention(X, new Float32Array(5), X, { heads: 1, seq: 2, headDim: 3 })],
  'attention with a short mask': ['"mask"', (k) => k.attention(X, X, X, { heads: 1, seq: 2, headDim: 3, mask: [1] })],
  'attention with a mask of weights': [
    '[1]',
    (k) => k.attention(X, X, X, { heads: 1, seq: 2, headDim: 3, mask: [1, 0.5] }),
  ],
  'pack of nothing': ['"k"', (k) => k.pack(new Float32Array(0), 0, 3)],
  'pack of another size': ['"b"', (k) => k.pack(X, 3, 3)],
  'pack in an unknown dtype': ['"dtype"', (k) => k.pack(X, 3, 2, { dtype: 'int4' as Dtype })],
  'pack deeper than int8 sums': ['131072', (k) => k.pack(new Float32Array(131_073), 131_073, 1, { dtype: 'int8' })],
  'pack of NaN in int8': ['[5]', (k) => k.pack(Float32Array.of(0, 1, 2, 3, 4, Number.NaN), 3, 2, { dtype: 'int8' })],
  'pack of infinity in int8': ['-Infinity at [0]', (k) => k.pack(Float32Array.of(-Infinity), 1, 1, { dtype: 'int8' })],
  'invalid options': ['"options"', (k) => k.pack(X, 3, 2, 'int8' as never)],
  'matmulPacked of a plain matrix': ['"w"', (k) => k.matmulPacked(X, X as never, 2)],
  'matmulPacked with a short bias': ['"bias"', (k) => k.matmulPacked(X, k.pack(X, 3, 2), 2, { bias: X })],
  'matmulPacked with a short residual': ['"residual"', (k) => k.matmulPacked(X, k.pack(X, 3, 2), 2, { residual: X })],
  'matmulPacked with an unknown activation': [
    '"activation"',
    (k) => k.matmulPacked(X, k.pack(X, 3, 2), 2, { activation: 'selu' as Activation }),
  ],
};

test('refuses what does not fit, and works on', async () => {
  const k = await loadKernels();
  for (const [what, [word, call]] of Object.entries(REFUSED)) {
    await expectError(() => call(k), 'ERR_INPUT', word).catch((error) => assert.unreachable(`${what}: ${error}`));
    assert.equal([...k.softmax(new Float32Array(2), 1, 2)], [0.5, 0.5]);
    cases++;
  }
  const other = await loadKernels();
  const w = other.pack(X, 3, 2);
  await expectError(() => k.matmulPacked(X, w, 2), 'ERR_INPUT', '"w"');
  await expectError(() => loadKernels({ wasmUrl: 'no url' }), 'ERR_INPUT', '"wasmUrl"');
  await expectError(() => loadKernels({ maxMemoryBytes: -1 }), 'ERR_INPUT', '"maxMemoryBytes"');
});

test('memory runs out in one error, and a smaller call fits as before', async () => {
  const MiB = 2 ** 20;
  const k = await loadKernels({ maxMemoryBytes: 4 * MiB });
  const [large, small] = [new Float32Array(MiB), new Float32Array(65_536).fill(1)];
  await expectError(() => k.softmax(new Float32Array(2 * MiB), 1, 2 * MiB), 'ERR_MEMORY', String(4 * MiB));
  await expectError(() => k.matmul(large, large, 1024, 1024, 1024), 'ERR_MEMORY');
  await expectError(() => k.matmul(X.subarray(6), X.subarray(6), 2 ** 20, 0, 2 ** 20), 'ERR_MEMORY');
  await expectError(() => k.pack(large, 1024, 1024), 'ERR_MEMORY');
  await expectError(() => k.attention(small, small, small, { heads: 1, seq: 65_536, headDim: 1 }), 'ERR_MEMORY');
  // Room for the panels, none for what is on its way into them.
  await expectError(() => k.pack(large.subarray(0, 900 * 1024), 900, 1024), 'ERR_MEMORY');
  assert.is(k.info().packedBytes, 0);
  // As large as the limit allows, over and over: nothing of a call stays.
  for (let i = 0; i < 50; i++) assert.is(k.matmul(small, small, 256, 256, 256)[0], 256);
  assert.ok(k.info().memoryBytes <= 4 * MiB);
  k.dispose();
});

test('packed matrices are freed in any order, and their memory serves again', async () => {
  const k = await loadKernels();
  const rows = 64;
  const make = (value: number) => {
    const n = 8 * (1 + upTo(5));
    return k.pack(new Float32Array(rows * n).fill(value), rows, n);
  };
  const ones = new Float32Array(rows).fill(1);
  const value = (w: ReturnType<typeof make>) => {
    const sums = k.matmulPacked(ones, w, 1);
    assert.equal(new Set(sums).size, 1, 'a matrix lies in another');
    return sums[0]! / rows;
  };
  const alive = new Map<ReturnType<typeof make>, number>();
  for (let i = 0; i < 12; i++) alive.set(make(i), i);
  const { packedBytes, memoryBytes } = k.info();
  assert.ok(packedBytes >= 12 * rows * 8 * 4);
  for (let round = 0; round < 200; round++) {
    const [w] = [...alive.keys()].slice(upTo(alive.size - 1));
    w!.free();
    w!.free();
    alive.delete(w!);
    if (round % 3 === 0) k.softmax(new Float32Array(5000).fill(7), 50, 100);
    if (alive.size < 8 || round % 2) for (let i = alive.size; i < 12; i++) alive.set(make(round + i), round + i);
    for (const [w, number] of alive) assert.is(value(w), number);
    await expectError(() => value(w!), 'ERR_DISPOSED', 'freed');
    cases++;
  }
  for (const w of alive.keys()) w[Symbol.dispose]();
  assert.is(k.info().packedBytes, 0);
  assert.ok(k.info().memoryBytes <= 2 * memoryBytes, 'gaps are used');
});

test('int8 takes a quarter of the memory', async () => {
  const k = await loadKernels();
  const b = random.uniform(768 * 512);
  const [whole, quarter] = [k.pack(b, 768, 512), k.pack(b, 768, 512, { dtype: 'int8' })];
  assert.equal([whole.k, whole.n, whole.dtype, quarter.dtype], [768, 512, 'float32', 'int8']);
  assert.ok(quarter.bytes < whole.bytes * 0.27, `${quarter.bytes} of ${whole.bytes}`);
});

test('after dispose everything is ERR_DISPOSED', async () => {
  const k = await loadKernels();
  const w = k.pack(X, 3, 2);
  k.dispose();
  k.dispose();
  k[Symbol.dispose]();
  assert.ok(w.freed);
  w.free();
  for (const call of [
    () => k.matmul(X, X, 2, 3, 2),
    () => k.softmax(X, 2, 3),
    () => k.layerNorm(X, X, X, 1, 6, 0),
    () => k.gelu(X),
    () => k.attention(X, X, X, { heads: 1, seq: 2, headDim: 3 }),
    () => k.pack(X, 3, 2),
    () => k.matmulPacked(X, w, 2),
    () => k.info(),
  ]) {
    await expectError(call, 'ERR_DISPOSED');
    cases++;
  }
});

test('the reference of each activation is the models’ own, whatever its name', () => {
  for (const [name, activation] of Object.entries(HIDDEN_ACTIVATIONS)) {
    for (const x of [-30, -3.1, -3, -0.5, 0, 0.7, 1, 4, 7, 30]) {
      const off = Math.abs(ACTIVATION_REFERENCES[activation].value(x) - ACT2FN[name]!(x));
      // gelu_fast writes sqrt(2/pi) with ten digits.
      assert.ok(off < (name === 'gelu_fast' ? 1e-10 : 1e-12), `${name}(${x})`);
    }
  }
  assert.equal(Object.keys(HIDDEN_ACTIVATIONS).sort(), Object.keys(ACT2FN).sort());
  // Each kernel but the identity has its name in configurations.
  assert.equal(new Set(Object.values(HIDDEN_ACTIVATIONS)).size, ACTIVATIONS.length);
});

test('enough cases', () => stateCases(cases, 2000));

test.run();
