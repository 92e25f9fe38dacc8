/** Dropout that a backward pass can repeat: every site has a number, and every micro-batch knows where in the batch it begins. */
import type { Engine } from '../../engine/engine.js';
import type { Matrix } from '../../engine/memory.js';
import type { TrainingEngine } from '../../engine/training-engine.js';
import type { AlbertConfig } from '../../model/config.js';
import { mix } from '../../model/random.js';

/** A place where the network drops elements, by its number in the order of the model's forward. */
export interface Site {
  readonly number: number;
  readonly rate: number;
}

/** The sites of one layer. */
export interface LayerSites {
  readonly probs: Site;
  readonly attention: Site;
  readonly ffn: Site;
}

export interface Sites {
  readonly embeddings: Site;
  /** One for every inner layer of every application of a group. */
  readonly layers: readonly LayerSites[];
  /** The number of the head's site, for those that have one. */
  readonly head: number;
}

/** The sites of a model, numbered as `DropoutStream` hands out its keys. */
export function sitesOf(config: AlbertConfig): Sites {
  const { hidden_dropout_prob: rate, attention_probs_dropout_prob, num_hidden_layers, inner_group_num } = config;
  let number = 0;
  const embeddings = { number: number++, rate };
  const layers = Array.from({ length: num_hidden_layers * inner_group_num }, () => ({
    // Attention weights take a number only where some are dropped.
    probs: { number: attention_probs_dropout_prob > 0 ? number++ : -1, rate: attention_probs_dropout_prob },
    attention: { number: number++, rate },
    ffn: { number: number++, rate },
  }));
  return { embeddings, layers, head: number };
}

/** The step of the hash that the kernel gives each index of an element. */
const INDEX_STEP = 0x9e3779b1;

export class Dropout {
  readonly #seed: number;
  readonly #firstToken: number;
  readonly #firstSequence: number;

  /**
   * @param firstToken of the micro-batch, among all tokens of the batch: an element is dropped by its index in the batch
   * @param firstSequence likewise
   */
  constructor(seed: number, firstToken: number, firstSequence: number) {
    this.#seed = seed;
    this.#firstToken = firstToken;
    this.#firstSequence = firstSequence;
  }

  /** Drops elements of x, whose rows are tokens; of a gradient, those that the forward dropped. */
  tokens(engine: Engine, x: Matrix, site: Site): void {
    this.#apply(engine, x, site, this.#firstToken);
  }

  /** The same where rows are sequences. */
  sequences(engine: Engine, x: Matrix, site: Site): void {
    this.#apply(engine, x, site, this.#firstSequence);
  }

  /** mask = the factors of attention weights, the same for all sequences and heads: Flax's attention broadcasts its dropout. */
  probs(engine: Engine, mask: Matrix, site: Site): void {
    engine.memory.f32(mask.address, (mask.rows * mask.stride) / 4).fill(1);
    this.#apply(engine, mask, site, 0);
  }

  #apply(engine: Engine, x: Matrix, { number, rate }: Site, firstRow: number): void {
    if (rate === 0) return;
    // The kernel hashes index · INDEX_STEP + key: a key moved by the rows before counts the index on from them.
    const before = Math.imul(Math.imul(firstRow, x.cols), INDEX_STEP);
    engine.dropout(x, rate, (mix(this.#seed, number) + before) | 0);
  }
}

/** The gradient of what dropout received: `dy`, or where elements were dropped, a copy without them. */
export function dropped(
  { engine, training, dropout }: { engine: Engine; training: TrainingEngine; dropout: Dropout | undefined },
  dy: Matrix,
  site: Site,
  copy: Matrix,
): Matrix {
  if (dropout === undefined || site.rate === 0) return dy;
  training.copy(dy, copy);
  dropout.tokens(engine, copy, site);
  return copy;
}
