/** What a model's memory holds once it is loaded: constants, scratch, weights, and nothing that packing took. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertModel } from '../../src/model/models.js';
import { BUILDS } from '../support/builds.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const memory = suite('memory of a model');

memory('a forward runs where the parameters were staged', async () => {
  // A word table of 2.5 MB passes through 1 MB of memory, which the activations of 16 × 24 tokens, 0.5 MB, then find free.
  await using model = await AlbertModel.from_config({ ...TINY, vocab_size: 20_000, embedding_size: 32 });
  const { memoryBytes, weightBytes } = model.info();
  assert.ok(memoryBytes - weightBytes > 1e6, `${memoryBytes - weightBytes} bytes beside the weights`);
  await model.forward({ input_ids: Array.from({ length: 16 }, () => Array.from({ length: 24 }, (_, i) => i)) });
  assert.is(model.info().memoryBytes, memoryBytes);
});

memory('other parameters lie on clean ground, whatever ran there before', async () => {
  for (const { wasmUrl } of BUILDS) {
    for (const dtype of ['float32', 'int8'] as const) {
      await using given = await AlbertModel.from_config(TINY, { seed: 1, dtype, wasmUrl });
      await using model = await AlbertModel.from_config(TINY, { seed: 2, dtype, wasmUrl });
      const { params } = await AlbertModel.from_config(TINY, { seed: 1 });
      // 13 and 50 inputs are padded to 16 and 52 in int8, and relaxed SIMD's zero point is not zero.
      await model.forward({ input_ids: Array.from({ length: 60 }, () => Array.from({ length: 24 }, (_, i) => i)) });
      const { last_hidden_state } = await model.forward(TINY_INPUTS, { params });
      assert.equal(last_hidden_state.data, (await given.forward(TINY_INPUTS)).last_hidden_state.data);
    }
  }
});

memory.run();
