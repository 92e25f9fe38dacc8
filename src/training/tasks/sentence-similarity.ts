/** Pairs of sentences: their cosine is learned, or that the two of a pair belong together more than with any other. */
import { AlbertModel, type AlbertModelOutput } from '../../model/models.js';
import { cosine } from '../../pipelines/embedding.js';
import { checkScore } from '../data/labels.js';
import { pearson, spearman } from '../metrics/correlation.js';
import { COSINE_SCALE } from '../network/similarity.js';
import {
  argmax,
  crossEntropy,
  encodeText,
  type Feature,
  type StepBatch,
  type TokenInputs,
  type TrainableTask,
} from './task.js';

interface PairFeature extends Feature {
  readonly sentence1: TokenInputs;
  readonly sentence2: TokenInputs;
  /** The cosine that is wanted; `undefined` for pairs that mean the same. */
  readonly label: number | undefined;
}

export const sentenceSimilarity: TrainableTask<'sentence-similarity', PairFeature> = {
  Class: AlbertModel,

  config: () => ({ problem_type: undefined }),

  features({ sentence1, sentence2, label }, example, context, dataset) {
    const { max_score = dataset.max_score } = context;
    const [first, second] = [encodeText(context, sentence1), encodeText(context, sentence2)];
    const tokens = first.input_ids.length + second.input_ids.length;
    checkScore(label, max_score);
    const wanted = label === undefined ? undefined : label / max_score;
    return [{ example, sentence1: first, sentence2: second, tokens, label: wanted }];
  },

  batch: (features) => ({
    inputs: {
      sentence1: features.map(({ sentence1 }) => sentence1),
      sentence2: features.map(({ sentence2 }) => sentence2),
    },
    labels: (isLabelled(features) ? { labels: features.map(({ label }) => label) } : {}) as StepBatch['labels'],
  }),

  async evaluate(model, features, _context, signal) {
    const inputs = features.flatMap(({ sentence1, sentence2 }) => [sentence1, sentence2]);
    const outputs = await (model as AlbertModel).forwardEach(inputs, { signal });
    const vectors = outputs.map(meanState);
    const first = vectors.filter((_, i) => i % 2 === 0);
    const second = vectors.filter((_, i) => i % 2 === 1);
    const cosines = first.map((vector, i) => cosine(vector, second[i] as Float64Array));
    if (isLabelled(features)) {
      const loss = cosines.reduce(
        (sum, value, i) => sum + (value - ((features[i] as PairFeature).label as number)) ** 2,
        0,
      );
      return { predictions: cosines, loss, counted: features.length };
    }
    let loss = 0;
    const predictions = first.map((vector, i) => {
      const scores = second.map((other) => COSINE_SCALE * cosine(vector, other));
      loss += crossEntropy(scores, i);
      return Number(argmax(scores) === i);
    });
    return { predictions, loss, counted: features.length };
  },

  metrics: ({ examples }) => (examples[0]?.label === undefined ? ['accuracy'] : ['pearson', 'spearmanr']),

  summarize(_dataset, features, outcomes) {
    const predictions = outcomes as number[];
    if (isLabelled(features)) {
      const label_ids = features.map(({ label }) => label as number);
      const metrics = { pearson: pearson(predictions, label_ids), spearmanr: spearman(predictions, label_ids) };
      return { predictions, label_ids, metrics };
    }
    const found = predictions.reduce((sum, right) => sum + right, 0) / predictions.length;
    return { predictions, label_ids: predictions.map(() => 1), metrics: { accuracy: found } };
  },
};

function isLabelled([first]: readonly PairFeature[]): boolean {
  return first?.label !== undefined;
}

/** The mean of a text's states: what `sentence-similarity` compares by default. */
function meanState({ last_hidden_state: { data, shape } }: AlbertModelOutput): Float64Array {
  const size = shape.at(-1) as number;
  const mean = new Float64Array(size);
  data.forEach((value, i) => {
    mean[i % size] = (mean[i % size] as number) + value;
  });
  return mean.map((sum) => sum / (data.length / size));
}
