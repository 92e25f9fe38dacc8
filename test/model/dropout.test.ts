/** Training mode: dropout at FlaxAlbert's places and rates, the same for the same seed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AlbertForMultipleChoice,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  AlbertModel,
} from '../../src/model/models.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const dropout = suite('dropout');

const NONE = { hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, classifier_dropout_prob: 0 };

async function hidden(config: object, options: object): Promise<Float32Array> {
  await using model = await AlbertModel.from_config({ ...TINY, ...config }, { seed: 3 });
  return (await model.forward(TINY_INPUTS, options)).last_hidden_state.data;
}

dropout('rates of zero change nothing', async () => {
  assert.equal(await hidden(NONE, { train: true, dropout_rng: 1 }), await hidden(NONE, {}));
});

for (const place of ['hidden_dropout_prob', 'attention_probs_dropout_prob']) {
  dropout(`${place} acts in training only, and by the seed`, async () => {
    const config = { ...NONE, [place]: 0.3 };
    const one = await hidden(config, { train: true, dropout_rng: 1 });
    assert.equal(await hidden(config, { train: true, dropout_rng: 1 }), one);
    assert.not.equal(await hidden(config, { train: true, dropout_rng: 2 }), one);
    assert.not.equal(await hidden(config, { train: true, dropout_rng: 2 ** 40 + 1 }), one);
    assert.equal(await hidden(config, { dropout_rng: 1 }), await hidden(NONE, {}));
    assert.ok(one.every(Number.isFinite));
  });
}

dropout('the embeddings are dropped before the mapping', async () => {
  await using model = await AlbertModel.from_config({ ...TINY, ...NONE, hidden_dropout_prob: 0.5 });
  const plain = await model.forward(TINY_INPUTS, { output_hidden_states: true });
  const dropped = await model.forward(TINY_INPUTS, { output_hidden_states: true, train: true, dropout_rng: 1 });
  assert.not.equal(dropped.hidden_states?.[0]?.data, plain.hidden_states?.[0]?.data);
});

dropout('attention weights are dropped alike in all sequences and heads, and scaled', async () => {
  const config = { ...TINY, ...NONE, attention_probs_dropout_prob: 0.4 };
  await using model = await AlbertModel.from_config(config, { seed: 3 });
  const inputs = { input_ids: Array.from({ length: 3 }, () => Array.from({ length: 20 }, (_, i) => i)) };
  const plain = (await model.forward(inputs, { output_attentions: true })).attentions?.[0];
  const dropped = (await model.forward(inputs, { output_attentions: true, train: true, dropout_rng: 5 }))
    .attentions?.[0];
  const [a, b] = [plain?.data as Float32Array, dropped?.data as Float32Array];
  let kept = 0;
  for (let i = 0; i < b.length; i++) {
    const keep = b[i] !== 0;
    assert.is(keep, b[i % 400] !== 0, 'one mask for every head');
    if (keep) assert.ok(Math.abs((b[i] as number) * 0.6 - (a[i] as number)) < 1e-6);
    if (i < 400 && keep) kept++;
  }
  // 400 draws at 0.6: the mean is 240, five deviations are 49.
  assert.ok(Math.abs(kept - 240) < 49, `${kept} of 400 kept`);
});

dropout('the classifiers drop at the rates of FlaxAlbert', async () => {
  for (const Model of [AlbertForSequenceClassification, AlbertForTokenClassification]) {
    await using model = await Model.from_config({ ...TINY, ...NONE, classifier_dropout_prob: 0.5 });
    const logits = async (options: object) => (await model.forward(TINY_INPUTS, options)).logits.data;
    assert.not.equal(await logits({ train: true, dropout_rng: 1 }), await logits({}));
  }
  const inputs = {
    input_ids: [
      [
        [2, 5, 3],
        [2, 6, 3],
      ],
    ],
  };
  await using choice = await AlbertForMultipleChoice.from_config({ ...TINY, ...NONE, classifier_dropout_prob: 0.5 });
  const { logits } = await choice.forward(inputs);
  assert.equal((await choice.forward(inputs, { train: true, dropout_rng: 1 })).logits.data, logits.data);
});

dropout('training needs a seed', async () => {
  await using model = await AlbertModel.from_config(TINY);
  await expectError(() => model.forward(TINY_INPUTS, { train: true }), 'ERR_INPUT', 'dropout_rng');
  for (const dropout_rng of [-1, 0.5, Number.NaN, 2 ** 53]) {
    await expectError(() => model.forward(TINY_INPUTS, { train: true, dropout_rng }), 'ERR_INPUT', 'dropout_rng');
  }
});

dropout.run();
