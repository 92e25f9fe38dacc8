/** Random models: a configuration, inputs and weights, each drawn from one seed and kept as plain JSON. */
import type { AlbertConfig } from '../../src/model/config.js';
import { Random } from '../assembly/reference.js';
import type { HeadName } from '../reference/albert.js';
import type { Sequence } from '../reference/encoder.js';
import { ACT2FN } from '../reference/operations.js';
import { parameterShapes } from '../reference/parameters.js';

/** One model and one batch; a file of `kept/` holds just this. */
export interface Case {
  readonly head: HeadName;
  readonly config: AlbertConfig;
  /** Sequences to an example, for multiple choice; 1 otherwise. */
  readonly choices: number;
  readonly batch: readonly Sequence[];
  /** Whether the caller leaves these out; the batch then holds what FlaxAlbert takes for them. */
  readonly omitted: readonly ('mask' | 'types' | 'positions')[];
  readonly weights: { readonly seed: number; readonly gain: number };
  /** Where it runs once more: two threads together, or a worker. */
  readonly elsewhere?: 'threads' | 'worker';
}

/** Of so many models one runs on two threads, and of twice as many one in a worker: each has to be started. */
export const ON_THREADS = 50;
const IN_WORKER = 2 * ON_THREADS;

export const HEAD_NAMES: readonly HeadName[] = [
  'model',
  'pretraining',
  'masked_lm',
  'sequence_classification',
  'multiple_choice',
  'token_classification',
  'question_answering',
];
const ACTIVATIONS = Object.keys(ACT2FN);

export class Draw extends Random {
  /** A whole number from `low` to `high`. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.integer(0, values.length - 1)] as T;
  }
}

export function drawConfig(draw: Draw, divided: boolean): AlbertConfig {
  // One in ten is large in one direction, past a limit of the kernels: 384 products, blocks of 128 and 192 rows.
  const large = divided ? 'products' : draw.chance(0.1) ? draw.pick(['hidden', 'intermediate', 'seq']) : 'nothing';
  const num_attention_heads = large === 'hidden' ? draw.integer(3, 4) : large === 'products' ? 4 : draw.integer(1, 4);
  const headDim =
    large === 'hidden'
      ? draw.integer(97, 129)
      : large === 'products'
        ? draw.integer(50, 70)
        : draw.pick([1, 3, 4, 8, 9, 16, draw.integer(1, 12)]);
  // Four columns at least: a layer norm of two or three is hardly more than signs, which rounding alone may turn.
  const leastHeadDim = Math.max(headDim, Math.ceil(4 / num_attention_heads));
  const num_hidden_layers = large === 'nothing' ? draw.integer(1, 4) : 1;
  const num_labels = draw.integer(1, 5);
  return {
    model_type: 'albert',
    vocab_size: draw.pick([1, 7, 8, 9, draw.integer(2, 70)]),
    embedding_size: draw.pick([4, 8, 12, draw.integer(5, 40)]),
    hidden_size: num_attention_heads * leastHeadDim,
    num_hidden_layers,
    num_hidden_groups: draw.integer(1, num_hidden_layers),
    inner_group_num: large === 'nothing' ? draw.integer(1, 2) : 1,
    num_attention_heads,
    intermediate_size:
      large === 'intermediate'
        ? draw.integer(380, 800)
        : large === 'products'
          ? draw.integer(200, 300)
          : draw.integer(1, 50),
    hidden_act: draw.pick(ACTIVATIONS),
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
    classifier_dropout_prob: 0.1,
    max_position_embeddings:
      large === 'seq'
        ? draw.integer(120, 210)
        : large === 'products'
          ? draw.integer(8, 12)
          : draw.integer(1, large === 'hidden' ? 3 : 16),
    type_vocab_size: draw.integer(1, 3),
    initializer_range: 0.02,
    layer_norm_eps: draw.pick([1e-12, 1e-5, 1e-3, 0.1]),
    tie_word_embeddings: draw.chance(0.7),
    num_labels,
    id2label: Object.fromEntries(Array.from({ length: num_labels }, (_, i) => [i, `LABEL_${i}`])),
  };
}

export function drawSequence(draw: Draw, config: AlbertConfig, seq: number, omitted: Case['omitted']): Sequence {
  const each = (value: (i: number) => number) => Array.from({ length: seq }, (_, i) => value(i));
  const kept = draw.integer(1, seq);
  const mask = draw.pick([() => 1, (i: number) => Number(i < kept), () => draw.integer(0, 1), () => 0]);
  return {
    ids: each(() => draw.integer(0, config.vocab_size - 1)),
    mask: each(omitted.includes('mask') ? () => 1 : mask),
    types: each(omitted.includes('types') ? () => 0 : () => draw.integer(0, config.type_vocab_size - 1)),
    positions: each(
      omitted.includes('positions') ? (i) => i : () => draw.integer(0, config.max_position_embeddings - 1),
    ),
  };
}

/** The random model of a seed: one that runs on threads is large enough for its products to be divided. */
export function drawCase(seed: number): Case {
  const draw = new Draw(seed);
  const divided = seed % ON_THREADS === 0;
  const elsewhere = divided ? 'threads' : seed % IN_WORKER === 1 ? 'worker' : undefined;
  const head = draw.pick(HEAD_NAMES);
  const drawn = drawConfig(draw, divided);
  const { num_labels, id2label } =
    head === 'question_answering' ? { num_labels: 2, id2label: { 0: 'a', 1: 'b' } } : drawn;
  const config = { ...drawn, num_labels, id2label };
  const omitted = (['mask', 'types', 'positions'] as const).filter(() => draw.chance(0.3));
  const seq =
    divided || draw.chance(0.2) ? config.max_position_embeddings : draw.integer(1, config.max_position_embeddings);
  const choices = head === 'multiple_choice' ? draw.integer(1, 2) : 1;
  const batch = Array.from({ length: choices * (divided ? 2 : draw.integer(1, seq > 60 ? 1 : 3)) }, () =>
    drawSequence(draw, config, seq, omitted),
  );
  const weights = { seed, gain: 0.5 + 1.5 * draw.next() };
  return { head, config, choices, batch, omitted, weights, ...(elsewhere && { elsewhere }) };
}

/** The float32 weights of a case by PyTorch's names. Every bias and every layer norm counts: none is zero or one. */
export function drawWeights({ config, head, weights: { seed, gain } }: Pick<Case, 'config' | 'head' | 'weights'>) {
  const draw = new Draw(seed ^ 0x5eed);
  return [...parameterShapes(config, head)].map(([name, shape]) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const [reach, around] = name.includes('embeddings.weight')
      ? [1, 0]
      : shape.length === 2
        ? [gain * Math.sqrt(3 / shape[1]!), 0]
        : [0.5, /(LayerNorm|layer_norm)\.weight$/.test(name) ? 1 : 0];
    return { name, shape, data: draw.uniform(size, around - reach, around + reach) };
  });
}
