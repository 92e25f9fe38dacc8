/** The last layer computes only the rows that the head reads: the answers stay the same, bit for bit. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AlbertPreTrainedModel, ModelClass } from '../../src/model/albert.js';
import {
  AlbertForMaskedLM,
  AlbertForMultipleChoice,
  AlbertForPreTraining,
  AlbertForSequenceClassification,
  AlbertModel,
} from '../../src/model/models.js';
import type { InitOptions } from '../../src/model/options.js';
import { Random } from '../assembly/reference.js';
import { stateCases } from '../support/cases.js';
import { TINY } from '../support/tiny.js';

const test = suite('last layer');

const HEADS = [
  AlbertModel,
  AlbertForPreTraining,
  AlbertForMaskedLM,
  AlbertForSequenceClassification,
  AlbertForMultipleChoice,
] as readonly (typeof AlbertPreTrainedModel<object> & ModelClass<AlbertPreTrainedModel<object>>)[];

/** The numbers of each field. */
type Outputs = readonly Readonly<Record<string, { readonly data: Float32Array }>>[];

/** A hidden size of whole panels, and one whose queries and keys share a panel. */
const CONFIGS = [
  TINY,
  { ...TINY, hidden_size: 48, embedding_size: 16, num_hidden_groups: 1, inner_group_num: 1, num_labels: 5 },
  { ...TINY, num_hidden_layers: 1, num_hidden_groups: 1 },
];
const OPTIONS: InitOptions[] = [{}, { dtype: 'int8' }, { threads: 2 }];

let cases = 0;
const random = new Random(7);
const below = (n: number) => Math.floor((random.uniform(1, 0, 1)[0] as number) * n);
const ids = (seq: number) => Array.from({ length: seq }, () => below(97));

/** Fails unless the fields of the first outputs are those of the others. */
function compare(few: readonly object[], all: readonly object[]): void {
  for (const [i, fields] of (few as Outputs).entries()) {
    for (const [name, { data }] of Object.entries(fields)) {
      assert.equal(data, (all as Outputs)[i]?.[name]?.data, name);
      cases++;
    }
  }
}

for (const Head of HEADS) {
  test(`${Head.architecture}: as with all hidden states`, async () => {
    for (const config of CONFIGS) {
      for (const options of OPTIONS) {
        await using model = await Head.from_config(config, { seed: 3, ...options });
        const choices = Head.architecture === 'AlbertForMultipleChoice';
        const inputs = Array.from({ length: 5 }, () => {
          const [rows, seq] = [1 + below(3), 1 + below(20)];
          const input_ids = Array.from({ length: rows }, () => ids(seq));
          const attention_mask = input_ids.map((of) => of.map((_, i) => Number(i === 0 || below(5) > 0)));
          return choices ? { input_ids: [input_ids], attention_mask: [attention_mask] } : { input_ids, attention_mask };
        });
        const few = await model.forwardEach(inputs);
        compare(few, await model.forwardEach(inputs, { output_hidden_states: true }));
        if (choices) continue;
        const texts = Array.from({ length: 4 }, () => ({ input_ids: ids(2 + below(20)) }));
        const positions = texts.map(({ input_ids }) =>
          input_ids.map((_, i) => i).filter((i) => i === 1 || below(3) === 0),
        );
        const at = await model.forwardAt(texts, positions);
        compare(at, await model.forwardAt(texts, positions, { output_attentions: true }));
      }
    }
  });
}

test('what training drops is dropped as before', async () => {
  const config = { ...TINY, hidden_dropout_prob: 0.2, attention_probs_dropout_prob: 0.1 };
  await using model = await AlbertForSequenceClassification.from_config(config);
  const options = { train: true, dropout_rng: 5 } as const;
  const inputs = { input_ids: [ids(7), ids(7)] };
  const few = await model.forward(inputs, options);
  const all = await model.forward(inputs, { ...options, output_hidden_states: true });
  assert.equal(few.logits.data, all.logits.data);
});

test.after(() => stateCases(cases, 300));
test.run();
