/** Training steps, timed by turns with forwards of the same texts: losses compared first, and again over all steps. */
import { readFileSync } from 'node:fs';
import { AlbertForSequenceClassification } from '../../src/model/models.js';
import { adamw } from '../../src/training/optimizers.js';
import { TrainState } from '../../src/training/state.js';
import { CONFIG, nameShape, parseShape, tokenIds } from '../albert-base.js';
import { alternate, type Rounds, type Samples } from '../alternate.js';
import { mixedTexts, SHORTEST } from '../texts.js';

/** What may be trained here: albert-mini-en's sizes and ALBERT-base's, without dropout, with random weights. */
export const MODELS = {
  mini: {
    ...JSON.parse(readFileSync(new URL('../../models/albert-mini-en/config.json', import.meta.url), 'utf8')),
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    classifier_dropout_prob: 0,
  },
  base: CONFIG,
} as const;

export type ModelName = keyof typeof MODELS;

/** The texts of a full report: 32 of mixed lengths, and 8 of 128 tokens. */
export const TEXTS: readonly string[] = ['32 mixed', '8x128'];

/** The most that losses may differ, relatively, between keeping everything and computing layers again: the batches are cut otherwise. */
const LOSS_TOLERANCE = 1e-3;

export interface MeasuredStep {
  readonly model: ModelName;
  readonly texts: string;
  readonly tokens: number;
  readonly threads: number;
  readonly recompute: boolean;
  readonly step: Samples;
  /** Of the same texts, on as many threads. */
  readonly forward: Samples;
  /** The same step on the first number of threads. */
  readonly first: Samples;
  /** Before each step. */
  readonly losses: readonly number[];
}

/** One contestant: a model of its own in training. */
interface Trained {
  readonly threads: number;
  readonly recompute: boolean;
  readonly model: AlbertForSequenceClassification;
  readonly state: TrainState;
  readonly losses: number[];
}

/** @returns how many, of "32 mixed"; `undefined` for a shape. @throws for any other name */
export function countMixed(name: string): number | undefined {
  const [, count] = /^([1-9]\d*) mixed$/.exec(name) ?? [];
  if (count === undefined) parseShape(name);
  return count === undefined ? undefined : Number(count);
}

/** "32 mixed": so many of SHORTEST to 128 tokens; "8x128": 8 of 128. */
function drawTexts(name: string, vocabulary: number): Int32Array[] {
  const count = countMixed(name);
  if (count !== undefined) return mixedTexts(count, 128, vocabulary);
  const { batch, seq } = parseShape(name);
  return Array.from({ length: batch }, () => tokenIds({ batch: 1, seq }, vocabulary));
}

/** What a name of texts stands for. */
export function describeTexts(name: string): string {
  return name.endsWith('mixed')
    ? `${name}: of ${SHORTEST} to 128 tokens`
    : `${nameShape(parseShape(name))}: texts x tokens`;
}

/**
 * @param threads the first is what the others are compared with
 * @throws when a loss is not finite, differs by a bit between numbers of threads, or by `LOSS_TOLERANCE` with `recompute`
 */
export async function measureSteps(
  name: ModelName,
  texts: string,
  threads: readonly number[],
  recompute: readonly boolean[],
  rounds: Rounds,
): Promise<MeasuredStep[]> {
  const config = MODELS[name];
  const inputs = drawTexts(texts, config.vocab_size).map((input_ids) => ({ input_ids }));
  const tokens = inputs.reduce((sum, { input_ids }) => sum + input_ids.length, 0);
  const labels = { labels: inputs.map((_, i) => i % 2) };
  const trained: Trained[] = [];
  try {
    for (const count of threads) {
      for (const again of recompute) trained.push(await open(config, count, again));
    }
    const stepOf =
      ({ state, losses }: Trained) =>
      async () => {
        losses.push((await state.step(inputs, labels)).loss);
      };
    for (const one of trained) await stepOf(one)();
    checkLosses(trained);
    const forwards = trained.filter((one) => one.recompute === recompute[0]);
    const samples: Record<string, Samples> = await alternate<string>(
      {
        ...Object.fromEntries(forwards.map((one) => [`forward ${one.threads}`, () => one.model.forwardEach(inputs)])),
        ...Object.fromEntries(trained.map((one) => [nameOf(one), stepOf(one)])),
      },
      rounds,
    );
    checkLosses(trained);
    return trained.map((one) => ({
      model: name,
      texts,
      tokens,
      threads: one.threads,
      recompute: one.recompute,
      step: samples[nameOf(one)] as Samples,
      forward: samples[`forward ${one.threads}`] as Samples,
      first: samples[nameOf({ ...one, threads: threads[0] as number })] as Samples,
      losses: one.losses,
    }));
  } finally {
    for (const { model } of trained) await model.dispose();
  }
}

async function open(config: (typeof MODELS)[ModelName], threads: number, recompute: boolean): Promise<Trained> {
  const model = await AlbertForSequenceClassification.from_config(config, { worker: false, threads });
  const { threads: got, whyNotThreaded } = model.info();
  if (got !== threads) throw new Error(`${threads} threads are not available: ${whyNotThreaded}`);
  // Small: the steps of a bench must not end where there is nothing left to learn.
  const state = await TrainState.create(model, adamw({ learning_rate: 1e-6 }), { recompute });
  return { threads, recompute, model, state, losses: [] };
}

function nameOf({ threads, recompute }: Pick<Trained, 'threads' | 'recompute'>): string {
  return `step ${threads} ${recompute}`;
}

function checkLosses(trained: readonly Trained[]): void {
  for (const one of trained) {
    for (const [i, loss] of one.losses.entries()) {
      if (!Number.isFinite(loss)) throw new Error(`${nameOf(one)}: the loss of step ${i} is ${loss}`);
      for (const other of trained) {
        const expected = other.losses[i] as number;
        const tolerance = other.recompute === one.recompute ? 0 : LOSS_TOLERANCE * Math.abs(expected);
        if (!(Math.abs(loss - expected) <= tolerance)) {
          throw new Error(`${nameOf(one)}: the loss of step ${i} is ${loss}, that of ${nameOf(other)} ${expected}`);
        }
      }
    }
  }
}
