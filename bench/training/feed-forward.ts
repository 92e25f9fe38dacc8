/** The feed-forward block's contest: every answer compared, in float64 on a small block, then all timed by turns. */
import { alternate, type Rounds, type Samples } from '../alternate.js';
import type { Chart } from '../chart.js';
import { interval, percent, type Row, rounded } from '../format.js';
import type { RegisterPeak } from '../peak.js';
import { median, nmse, quartiles, ratios } from '../statistics.js';
import {
  type BlockShape,
  blockOps,
  drawProblem,
  type FeedForwardPeer,
  float64Gradients,
  type Gradients,
} from './problem.js';

const PEAK = 'register peak';

/** Small enough for float64, and for every path: more than a tile of rows, a panel and a stretch of sums. */
const CHECKED: BlockShape = { tokens: 29, hidden: 48, intermediate: 392 };

/** The most of a float32 gradient's energy that may be error. */
const MAX_NMSE = 1e-10;

/** The most that a loss may be off: jax-js sums its 393,216 squares one after the other in float32. */
const LOSS_ERROR = 1e-3;

const NAMES = ['x', 'w1', 'b1', 'w2', 'b2'] as const;

export interface FeedForwardContest {
  readonly block: BlockShape;
  /** Gop/s of the register peak. */
  readonly peak: number;
  /** Ours first. */
  readonly contestants: readonly Contestant[];
}

interface Contestant {
  readonly name: string;
  readonly samples: Samples;
  /** The worst gradient's share of energy that is error, against ours. */
  readonly nmse: number;
}

/**
 * @param peers ours first
 * @throws when a gradient is off by more than a rounding error
 */
export async function feedForwardContest(
  peers: readonly FeedForwardPeer[],
  block: BlockShape,
  peak: RegisterPeak,
  rounds: Rounds,
): Promise<FeedForwardContest> {
  await checkInFloat64(peers);
  const problem = drawProblem(block);
  const prepared = peers.map((peer) => ({ name: peer.name, ...peer.prepare(problem) }));
  try {
    const answers: Gradients[] = [];
    for (const { gradients } of prepared) answers.push(await gradients());
    const errors = answers.map((answer, i) => error(answer, answers[0] as Gradients, prepared[i]?.name as string));
    let ops = 0;
    const runs: Record<string, () => unknown> = Object.fromEntries(prepared.map(({ name, run }) => [name, run]));
    runs[PEAK] = () => {
      ops = peak.run();
    };
    const samples = await alternate(runs, rounds);
    return {
      block,
      peak: ops / median((samples[PEAK] as Samples).cpu) / 1e6,
      contestants: prepared.map(({ name }, i) => ({
        name,
        samples: samples[name] as Samples,
        nmse: errors[i] as number,
      })),
    };
  } finally {
    for (const { release } of prepared) await release();
  }
}

async function checkInFloat64(peers: readonly FeedForwardPeer[]): Promise<void> {
  const problem = drawProblem(CHECKED);
  const expected = float64Gradients(problem);
  for (const peer of peers) {
    const { gradients, release } = peer.prepare(problem);
    error(await gradients(), expected, `${peer.name}, against float64`);
    await release();
  }
}

/** The worst gradient's share of energy that is error. @throws above `MAX_NMSE`, or for another loss */
function error(got: Gradients, expected: Gradients, who: string): number {
  const off = Math.abs(got.loss / expected.loss - 1);
  if (!(off <= LOSS_ERROR)) throw new Error(`${who}: the loss is ${got.loss}, not ${expected.loss}`);
  const errors = NAMES.map((name) => {
    const one = nmse(got[name], expected[name]);
    if (!(one <= MAX_NMSE)) throw new Error(`${who}: the gradient of ${name} is off by ${one} of its energy`);
    return one;
  });
  return Math.max(...errors);
}

export function feedForwardRows({ block, peak, contestants }: FeedForwardContest): Row[] {
  return contestants.map((contestant) => {
    const { name, samples, nmse: off } = contestant;
    const ms = median(samples.cpu);
    const rate = blockOps(block) / ms / 1e6;
    return {
      runtime: name,
      'cpu ms': rounded(ms),
      'quartiles, cpu ms': interval(quartiles(samples.cpu), 1),
      ms: rounded(median(samples.wall)),
      'Gop/s': rounded(rate),
      'share of peak': percent(rate / peak),
      'relative time': rounded(median(relative(contestant, contestants)), 2),
      'its quartiles': interval(quartiles(relative(contestant, contestants))),
      NMSE: off.toExponential(1),
      runs: samples.cpu.length,
    };
  });
}

export function feedForwardSentences(contest: FeedForwardContest): string[] {
  return feedForwardRows(contest).map(
    (row) =>
      `feed-forward ${String(row.runtime).padEnd(17)} cpu ${row['cpu ms']} ms (${row['quartiles, cpu ms']}), ` +
      `${row['Gop/s']} Gop/s, ${row['share of peak']} of ${contest.peak.toFixed(1)}, ` +
      `${row['relative time']} times ours (${row['its quartiles']})`,
  );
}

export function feedForwardSummary({ contestants }: FeedForwardContest): string {
  const others = contestants.slice(1).map((one) => `${one.name} ${median(relative(one, contestants)).toFixed(2)}`);
  return `Relative time (ours = 1): ${others.join(', ')}.`;
}

export function feedForwardChart({ block: { tokens, hidden, intermediate }, contestants }: FeedForwardContest): Chart {
  return {
    name: 'time',
    title: `Feed-forward block ${hidden} -> ${intermediate} -> ${hidden}, ${tokens} tokens: forward and backward`,
    unit: "times albert-wasm's processor time in the same run, one thread; shorter is faster",
    groups: [
      {
        label: `${tokens} tokens`,
        bars: contestants.map((one) => {
          const times = relative(one, contestants);
          return { series: one.name, value: median(times), quartiles: quartiles(times) };
        }),
      },
    ],
    reference: { value: 1, label: 'albert-wasm' },
  };
}

/** Round by round: contestants of one round met the same disturbances. */
function relative({ samples }: Contestant, [first]: readonly Contestant[]): number[] {
  return ratios(samples.cpu, (first as Contestant).samples.cpu);
}
