/** Faults one after another: whatever fails, the model answers on bit for bit as before. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertError } from '../../src/ground/errors.js';
import { AlbertModel } from '../../src/model/models.js';
import { stateCases } from '../support/cases.js';
import { assertGrown, assertHealthy, golden, observed } from '../support/health.js';
import { TINY_INPUTS } from '../support/tiny.js';
import { size } from './sizes.js';
import { VARIANTS } from './variants.js';

const faults = suite('faults');

const LARGE = { input_ids: Array.from({ length: 60 }, () => Array.from({ length: 24 }, (_, i) => i)) };
/** What grows the memory, each more than the one before. */
const GROWING = [
  (model: AlbertModel) => model.forward(LARGE),
  (model: AlbertModel) => model.forward(LARGE, { output_attentions: true }),
  (model: AlbertModel) => model.forward(LARGE, { output_attentions: true, params: model.params }),
];

/** Too little for the largest of the calls. */
const MEMORY = 16 * 2 ** 20;

/** Runs `work` with the n-th growth of any memory failing, as an engine without memory would. */
async function failingGrowth(n: number, work: () => Promise<unknown>): Promise<unknown> {
  const { grow } = WebAssembly.Memory.prototype;
  let calls = 0;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (++calls === n) throw new RangeError('out of memory');
    return grow.call(this, pages);
  };
  try {
    return await work().then(
      () => undefined,
      (error) => error,
    );
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
}

for (const { name, config, options, share } of VARIANTS) {
  faults(`${name}: the n-th growth of memory fails, for every n`, async () => {
    await using reference = await AlbertModel.from_config(config, options);
    const wanted = await golden(reference);
    let failures = 0;
    for (let n = 1; ; n++) {
      let model: AlbertModel | undefined;
      const error = await failingGrowth(n, async () => {
        model = await AlbertModel.from_config(config, options);
        await golden(model);
        for (const grow of GROWING) await grow(model);
      });
      if (error === undefined) {
        await model?.dispose();
        break;
      }
      assert.ok(error instanceof AlbertError && error.code === 'ERR_MEMORY', `growth ${n}: ${error}`);
      failures++;
      if (model === undefined) continue;
      assert.equal(await golden(model), wanted);
      for (const grow of GROWING) assert.is((await grow(model)).last_hidden_state.shape[0], 60);
      await model.dispose();
    }
    // For the weights and for each larger forward; the small one fits where the weights were staged.
    stateCases(failures, 4);
  });

  faults(`${name}: a growth that fails leaves a loaded model whole`, async () => {
    await using model = await observed(() => AlbertModel.from_config(config, options));
    for (const grow of GROWING) {
      const error = await failingGrowth(1, () => grow(model));
      assert.is((error as AlbertError)?.code, 'ERR_MEMORY');
      await assertHealthy(model);
      await grow(model);
      await assertGrown(model);
    }
  });

  const ROUNDS = Math.max(2, Math.round(share * size(20, 200)));
  faults(`${name}: 64 calls at once, some of them failing, ${ROUNDS} rounds`, async () => {
    await using model = await observed(() => AlbertModel.from_config(config, { ...options, maxMemoryBytes: MEMORY }));
    const wanted = await golden(model);
    const tooLarge = { input_ids: Array.from({ length: 4000 }, () => LARGE.input_ids[0] as number[]) };
    const calls = [
      () => model.forward(TINY_INPUTS),
      () => model.forward({ input_ids: [[97]] }),
      () => model.forward(TINY_INPUTS, { signal: AbortSignal.abort() }),
      () => model.forward(tooLarge),
      () => model.forward(TINY_INPUTS, { train: true }),
      () => model.forward(TINY_INPUTS, { params: new Map() }),
    ];
    const codes = [undefined, 'ERR_INPUT', 'ERR_ABORTED', 'ERR_MEMORY', 'ERR_INPUT', 'ERR_PARAMETER'];
    let [answers, failures] = [0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      const kinds = Array.from({ length: 64 }, (_, i) => ((i * 7 + round) % 11 < 6 ? 0 : ((i + round) % 5) + 1));
      const order: number[] = [];
      const settled = await Promise.allSettled(
        kinds.map(async (kind, i) => {
          const answer = await (calls[kind] as () => ReturnType<AlbertModel['forward']>)();
          order.push(i);
          return answer;
        }),
      );
      settled.forEach((result, i) => {
        const code = codes[kinds[i] as number];
        if (result.status === 'rejected') {
          assert.is((result.reason as AlbertError).code, code);
          failures++;
        } else {
          assert.is(code, undefined);
          assert.equal(result.value.last_hidden_state.data, wanted);
          answers++;
        }
      });
      assert.equal(
        order,
        kinds.flatMap((kind, i) => (kind === 0 ? [i] : [])),
        'answers in the order of the calls',
      );
      await assertHealthy(model);
    }
    stateCases(answers, 30 * ROUNDS);
    assert.ok(failures >= 25 * ROUNDS, `${failures} failures`);
  });

  const MODELS = Math.round(share * size(500, 2000));
  faults(`${name}: ${MODELS} models, made and disposed of`, async () => {
    let wanted: Float32Array | undefined;
    for (let i = 0; i < MODELS; i++) {
      const model = await AlbertModel.from_config(config, options);
      const answer = await golden(model);
      wanted ??= answer;
      assert.equal(answer, wanted);
      assert.is(model.info().threads, options.threads ?? 1);
      await model.dispose();
    }
  });
}

faults.run();
