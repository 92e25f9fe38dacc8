/** Whole forwards: timed between looks at the peak, and as a report's rows and charts. Node and browsers share it. */
import type { Dtype } from '../src/ground/dtypes.js';
import type { AlbertModel } from '../src/model/models.js';
import { forwardOps, nameShape, type Shape, tokenIds } from './albert-base.js';
import { alternate, type Rounds, type Samples } from './alternate.js';
import type { Chart } from './chart.js';
import { interval, percent, type Report, type Row, rounded } from './format.js';
import type { RegisterPeak } from './peak.js';
import { largestDifference, median, nmse, quartiles, ratios } from './statistics.js';

export interface MeasuredForward {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly threads: number;
  /** Of the vectors, where the kernels have been timed. */
  readonly vectorBits?: number | undefined;
  readonly forward: Samples;
  /** Round by round, how many times as fast as the first model that it took turns with. */
  readonly speedup: readonly number[];
  /** The same of the best rounds: what a neighbour's bursts leave. */
  readonly bestRatio: number;
  /** Gop/s of the register peak. */
  readonly peak: number;
  /** Largest difference from the float32 forward of a single thread, and its part of the answer's energy. */
  readonly difference: number;
  readonly nmse: number;
}

/** The most of an answer's energy that may be error: two float32 forwards are one; int8's is measured as 1e-3 or less. */
export const MAX_NMSE: Readonly<Record<Dtype, number>> = { float32: 1e-10, int8: 3e-3 };

/** The last hidden state of a shape's ids: (batch · seq · hidden) */
export async function lastHiddenState(model: AlbertModel, { batch, seq }: Shape): Promise<Float32Array> {
  const { last_hidden_state } = await model.forward({
    input_ids: { data: tokenIds({ batch, seq }), shape: [batch, seq] },
  });
  return last_hidden_state.data;
}

/**
 * Compares the answers of models of one dtype with float32's, then times them by turns.
 *
 * @throws when an answer is off by more than `MAX_NMSE`
 */
export async function measureForwards(
  models: readonly AlbertModel[],
  shape: Shape,
  expected: Float32Array,
  peak: RegisterPeak,
  rounds: Rounds,
): Promise<MeasuredForward[]> {
  const answers: Float32Array[] = [];
  for (const model of models) {
    const { dtype, threads } = model.info();
    const answer = await lastHiddenState(model, shape);
    const error = nmse(answer, expected);
    if (!(error <= MAX_NMSE[dtype])) {
      throw new Error(`${dtype} ${nameShape(shape)} on ${threads} threads is off by ${error} of the energy`);
    }
    answers.push(answer);
  }
  let ops = 0;
  const samples: Record<string, Samples> = await alternate<string>(
    {
      ...Object.fromEntries(models.map((model, i) => [i, () => lastHiddenState(model, shape)])),
      peak: () => {
        ops = peak.run();
      },
    },
    rounds,
  );
  const { peak: peakSamples, 0: first } = samples as Record<'peak' | 0, Samples>;
  return models.map((model, i) => {
    const { dtype, threads, vectorBits } = model.info();
    const [forward, answer] = [samples[i] as Samples, answers[i] as Float32Array];
    return {
      shape,
      dtype,
      threads,
      vectorBits,
      forward,
      speedup: ratios(first.wall, forward.wall),
      bestRatio: Math.min(...first.wall) / Math.min(...forward.wall),
      peak: ops / median(peakSamples.wall) / 1e6,
      difference: largestDifference(answer, expected),
      nmse: nmse(answer, expected),
    };
  });
}

export function forwardReport(
  measured: readonly MeasuredForward[],
): Pick<Report, 'summary' | 'note' | 'rows' | 'charts'> {
  return {
    summary: `${measured.map((row) => `${nameForward(row)} ${median(row.forward.wall).toFixed(0)} ms`).join('; ')}.`,
    note:
      'Batch x sequence, no padding; answers compared with float32 first. Medians; the peak is the register peak of the ' +
      'same dtype on one thread, measured between the forwards; NMSE is the share of the last hidden state that is error. ' +
      'Numbers of threads take turns; the speed-up is the median round by round, with its quartiles and the ratio of the best. ' +
      bitsSentence(measured),
    rows: measured.map(forwardRow),
    charts: [chart(measured)],
  };
}

/** The vectors that the kernels of each dtype had in the end. */
function bitsSentence(measured: readonly MeasuredForward[]): string {
  const bits = new Map(measured.map(({ dtype, vectorBits }) => [dtype, vectorBits ?? 'not timed']));
  return `Bits of the vectors: ${[...bits].map((one) => one.join(' ')).join(', ')}; the peak is that of 128 bits.`;
}

export function forwardRow(measured: MeasuredForward): Row {
  const {
    shape,
    dtype,
    threads,
    forward: { wall, cpu },
    peak,
    nmse: error,
  } = measured;
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
    'speed-up': threads === 1 ? '' : speedupOf(measured),
    NMSE: error.toExponential(1),
    runs: wall.length,
  };
}

function speedupOf({ speedup, bestRatio }: MeasuredForward): string {
  return `${median(speedup).toFixed(2)} (${interval(quartiles(speedup))}; best ${bestRatio.toFixed(2)})`;
}

export function forwardSentence(measured: MeasuredForward): string {
  const row = forwardRow(measured);
  return (
    `${nameForward(measured).padEnd(14)} ${row.ms} ms (${row['quartiles, ms']}${row['cpu ms'] === '' ? '' : `; cpu ${row['cpu ms']}`}), ` +
    `${row['tokens/s']} tokens/s, ${row['Gop/s']} Gop/s, ${row.share} of ${row['peak, Gop/s']}` +
    (row['speed-up'] === '' ? '' : `, ${row['speed-up']} times as fast as one thread`)
  );
}

function nameForward({ shape, dtype, threads }: MeasuredForward): string {
  return `${nameShape(shape)} ${dtype}${threads === 1 ? '' : `, ${threads} threads`}`;
}

function chart(measured: readonly MeasuredForward[]): Chart {
  const shapes = [...new Set(measured.map(({ shape }) => nameShape(shape)))];
  return {
    name: 'tokens',
    title: 'Forwards of ALBERT-base: tokens per second',
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
