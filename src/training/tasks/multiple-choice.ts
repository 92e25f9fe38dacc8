/** The right one of several texts after a prompt. */
import { AlbertForMultipleChoice } from '../../model/models.js';
import { accuracy } from '../metrics/classification.js';
import { argmax, crossEntropy, encodeText, type Feature, type TokenInputs, type TrainableTask } from './task.js';

interface ChoiceFeature extends Feature {
  readonly inputs: TokenInputs;
  readonly label: number;
}

export const multipleChoice: TrainableTask<'multiple-choice', ChoiceFeature> = {
  Class: AlbertForMultipleChoice,

  config: () => ({ problem_type: undefined }),

  features({ prompt, choices, label }, example, context) {
    const encoded = choices.map((choice) => encodeText(context, prompt, choice));
    const longest = Math.max(...encoded.map(({ input_ids }) => input_ids.length));
    // (choices, seq): one rectangle.
    const rows = (of: (one: (typeof encoded)[number]) => number[], fill: number) =>
      encoded.map((one) => [...of(one), ...new Array<number>(longest - of(one).length).fill(fill)]);
    const inputs = {
      input_ids: rows(({ input_ids }) => input_ids, context.tokenizer.pad_token_id),
      token_type_ids: rows(({ token_type_ids }) => token_type_ids, 0),
      attention_mask: rows(({ input_ids }) => input_ids.map(() => 1), 0),
    };
    return [{ example, inputs, tokens: longest * choices.length, label }];
  },

  batch: (features) => ({
    inputs: features.map(({ inputs }) => inputs),
    labels: { labels: features.map(({ label }) => label) },
  }),

  async evaluate(model, features, _context, signal) {
    const outputs = await (model as AlbertForMultipleChoice).forwardEach(
      features.map(({ inputs }) => inputs),
      { signal },
    );
    const predictions = outputs.map(({ logits }) => logits.data);
    const loss = predictions.reduce(
      (sum, logits, i) => sum + crossEntropy(logits, (features[i] as ChoiceFeature).label),
      0,
    );
    return { predictions, loss, counted: features.length };
  },

  metrics: () => ['accuracy'],

  summarize(_dataset, features, outcomes) {
    const predictions = outcomes as Float32Array[];
    const label_ids = features.map(({ label }) => label);
    return { predictions, label_ids, metrics: { accuracy: accuracy(predictions.map(argmax), label_ids) } };
  },
};
