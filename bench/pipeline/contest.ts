/** One dtype and number of threads: every contestant's answers compared with our float32 ones, then all timed by turns. */
import type { LabelScore } from '../../src/entry/index.js';
import type { Dtype } from '../../src/ground/dtypes.js';
import { alternate, type Rounds, type Samples } from '../alternate.js';
import type { Chart } from '../chart.js';
import { interval, type Row, rounded } from '../format.js';
import type { Classifier } from '../peers/classifier.js';
import type { Sentence } from '../sst2.js';
import { median, quartiles, ratios } from '../statistics.js';

/**
 * The most that a score may differ from our float32 one: rounding, and what int8 costs. Labels may differ only where the score is so
 * near to one half that this moves it to the other side. In int8, scores were at most 0.076 off.
 */
export const TOLERANCE: Readonly<Record<Dtype, number>> = { float32: 1e-4, int8: 0.15 };

export interface Contestant {
  readonly name: string;
  readonly samples: Samples;
  /** Sentences with the label that our float32 model gives. */
  readonly same: number;
  /** The largest difference from its scores. */
  readonly difference: number;
  /** Sentences with SST-2's label. */
  readonly right: number;
}

export interface Contest {
  readonly dtype: Dtype;
  readonly threads: number;
  readonly sentences: number;
  /** Of our vectors, where the kernels have been timed. */
  readonly vectorBits: number | undefined;
  /** Ours first. */
  readonly contestants: readonly Contestant[];
}

/** The score of POSITIVE. */
const positive = ({ label, score }: LabelScore) => (label === 'POSITIVE' ? score : 1 - score);

/**
 * @param classifiers ours first
 * @param expected our float32 answers
 * @throws when a score is off by more than `TOLERANCE`
 */
export async function compare(
  classifiers: readonly Classifier[],
  sentences: readonly Sentence[],
  dtype: Dtype,
  expected: readonly LabelScore[],
  rounds: Rounds,
): Promise<Contestant[]> {
  const texts = sentences.map(({ text }) => text);
  const checked = new Map<string, Omit<Contestant, 'name' | 'samples'>>();
  for (const { name, classify } of classifiers) {
    const answers = await classify(texts);
    const pairs = expected.map((wanted, i) => [answers[i] as LabelScore, wanted] as const);
    const difference = Math.max(...pairs.map(([got, wanted]) => Math.abs(positive(got) - positive(wanted))));
    if (!(difference <= TOLERANCE[dtype]) || answers.length !== texts.length) {
      throw new Error(`${name} ${dtype}: ${answers.length} answers, a score is off by ${difference}`);
    }
    checked.set(name, {
      difference,
      same: pairs.filter(([got, wanted]) => got.label === wanted.label).length,
      right: sentences.filter(({ label }, i) => Number((answers[i] as LabelScore).label === 'POSITIVE') === label)
        .length,
    });
  }
  const samples = await alternate(
    Object.fromEntries(classifiers.map(({ name, classify }) => [name, () => classify(texts)])),
    rounds,
  );
  return [...checked].map(([name, facts]) => ({ name, samples: samples[name] as Samples, ...facts }));
}

const nameContest = ({ dtype, threads }: Contest) => (threads === 1 ? dtype : `${dtype}, ${threads} threads`);

export function contestRows({ dtype, threads, sentences, contestants }: Contest): Row[] {
  const [ours] = contestants as [Contestant];
  return contestants.map(({ name, samples: { wall, cpu }, same, difference, right }) => {
    const times = ratios(wall, ours.samples.wall);
    return {
      dtype,
      threads,
      runtime: name,
      'sentences/s': rounded(rate(sentences, median(wall))),
      'its quartiles': interval(rateQuartiles(sentences, wall), 1),
      'relative time': rounded(median(times), 2),
      'quartiles of the ratio': interval(quartiles(times)),
      'relative cpu time': rounded(median(ratios(cpu, ours.samples.cpu)), 2),
      'same labels': `${same} of ${sentences}`,
      'largest difference': difference.toExponential(1),
      'right answers': right,
      runs: wall.length,
    };
  });
}

export function contestLines(contest: Contest): string[] {
  return contestRows(contest).map(
    (row) =>
      `${nameContest(contest).padEnd(18)} ${String(row.runtime).padEnd(36)} ${row['sentences/s']} sentences/s ` +
      `(${row['its quartiles']}), ${row['relative time']} times ours (${row['quartiles of the ratio']}; cpu ${row['relative cpu time']}); ` +
      `${row['same labels']} labels, score off by ${row['largest difference']} at most`,
  );
}

/** Every runtime's time by ours. */
export function contestSummary(contests: readonly Contest[]): string {
  const parts = contests.map((contest) => {
    const [ours, ...others] = contestRows(contest);
    const times = others.map((row) => `${row.runtime} ${(row['relative time'] as number).toFixed(2)}`);
    return `${nameContest(contest)} ${[`${ours?.['sentences/s']} sentences/s`, ...times].join('; ')}`;
  });
  return `Sentences per second, and the relative time of others (ours = 1): ${parts.join('. ')}.`;
}

/** The vectors that our kernels had. */
export function contestBits(contests: readonly Contest[]): string {
  const bits = contests.map((one) => `${nameContest(one)} ${one.vectorBits ?? 'not timed'}`);
  return `Bits of our vectors: ${bits.join('; ')}.`;
}

export function contestChart(contests: readonly Contest[]): Chart {
  return {
    name: 'sentences',
    title: 'SST-2 with albert-mini-en-sst2, from the text to the label',
    unit: 'sentences per second, more is better; lines are quartiles',
    groups: contests.map((contest) => ({
      label: nameContest(contest),
      bars: contest.contestants.map(({ name, samples: { wall } }) => ({
        series: name,
        value: rate(contest.sentences, median(wall)),
        quartiles: rateQuartiles(contest.sentences, wall),
      })),
    })),
  };
}

const rate = (sentences: number, ms: number) => (sentences * 1000) / ms;

function rateQuartiles(sentences: number, wall: readonly number[]): [number, number] {
  const [low, high] = quartiles(wall);
  return [rate(sentences, high), rate(sentences, low)];
}
