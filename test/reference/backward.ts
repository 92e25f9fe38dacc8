/**
 * The loss of a batch and its gradient in every parameter, in float64, written from the mathematics alone: the network as
 * operations of a tape (tape.ts), the losses of transformers and sentence-transformers (losses.ts).
 */
import type { AlbertConfig } from '../../src/model/config.js';
import type { HeadName } from './albert.js';
import { type Arithmetic, EXACT } from './arithmetic.js';
import type { Sequence } from './encoder.js';
import { binaryCrossEntropy, crossEntropy, IGNORED, squaredError } from './losses.js';
import { type Matrix, matrix } from './matrix.js';
import { dropForHead, encode, linear, meanPool, type Network, pool, wordLogits } from './network.js';
import { prefixOf } from './parameters.js';
import { Tape } from './tape.js';

/** A parameter in PyTorch's orientation. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Labels in the words of transformers, one entry per example; of `model`, the scores of pairs or nothing. */
export interface Labels {
  /** A class, a number or a row of numbers per example; a list of classes, one per token. */
  readonly labels?: readonly (number | readonly number[])[];
  readonly start_positions?: readonly number[];
  readonly end_positions?: readonly number[];
  readonly sentence_order_label?: readonly number[];
}

export interface Batch {
  readonly head: HeadName;
  readonly config: AlbertConfig;
  /** The sequences of each example: one, or the choices. Of `model`: the first texts of all pairs, then the second. */
  readonly examples: readonly (readonly Sequence[])[];
  readonly labels: Labels;
  readonly smoothing?: number;
  /** The seed of dropout; default: none. */
  readonly dropout?: number;
}

export interface Gradients {
  readonly loss: number;
  /** By PyTorch's names and in its orientation, row-major. */
  readonly grads: ReadonlyMap<string, Float64Array>;
  /** How near an activation came to a jump of its derivative. */
  readonly nearestKink: number;
}

/** sentence-transformers' scale of cosines among in-batch negatives. */
const SCALE = 20;

const counted = (labels: readonly number[]) => labels.filter((label) => label !== IGNORED).length;

/** Pairs of texts: cosines of their means against scores, or each first text against all second texts. */
function similarityLoss(network: Network, { examples, labels }: Batch): Matrix {
  const { tape } = network;
  const vectors = examples.map(([text]) => tape.unit(meanPool(network, encode(network, text!), text!.mask)));
  const pairs = examples.length / 2;
  const [first, second] = [vectors.slice(0, pairs), vectors.slice(pairs)];
  if (labels.labels === undefined) {
    const cosines = tape.dense(tape.stack(first), tape.stack(second));
    return crossEntropy(tape, tape.scale(cosines, SCALE), [...first.keys()], pairs);
  }
  const cosines = first.map((vector, i) => tape.dense(vector, second[i]!));
  return squaredError(tape, tape.stack(cosines), labels.labels as number[], pairs);
}

/** Cross-entropy of each token's logits, over the tokens with a label. */
function tokenLoss(
  { tape }: Network,
  logits: readonly Matrix[],
  labels: readonly number[][],
  smoothing?: number,
): Matrix {
  return crossEntropy(tape, tape.stack(logits), labels.flat(), counted(labels.flat()), smoothing);
}

function spanLoss({ tape }: Network, scores: readonly Matrix[], { labels, smoothing }: Batch): Matrix {
  const sides = [labels.start_positions!, labels.end_positions!].flatMap((given, side) => {
    // As in transformers, a position beyond the text does not count.
    const positions = given.map((position, i) => (position < scores[i]!.rows ? position : IGNORED));
    return scores.map((score, i) => {
      const logits = tape.transpose(tape.columns(score, side, side + 1));
      return crossEntropy(tape, logits, [positions[i]!], counted(positions), smoothing);
    });
  });
  return tape.scale(tape.add(...sides), 1 / 2);
}

function classLoss({ tape, config }: Network, logits: Matrix, { labels, smoothing }: Batch): Matrix {
  const targets = labels.labels!.flat();
  if (config.problem_type === 'regression') return squaredError(tape, logits, targets, targets.length);
  if (config.problem_type === 'multi_label_classification')
    return binaryCrossEntropy(tape, logits, targets, targets.length);
  return crossEntropy(tape, logits, targets, counted(targets), smoothing);
}

function loss(network: Network, batch: Batch): Matrix {
  const { tape } = network;
  const { head, labels, smoothing } = batch;
  if (head === 'model') return similarityLoss(network, batch);
  const hidden = batch.examples.map((sequences) => sequences.map((sequence) => encode(network, sequence)));
  const states = hidden.flat();
  const pooled = (rate: number) => {
    const vectors = tape.stack(states.map((state) => pool(network, state)));
    return dropForHead(network, vectors, rate, 0);
  };
  const { classifier_dropout_prob, hidden_dropout_prob } = network.config;
  const tokens = labels.labels as number[][];
  switch (head) {
    case 'masked_lm':
      return tokenLoss(
        network,
        states.map((state) => wordLogits(network, state)),
        tokens,
        smoothing,
      );
    case 'pretraining': {
      const words = tokenLoss(
        network,
        states.map((state) => wordLogits(network, state)),
        tokens,
        smoothing,
      );
      const orders = labels.sentence_order_label!;
      const logits = linear(network, 'sop_classifier.classifier', pooled(classifier_dropout_prob));
      return tape.add(words, crossEntropy(tape, logits, orders, counted(orders), smoothing));
    }
    case 'token_classification': {
      const dropped = dropForHead(network, tape.stack(states), classifier_dropout_prob, 0);
      return tokenLoss(network, [linear(network, 'classifier', dropped)], tokens, smoothing);
    }
    case 'question_answering':
      return spanLoss(
        network,
        states.map((state) => linear(network, 'qa_outputs', state)),
        batch,
      );
    case 'sequence_classification':
      return classLoss(network, linear(network, 'classifier', pooled(classifier_dropout_prob)), batch);
    case 'multiple_choice': {
      const classes = labels.labels as number[];
      const logits = linear(network, 'classifier', pooled(hidden_dropout_prob));
      let first = 0;
      const parts = hidden.map(({ length }, i) => {
        const rows = Array.from({ length }, (_, choice) => first + choice);
        first += length;
        return crossEntropy(
          tape,
          tape.transpose(tape.gather(logits, rows)),
          [classes[i]!],
          counted(classes),
          smoothing,
        );
      });
      return tape.add(...parts);
    }
  }
}

/** The first token of each sequence in the batch, in which the two texts of a pair follow one another. */
function startsOf({ head, examples }: Batch): ReadonlyMap<Sequence, number> {
  const half = examples.length / 2;
  const order = head === 'model' ? examples.map((_, i) => examples[Math.floor(i / 2) + (i % 2) * half]!) : examples;
  let token = 0;
  return new Map(
    order.flat().map((sequence) => {
      token += sequence.ids.length;
      return [sequence, token - sequence.ids.length];
    }),
  );
}

/** The network of a batch over its parameters. */
function build(batch: Batch, weights: ReadonlyMap<string, Values>, arithmetic: Arithmetic): Network {
  const parameters = new Map(
    [...weights].map(([name, { shape, data }]) => {
      const columns = shape.at(-1)!;
      return [name, matrix(data.length / columns, columns, data)];
    }),
  );
  const starts = startsOf(batch);
  const { head, config, dropout: seed } = batch;
  return { tape: new Tape(arithmetic), config, parameters, prefix: prefixOf(head), seed, starts };
}

/** The loss of a batch alone. */
export function lossOf(batch: Batch, weights: ReadonlyMap<string, Values>): number {
  return loss(build(batch, weights, EXACT), batch).data[0]!;
}

/** The loss of a batch and its gradients, as `arithmetic` computes them. */
export function lossAndGradients(
  batch: Batch,
  weights: ReadonlyMap<string, Values>,
  arithmetic: Arithmetic = EXACT,
): Gradients {
  const network = build(batch, weights, arithmetic);
  const { tape, parameters } = network;
  const result = loss(network, batch);
  tape.backward(result);
  const grads = new Map([...parameters].map(([name, { grad }]) => [name, grad]));
  return { loss: result.data[0]!, grads, nearestKink: tape.nearestKink };
}
