/** Which kernels run where: without SIMD, and where WebAssembly is refused. Scores are SIMD's everywhere. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseKernels } from '../../src/engine/builds.js';
import { type ModelInfo, pipeline } from '../../src/entry/index.js';
import { loadKernels } from '../../src/entry/kernels.js';
import { AlbertModel } from '../../src/model/models.js';
import type { InitOptions } from '../../src/model/options.js';
import { Random } from '../assembly/reference.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { withoutWebAssembly } from '../support/without-webassembly.js';

const test = suite('builds');

const TEXTS = ['What a lovely day', 'The plot makes no sense and the jokes fall flat.'];

interface Classified {
  readonly scores: readonly number[];
  readonly info: ModelInfo;
}

async function classified(options: InitOptions = {}): Promise<Classified> {
  await using classify = await pipeline('sentiment-analysis', undefined, options);
  const answers = await classify(TEXTS);
  return { scores: answers.map(([best]) => best?.score ?? Number.NaN), info: classify.model.info() };
}

const wanted = await classified();

function compare({ scores }: Classified): void {
  assert.is(scores.length, TEXTS.length);
  scores.forEach((score, i) => {
    assert.ok(Math.abs(score - wanted.scores[i]!) < 1e-5, `${score}, not ${wanted.scores[i]}`);
  });
}

test('where compilation is refused: JavaScript, and why', async () => {
  const got = await withoutWebAssembly(classified);
  compare(got);
  assert.is(got.info.kernels, 'scalar');
  assert.is(got.info.whyNotSimd, 'this engine refuses to run WebAssembly: refused');
  assert.is(wanted.info.whyNotSimd, undefined);
  const { info } = await withoutWebAssembly(() => classified({ threads: 2 }));
  assert.equal([info.threads, info.whyNotThreaded], [1, 'the scalar kernels run on one thread']);
});

test('where compilation passes and an instance is refused, as in WebKit under a policy: JavaScript, and why', async () => {
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class {
    constructor() {
      throw new EvalError('refused');
    }
  } as unknown as typeof Instance;
  try {
    const got = await classified();
    compare(got);
    assert.is(got.info.kernels, 'scalar');
    assert.is(got.info.whyNotSimd, 'this engine refuses to run WebAssembly: refused');
  } finally {
    WebAssembly.Instance = Instance;
  }
});

test('without SIMD: the scalar module', async () => {
  const { validate } = WebAssembly;
  WebAssembly.validate = () => false;
  try {
    const got = await classified();
    compare(got);
    assert.is(got.info.kernels, 'scalar');
    assert.is(got.info.whyNotSimd, 'this engine has no WebAssembly SIMD');
    assert.instance((await chooseKernels()).code, WebAssembly.Module);
  } finally {
    WebAssembly.validate = validate;
  }
});

test('where shared memory is refused: one thread, and why', async () => {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      if (descriptor.shared) throw new RangeError('no address space');
      super(descriptor);
    }
  };
  try {
    const { info } = await classified({ threads: 2, worker: false });
    assert.equal([info.threads, info.whyNotThreaded], [1, 'this engine refuses to share memory: no address space']);
  } finally {
    WebAssembly.Memory = Memory;
  }
});

test('the scalar module by its URL', async () => {
  const got = await classified({ wasmUrl: new URL('../../build/scalar.wasm', import.meta.url) });
  compare(got);
  assert.is(got.info.kernels, 'scalar');
  assert.is(got.info.whyNotSimd, undefined);
});

test('the memory of JavaScript kernels: it grows, keeps its limit, and a refusal leaves the rest as it was', () =>
  withoutWebAssembly(async () => {
    const MiB = 2 ** 20;
    const [x, b] = [new Random(1).uniform(MiB), new Random(2).uniform(MiB)];
    const exact = await loadKernels({ maxMemoryBytes: 8 * MiB });
    const w = exact.pack(b.subarray(0, 4096), 64, 64);
    const before = exact.matmulPacked(x.subarray(0, 64), w, 1);
    const grown = exact.softmax(x, 1024, 1024);
    assert.ok(exact.info().memoryBytes > 4 * MiB && exact.info().memoryBytes <= 8 * MiB);
    assert.ok(Math.abs(grown.subarray(0, 1024).reduce((sum, p) => sum + p) - 1) < 1e-5);
    await expectError(() => exact.matmul(x, b, 1024, 1024, 1024), 'ERR_MEMORY', String(8 * MiB));
    assert.equal([...exact.matmulPacked(x.subarray(0, 64), w, 1)], [...before]);
    assert.match(exact.info().whyNotSimd ?? '', /refuses/);
    exact.dispose();
    await expectError(() => AlbertModel.from_config(TINY, { maxMemoryBytes: 65_536 }), 'ERR_MEMORY');
    await using model = await AlbertModel.from_config(TINY, { seed: 1, dtype: 'int8' });
    assert.ok((await model.forward(TINY_INPUTS)).last_hidden_state.data.every(Number.isFinite));
  }));

test.run();
