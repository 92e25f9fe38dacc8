/** Random batches to train on: a model of `draw.ts`, examples of equal or of any lengths, and labels of every kind of loss. */
import type { Batch, Labels } from '../reference/backward.js';
import type { Sequence } from '../reference/encoder.js';
import { IGNORED } from '../reference/losses.js';
import { type Case, Draw, drawConfig, drawSequence, HEAD_NAMES, ON_THREADS } from './draw.js';

/** One model, one batch, its labels and how its gradients are computed; plain JSON. */
export interface TrainingCase extends Batch {
  readonly omitted: Case['omitted'];
  readonly weights: Case['weights'];
  /** A list of examples of any lengths, or one rectangle, padded by its mask. */
  readonly ragged: boolean;
  /** `undefined`: the planner's choice. */
  readonly recompute?: boolean;
  /** Whether it runs once more on two threads. */
  readonly threads: boolean;
}

const PROBLEM_TYPES = ['regression', 'single_label_classification', 'multi_label_classification'];

/** As many draws, one of which at least counts. */
function withIgnored(draw: Draw, count: number, share: number, label: (i: number) => number): number[] {
  const counts = draw.integer(0, count - 1);
  return Array.from({ length: count }, (_, i) => (i !== counts && draw.chance(share) ? IGNORED : label(i)));
}

function drawLabels(draw: Draw, { head, config, examples }: Omit<Batch, 'labels'>): Labels {
  const { vocab_size, num_labels, problem_type } = config;
  const lengths = examples.map(([sequence]) => sequence!.ids.length);
  /** A class per token of each example: one of all tokens at least counts. */
  const perToken = (classes: number) => {
    const all = lengths.reduce((sum, length) => sum + length, 0);
    const flat = withIgnored(draw, all, draw.pick([0, 0.3, 0.85]), () => draw.integer(0, classes - 1));
    return lengths.map((length) => flat.splice(0, length));
  };
  const perExample = (classes: (i: number) => number) =>
    withIgnored(draw, examples.length, 0.15, (i) => draw.integer(0, classes(i) - 1));
  const numbers = (number: () => number) =>
    examples.map(() => (num_labels === 1 ? number() : Array.from({ length: num_labels }, number)));
  switch (head) {
    case 'model':
      return draw.chance(0.5) ? {} : { labels: lengths.slice(lengths.length / 2).map(() => 2 * draw.next() - 1) };
    case 'masked_lm':
      return { labels: perToken(vocab_size) };
    case 'pretraining':
      return { labels: perToken(vocab_size), sentence_order_label: perExample(() => 2) };
    case 'token_classification':
      return { labels: perToken(num_labels) };
    case 'question_answering': {
      // Some lie beyond the text, and do not count either.
      const positions = () =>
        perExample((i) => lengths[i]!).map((p, i) => (p === IGNORED && draw.chance(0.5) ? lengths[i]! : p));
      return { start_positions: positions(), end_positions: positions() };
    }
    case 'multiple_choice':
      return { labels: perExample((i) => examples[i]!.length) };
    case 'sequence_classification':
      if (problem_type === 'regression') return { labels: numbers(() => 4 * draw.next() - 2) };
      if (problem_type === 'single_label_classification') return { labels: perExample(() => num_labels) };
      return {
        labels: examples.map(() => Array.from({ length: num_labels }, () => draw.pick([0, 1, draw.next()]))),
      };
  }
}

/** The random batch of a seed. One that runs on threads is large enough for its products to be divided. */
export function drawTraining(seed: number): TrainingCase {
  const draw = new Draw(seed);
  let kase = drawBatch(draw, seed);
  // Most heads have a batch of one class, whose loss and gradients are zero: a few will do.
  while (!decides(kase) && draw.chance(0.9)) kase = drawBatch(draw, seed);
  return kase;
}

/** Whether there are two answers to choose from. */
function decides({ head, config, examples, labels }: TrainingCase): boolean {
  switch (head) {
    case 'model':
      return labels.labels !== undefined || examples.length > 2;
    case 'masked_lm':
      return config.vocab_size > 1;
    case 'token_classification':
      return config.num_labels > 1;
    case 'sequence_classification':
      return config.num_labels > 1 || config.problem_type !== 'single_label_classification';
    case 'multiple_choice':
      return examples.some((choices) => choices.length > 1);
    case 'question_answering':
      return examples.some(([sequence]) => sequence!.ids.length > 1);
    case 'pretraining':
      return true;
  }
}

function drawBatch(draw: Draw, seed: number): TrainingCase {
  const threads = seed % ON_THREADS === 0;
  const head = draw.pick(HEAD_NAMES);
  const drawn = drawConfig(draw, threads);
  const two = { num_labels: 2, id2label: { 0: 'a', 1: 'b' } };
  const problem_type = head === 'sequence_classification' ? { problem_type: draw.pick(PROBLEM_TYPES) } : {};
  const dropped = draw.chance(0.3);
  const rates = {
    hidden_dropout_prob: draw.pick([0, 0.1, 0.5]),
    attention_probs_dropout_prob: draw.pick([0, 0.1, 0.5]),
    classifier_dropout_prob: draw.pick([0, 0.1, 0.5]),
  };
  const config = { ...drawn, ...(dropped && rates), ...(head === 'question_answering' && two), ...problem_type };
  const omitted = (['mask', 'types', 'positions'] as const).filter(() => draw.chance(0.3));
  const ragged = draw.chance(0.6);

  const longest = config.max_position_embeddings;
  const length = () => (threads || draw.chance(0.2) ? longest : draw.integer(1, longest));
  const choices = () => (head === 'multiple_choice' ? draw.integer(1, 3) : 1);
  const [width, height] = [length(), choices()];
  const count = threads ? 2 : draw.integer(1, longest > 60 ? 1 : 4);
  const examples = Array.from({ length: head === 'model' ? 2 * count : count }, () => {
    const seq = ragged ? length() : width;
    return Array.from({ length: ragged ? choices() : height }, () => {
      const sequence = drawSequence(draw, config, seq, omitted);
      return head === 'model' ? someKept(sequence) : sequence;
    });
  });
  const batch = { head, config, examples };
  const entropy = head !== 'model' && (problem_type.problem_type ?? 'single_label_classification').startsWith('single');
  return {
    ...batch,
    labels: drawLabels(draw, batch),
    ...(dropped && { dropout: draw.integer(0, 2 ** 31) }),
    smoothing: entropy ? draw.pick([0, 0, 0.1, 0.5]) : 0,
    omitted,
    weights: { seed, gain: 0.5 + 1.5 * draw.next() },
    ragged,
    recompute: draw.pick([undefined, true, false]),
    threads,
  };
}

/** A text without a token has no mean. */
function someKept(sequence: Sequence): Sequence {
  return sequence.mask.includes(1) ? sequence : { ...sequence, mask: sequence.mask.map((_, i) => Number(i === 0)) };
}
