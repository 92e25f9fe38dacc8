/** One shape's contest: every answer compared with float32, then all timed by turns, ours and the register peak among them. */
import type { Dtype } from '../../src/ground/dtypes.js';
import { forwardOps, nameShape, type Shape, tokenIds } from '../albert-base.js';
import { alternate, type Rounds, type Samples } from '../alternate.js';
import type { Chart } from '../chart.js';
import { interval, percent, type Row, rounded } from '../format.js';
import { MAX_NMSE } from '../forwards.js';
import type { RegisterPeak } from '../peak.js';
import { largestDifference, median, nmse, quartiles, ratios } from '../statistics.js';
import type { Peer } from './peer.js';

const PEAK = 'register peak';

/** Largest difference of two float32 forwards: each is within about 3e-6 of float64. */
const FLOAT32_TOLERANCE = 2e-5;

export interface Contestant {
  readonly name: string;
  readonly samples: Samples;
  /** Largest difference from our float32 answer, and the part of that answer's energy that is error. */
  readonly difference: number;
  readonly nmse: number;
}

export interface Contest {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** Gop/s of the register peak. */
  readonly peak: number;
  /** Of our vectors, where the kernels have been timed. */
  readonly vectorBits?: number | undefined;
  /** Ours first. */
  readonly contestants: readonly Contestant[];
}

/**
 * @param peers ours first
 * @param expected our float32 answer
 * @throws when an answer is off: float32's by a rounding error, int8's by `MAX_NMSE` of the energy
 */
export async function contest(
  peers: readonly Peer[],
  shape: Shape,
  dtype: Dtype,
  expected: Float32Array,
  peak: RegisterPeak,
  rounds: Rounds,
): Promise<Contest> {
  const ids = tokenIds(shape);
  const runs: Record<string, () => unknown> = {};
  const errors = new Map<string, Pick<Contestant, 'difference' | 'nmse'>>();
  for (const peer of peers) {
    const run = peer.prepare(ids, shape);
    const answer = await run();
    const error = { difference: largestDifference(answer, expected), nmse: nmse(answer, expected) };
    const right = error.nmse <= MAX_NMSE[dtype] && (dtype === 'int8' || error.difference <= FLOAT32_TOLERANCE);
    if (!right) {
      const by = `${error.difference}, ${error.nmse} of the energy`;
      throw new Error(`${peer.name} ${dtype} at ${nameShape(shape)} is off by ${by}`);
    }
    runs[peer.name] = run;
    errors.set(peer.name, error);
  }
  let ops = 0;
  runs[PEAK] = () => {
    ops = peak.run();
  };
  const samples = await alternate(runs, rounds);
  const contestants = [...errors].map(([name, error]) => ({ name, samples: samples[name] as Samples, ...error }));
  return { shape, dtype, peak: ops / median((samples[PEAK] as Samples).wall) / 1e6, contestants };
}

export function contestRows({ shape, dtype, peak, contestants }: Contest): Row[] {
  return contestants.map((contestant) => {
    const { name, samples, difference, nmse: error } = contestant;
    const ms = median(samples.wall);
    const rate = forwardOps(shape) / ms / 1e6;
    return {
      shape: nameShape(shape),
      dtype,
      runtime: name,
      ms: rounded(ms, 2),
      'quartiles, ms': interval(quartiles(samples.wall)),
      'cpu ms': rounded(median(samples.cpu), 2),
      'Gop/s': rounded(rate),
      'share of peak': percent(rate / peak),
      'relative time': rounded(ratio(contestant, contestants), 2),
      'its quartiles': interval(quartilesOfRatio(contestant, contestants)),
      'largest difference': difference.toExponential(1),
      NMSE: error.toExponential(1),
    };
  });
}

export function contestSentences(contest: Contest): string[] {
  return contestRows(contest).map(
    (row) =>
      `${`${row.shape} ${row.dtype}`.padEnd(14)} ${String(row.runtime).padEnd(17)} ${row.ms} ms ` +
      `(${row['quartiles, ms']}; cpu ${row['cpu ms']}), ${row['Gop/s']} Gop/s, ${row['share of peak']} of ` +
      `${contest.peak.toFixed(1)}, ${row['relative time']} times ours (${row['its quartiles']})`,
  );
}

/** Every runtime's time by ours at 1x128, or at the first shape that was run. */
export function contestSummary(contests: readonly Contest[]): string {
  const shape = contests.some((one) => nameShape(one.shape) === '1x128')
    ? '1x128'
    : nameShape((contests[0] as Contest).shape);
  const parts = contests
    .filter((one) => nameShape(one.shape) === shape)
    .map(({ dtype, contestants }) => {
      const others = contestants.slice(1).map((one) => `${one.name} ${ratio(one, contestants).toFixed(2)}`);
      return `${dtype} ${others.join(', ')}`;
    });
  return `Relative time (ours = 1) at ${shape}: ${parts.join('; ')}.`;
}

/** The vectors that our kernels had. */
export function contestBits(contests: readonly Contest[]): string {
  const bits = contests.map(
    ({ shape, dtype, vectorBits }) => `${nameShape(shape)} ${dtype} ${vectorBits ?? 'not timed'}`,
  );
  return `Bits of our vectors: ${bits.join('; ')}.`;
}

export function contestCharts(contests: readonly Contest[]): Chart[] {
  return (['float32', 'int8'] as const).flatMap((dtype) => {
    const mine = contests.filter((one) => one.dtype === dtype);
    if (mine.length === 0) return [];
    return {
      name: dtype,
      title: `ALBERT-base, ${dtype}: time of a forward, relative to albert-wasm`,
      unit: "times albert-wasm's time in the same run, one thread, batch x sequence; shorter is faster",
      groups: mine.map(({ shape, contestants }) => ({
        label: nameShape(shape),
        bars: contestants.map((one) => ({
          series: one.name,
          value: ratio(one, contestants),
          quartiles: quartilesOfRatio(one, contestants),
        })),
      })),
      reference: { value: 1, label: 'albert-wasm' },
    };
  });
}

/** The median of the rounds: contestants of one round met the same disturbances. */
function ratio(contestant: Contestant, contestants: readonly Contestant[]): number {
  return median(byRound(contestant, contestants));
}

function quartilesOfRatio(contestant: Contestant, contestants: readonly Contestant[]): [number, number] {
  return quartiles(byRound(contestant, contestants));
}

function byRound({ samples }: Contestant, [ours]: readonly Contestant[]): number[] {
  return ratios(samples.wall, (ours as Contestant).samples.wall);
}
