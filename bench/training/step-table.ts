/** What was measured of training steps, as a report's rows, sentences and chart. */
import type { Samples } from '../alternate.js';
import type { Chart } from '../chart.js';
import { interval, type Row, rounded } from '../format.js';
import { median, quartiles, ratios } from '../statistics.js';
import type { MeasuredStep } from './steps.js';

export const STEP_NOTE =
  'A step is a forward and a backward pass of a sequence classifier and its update by AdamW; "kept" keeps everything that the backward ' +
  'pass needs, "recomputed" each layer\'s input. The default of `maxMemoryBytes` cuts the batch where it must. Medians by turns; ' +
  'times a forward of the same texts on as many threads: of processor time on one thread, of wall time on several. Losses were compared: ' +
  'those of one and two threads are the same bits.';

export function stepRow(measured: MeasuredStep): Row {
  const { model, texts, tokens, threads, recompute, step, first } = measured;
  const forwards = inForwards(measured);
  const speedup = ratios(first.wall, step.wall);
  return {
    model,
    texts,
    tokens,
    threads,
    activations: recompute ? 'recomputed' : 'kept',
    'step, ms': rounded(median(step.wall), 0),
    'cpu ms': rounded(median(step.cpu), 0),
    'tokens/s': rounded((tokens * 1000) / median(step.wall), 0),
    'in forwards': rounded(median(forwards), 2),
    'its quartiles': interval(quartiles(forwards)),
    'speed-up': first === step ? '' : `${median(speedup).toFixed(2)} (${interval(quartiles(speedup))})`,
    runs: step.wall.length,
  };
}

export function stepSentence(measured: MeasuredStep): string {
  const row = stepRow(measured);
  return (
    `${`${row.model} ${row.texts}, ${row.threads} thread(s), ${row.activations}`.padEnd(40)} ${row['step, ms']} ms (cpu ${row['cpu ms']}), ` +
    `${row['tokens/s']} tokens/s, ${row['in forwards']} forwards (${row['its quartiles']})` +
    (row['speed-up'] === '' ? '' : `, ${row['speed-up']} times as fast as one thread`)
  );
}

/** The range of each kind of step on one thread, in forwards, and the least speed-up. */
export function stepSummary(measured: readonly MeasuredStep[]): string {
  const parts = [false, true].flatMap((recompute) => {
    const values = measured
      .filter((one) => one.threads === 1 && one.recompute === recompute)
      .map((one) => median(inForwards(one)));
    if (values.length === 0) return [];
    return `${recompute ? 'recomputed' : 'kept'} ${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
  });
  const speedups = measured
    .filter(({ first, step }) => first !== step)
    .map(({ first, step }) => median(ratios(first.wall, step.wall)));
  const threads =
    speedups.length === 0 ? '' : `; two threads at least ${Math.min(...speedups).toFixed(2)} times as fast`;
  return `A step on one thread in forwards of its texts: ${parts.join(', ')}${threads}.`;
}

export function stepChart(measured: readonly MeasuredStep[]): Chart {
  const labels = [...new Set(measured.map(nameOf))];
  return {
    name: 'forwards',
    title: 'Training steps, in forwards of the same texts',
    unit: 'times a forward on as many threads, by turns; medians with quartiles; shorter is faster',
    groups: labels.map((label) => ({
      label,
      bars: measured
        .filter((one) => nameOf(one) === label)
        .map((one) => ({
          series: `${one.recompute ? 'recomputed' : 'kept'}${one.threads === 1 ? '' : `, ${one.threads} threads`}`,
          value: median(inForwards(one)),
          quartiles: quartiles(inForwards(one)),
        })),
    })),
  };
}

function nameOf({ model, texts }: MeasuredStep): string {
  return `${model} ${texts}`;
}

/** Round by round. Helper threads that wait take processor time, so of several threads it says nothing. */
function inForwards({ threads, step, forward }: MeasuredStep): number[] {
  const time = (samples: Samples) => (threads === 1 ? samples.cpu : samples.wall);
  return ratios(time(step), time(forward));
}
