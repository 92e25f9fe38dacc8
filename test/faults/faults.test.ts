/** Faults one after another: whatever fails, the model answers on bit for bit as before. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertError } from '../../src/errors.js';
import { AlbertModel } from '../../src/model/heads/index.js';
import { stateCases } from '../cases.js';
import { TINY, TINY_INPUTS } from '../tiny.js';

const faults = suite('faults');

const LARGE = { input_ids: Array.from({ length: 60 }, () => Array.from({ length: 24 }, (_, i) => i)) };

/** Runs `work` with the n-th growth of any memory failing, as an engine without memory would. */
async function failingGrowth(n: number, work: () => Promise<void>): Promise<void> {
  const { grow } = WebAssembly.Memory.prototype;
  let calls = 0;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (++calls === n) throw new RangeError('out of memory');
    return grow.call(this, pages);
  };
  try {
    await work();
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
}

async function golden(model: AlbertModel): Promise<Float32Array> {
  return (await model.forward(TINY_INPUTS)).last_hidden_state.data;
}

faults('the n-th growth of memory fails, for every n', async () => {
  await using reference = await AlbertModel.from_config(TINY, { seed: 1 });
  const wanted = await golden(reference);
  let failures = 0;
  for (let n = 1; ; n++) {
    let model: AlbertModel | undefined;
    let error: unknown;
    await failingGrowth(n, async () => {
      try {
        model = await AlbertModel.from_config(TINY, { seed: 1 });
        await golden(model);
        await model.forward(LARGE, { output_attentions: true });
      } catch (thrown) {
        error = thrown;
      }
    });
    if (error === undefined) {
      await model?.dispose();
      break;
    }
    assert.ok(error instanceof AlbertError && error.code === 'ERR_MEMORY', `growth ${n}: ${error}`);
    failures++;
    if (model === undefined) continue;
    assert.equal(await golden(model), wanted);
    assert.is((await model.forward(LARGE)).last_hidden_state.shape[0], 60);
    await model.dispose();
  }
  // For the weights and for the large forward; the small one fits where the weights were staged.
  stateCases(failures, 2);
});

faults('64 calls at once, some of them failing, 20 rounds', async () => {
  await using model = await AlbertModel.from_config(TINY, { seed: 1, maxMemoryBytes: 4 * 2 ** 20 });
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
  let answers = 0;
  for (let round = 0; round < 20; round++) {
    const kinds = Array.from({ length: 64 }, (_, i) => ((i * 7 + round) % 11 < 6 ? 0 : ((i + round) % 5) + 1));
    const settled = await Promise.allSettled(kinds.map((kind) => (calls[kind] as () => Promise<unknown>)()));
    settled.forEach((result, i) => {
      const code = codes[kinds[i] as number];
      if (result.status === 'rejected') assert.is((result.reason as AlbertError).code, code);
      else {
        assert.is(code, undefined);
        assert.equal((result.value as { last_hidden_state: { data: Float32Array } }).last_hidden_state.data, wanted);
        answers++;
      }
    });
  }
  stateCases(answers, 600);
});

faults('500 models, made and disposed of', async () => {
  let wanted: Float32Array | undefined;
  for (let i = 0; i < 500; i++) {
    const model = await AlbertModel.from_config(TINY, { seed: 1 });
    const answer = await golden(model);
    wanted ??= answer;
    assert.equal(answer, wanted);
    await model.dispose();
  }
});

faults.run();
