/** Tags of words: the first piece of each word has its tag, the others do not count. */
import { AlbertForTokenClassification } from '../../model/models.js';
import type { Encoding } from '../../tokenizer/tokenizer.js';
import { entityScores } from '../metrics/entities.js';
import { IGNORED } from '../network/request.js';
import { argmax, crossEntropy, type Feature, labelConfig, type TokenInputs, type TrainableTask } from './task.js';

interface TagFeature extends Feature {
  readonly inputs: TokenInputs;
  /** The tag of each token; -100 where it does not count. */
  readonly labels: readonly number[]; // (seq)
  /** The word of each token whose tag counts, in order. */
  readonly words: readonly number[];
}

export const tokenClassification: TrainableTask<'token-classification', TagFeature> = {
  Class: AlbertForTokenClassification,

  config: ({ labels = [] }) => ({ ...labelConfig(labels), problem_type: undefined }),

  features({ tokens, tags }, example, { tokenizer, labels: ids, max_seq_length }) {
    const tagIds = tags.map((tag) => ids.of(tag, 'tags'));
    const options = { is_split_into_words: true, truncation: true, max_length: max_seq_length, return_offsets: false };
    const encoding = tokenizer.encode(tokens, options);
    let before: number | null = null;
    // A sentence with more tokens than the model reads is read in several windows, each word in one of them.
    return [encoding, ...encoding.overflowing]
      .map(({ input_ids, word_ids }: Encoding) => {
        const words: number[] = [];
        const labels = (word_ids as (number | null)[]).map((word) => {
          const isFirst = word !== null && word !== before;
          if (word !== null) before = word;
          if (!isFirst) return IGNORED;
          words.push(word);
          return tagIds[word] as number;
        });
        return { example, inputs: { input_ids }, tokens: input_ids.length, labels, words };
      })
      .filter(({ words }) => words.length > 0);
  },

  batch: (features) => ({
    inputs: features.map(({ inputs }) => inputs),
    labels: { labels: features.map(({ labels }) => labels) },
  }),

  async evaluate(model, features, { config: { num_labels } }, signal) {
    const outputs = await (model as AlbertForTokenClassification).forwardEach(
      features.map(({ inputs }) => inputs),
      { signal },
    );
    let [loss, counted] = [0, 0];
    const predictions = features.map(({ labels }, i) => {
      const { data } = (outputs[i] as (typeof outputs)[number]).logits;
      return labels.flatMap((label, token) => {
        if (label === IGNORED) return [];
        const logits = data.subarray(token * num_labels, (token + 1) * num_labels);
        loss += crossEntropy(logits, label);
        counted++;
        return [argmax(logits)];
      });
    });
    return { predictions, loss, counted };
  },

  metrics: () => ['precision', 'recall', 'f1', 'accuracy'],

  /** A word without a token, such as a control character, has no prediction: it is O. */
  summarize({ examples }, features, outcomes, { labels: { names } }) {
    const predictions = examples.map(({ tokens }) => tokens.map(() => 'O'));
    features.forEach(({ example, words }, i) => {
      const ids = outcomes[i] as number[];
      words.forEach((word, at) => {
        (predictions[example] as string[])[word] = names[ids[at] as number] as string;
      });
    });
    const label_ids = examples.map(({ tags }) => tags);
    return { predictions, label_ids, metrics: { ...entityScores(predictions, label_ids) } };
  },
};
