/** Whole forwards: timed between looks at the peak, and as a report's rows and charts. Node and browsers share it. */
import type { Dtype } from '../src/engine/schemes.js';
import type { AlbertModel } from '../src/model/heads/model.js';
import { forwardOps, nameShape, type Shape, tokenIds } from './albert-base.js';
import { alternate, type Rounds, type Samples } from './alternate.js';
import type { Chart } from './chart.js';
import { interval, percent, type Report, type Row, rounded } from './format.js';
import type { RegisterPeak } from './peak.js';
import { largestDifference, median, nmse, quartiles } from './statistics.js';

export interface MeasuredForward {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly threads: number;
  readonly forward: Samples;
  /** Gop/s of the register peak. */
  readonly peak: number;
  /** Largest difference from the float32 forward of a single thread, and its part of the answer's energy. */
  readonly difference: number;
  readonly nmse: number;
}

/** The most of an answer's energy that may be error: two float32 forwards are one; int8's is measured as 1e-3 or less. */
export const MOST_NMSE: Readonly<Record<Dtype, number>> = { float32: 1e-10, int8: 3e-3 };

/** The last hidden state of a shape's ids: (batch · seq · hidden) */
export async function lastHiddenState(model: AlbertModel, { batch, seq }: Shape): Promise<Float32Array> {
  const { last_hidden_state } = await model.forward({
    input_ids: { data: tokenIds({ batch, seq }), shape: [batch, seq] },
  });
  return last_hidden_state.data;
}

/**
 * Compares a model's answer with float32's, then times it.
 *
 * @throws when the answer is off by more than `MOST_NMSE`
 */
export async function measureForward(
  model: AlbertModel,
  shape: Shape,
  expected: Float32Array,
  peak: RegisterPeak,
  rounds: Rounds,
): Promise<MeasuredForward> {
  const { dtype, threads } = model.info();
  const answer = await lastHiddenState(model, shape);
  const error = nmse(answer, expected);
  if (!(error <= MOST_NMSE[dtype])) throw new Error(`${dtype} ${nameShape(shape)} is off by ${error} of the energy`);
  let ops = 0;
  const samples = await alternate(
    {
      forward: () => lastHiddenState(model, shape),
      peak: () => {
        ops = peak.run();
      },
    },
    rounds,
  );
  return {
    shape,
    dtype,
    threads,
    forward: samples.forward,
    peak: ops / median(samples.peak.wall) / 1e6,
    difference: largestDifference(answer, expected),
    nmse: error,
  };
}

export function forwardReport(
  measured: readonly MeasuredForward[],
): Pick<Report, 'summary' | 'note' | 'rows' | 'charts'> {
  return {
    summary: `${measured.map((row) => `${nameForward(row)} ${median(row.forward.wall).toFixed(0)} ms`).join('; ')}.`,
    note:
      'Batch x sequence, no padding; answers compared with float32 first. Medians; the peak is the register peak of the ' +
      'same dtype on one thread, measured between the forwards; NMSE is the part of the last hidden state that is error.',
    rows: measured.map(forwardRow),
    charts: [chart(measured)],
  };
}

export function forwardRow({ shape, dtype, threads, forward: { wall, cpu }, peak, nmse: error }: MeasuredForward): Row {
  const ms = median(wall);
  const rate = forwardOps(shape) / ms / 1e6;
  return {
    shape: nameShape(shape),
    dtype,
    threads,
    ms: rounded(ms, 2),
    'quartiles, ms': interval(quartiles(wall)),
    'cpu ms': Number.isNaN(cpu[0]) ? '' : rounded(median(cpu), 2),
    'tokens/s': rounded((shape.batch * shape.seq * 1000) / ms, 0),
    'Gop/s': rounded(rate),
    'peak, Gop/s': rounded(peak),
    share: percent(rate / peak),
    NMSE: error.toExponential(1),
    runs: wall.length,
  };
}

export function forwardSentence(measured: MeasuredForward): string {
  const row = forwardRow(measured);
  return (
    `${nameForward(measured).padEnd(14)} ${row.ms} ms (${row['quartiles, ms']}${row['cpu ms'] === '' ? '' : `; cpu ${row['cpu ms']}`}), ` +
    `${row['tokens/s']} tokens/s, ${row['Gop/s']} Gop/s, ${row.share} of ${row['peak, Gop/s']}`
  );
}

function nameForward({ shape, dtype, threads }: MeasuredForward): string {
  return `${nameShape(shape)} ${dtype}${threads === 1 ? '' : `, ${threads} threads`}`;
}

function chart(measured: readonly MeasuredForward[]): Chart {
  const shapes = [...new Set(measured.map(({ shape }) => nameShape(shape)))];
  return {
    name: 'tokens',
    title: 'Forwards of ALBERT-base: tokens a second',
    unit: 'tokens/s, batch x sequence; medians with quartiles; longer is better',
    groups: shapes.map((label) => ({
      label,
      bars: measured
        .filter(({ shape }) => nameShape(shape) === label)
        .map(({ shape, dtype, threads, forward: { wall } }) => {
          const rate = (ms: number) => (shape.batch * shape.seq * 1000) / ms;
          const [low, high] = quartiles(wall);
          const series = threads === 1 ? dtype : `${dtype}, ${threads} threads`;
          return { series, value: rate(median(wall)), quartiles: [rate(high), rate(low)] };
        }),
    })),
  };
}
