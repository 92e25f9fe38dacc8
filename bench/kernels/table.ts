/** What was measured of the kernels, as a report's rows, sentence and chart. */
import type { Chart } from '../chart.js';
import { interval, percent, type Report, type Row, rounded } from '../format.js';
import { quantile } from '../statistics.js';
import type { Measured } from './suite.js';

export function kernelReport(measured: readonly Measured[]): Pick<Report, 'summary' | 'note' | 'rows' | 'charts'> {
  return {
    summary: `Share of the register peak, median and range: ${(['float32', 'int8'] as const)
      .map((dtype) => shares(measured, dtype))
      .join('; ')}.`,
    note:
      'One thread. Medians; an operation is a multiplication or an addition, the share is of the register peak of the same ' +
      'dtype, measured before and after each kernel. Where processor time is well below wall time, others had the core: ' +
      'run that row again with `--only`.',
    rows: measured.map(kernelRow),
    charts: [chart(measured)],
  };
}

function shares(measured: readonly Measured[], dtype: Measured['dtype']): string {
  const values = measured
    .filter((row) => row.unit === 'op' && row.dtype === dtype)
    .map(({ figure, peak }) => figure / peak);
  if (values.length === 0) return `${dtype} not measured`;
  return `${dtype} products ${percent(quantile(values, 0.5))} (${percent(Math.min(...values))} to ${percent(Math.max(...values))})`;
}

export function kernelRow({ name, dtype, unit, milliseconds, quartiles, figure, peak, busy }: Measured): Row {
  return {
    kernel: name,
    dtype,
    ms: rounded(milliseconds, 4),
    'quartiles, ms': interval(quartiles, 4),
    'Gop/s': unit === 'op' ? rounded(figure) : '',
    'ns/element': unit === 'element' ? rounded(figure, 3) : '',
    'peak, Gop/s': rounded(peak),
    share: unit === 'op' ? percent(figure / peak) : '',
    'cpu/wall': Number.isNaN(busy) ? '' : rounded(busy, 2),
  };
}

export function kernelSentence({ name, unit, milliseconds, figure, peak, busy }: Measured): string {
  const speed =
    unit === 'op'
      ? `${figure.toFixed(1).padStart(6)} Gop/s, ${percent(figure / peak)} of ${peak.toFixed(1)}`
      : `${figure.toFixed(3).padStart(6)} ns an element`;
  const cpu = Number.isNaN(busy) ? '' : `; cpu/wall ${busy.toFixed(2)}`;
  return `${name.padEnd(32)} ${milliseconds.toFixed(4).padStart(9)} ms ${speed}${cpu}`;
}

function chart(measured: readonly Measured[]): Chart {
  const products = measured.filter(({ unit }) => unit === 'op');
  const withoutDtype = (name: string) => name.replace(' int8', '');
  const labels = [...new Set(products.map(({ name }) => withoutDtype(name)))];
  return {
    name: 'share',
    title: 'Kernels: share of the register peak',
    unit: 'percent of the operations per second that registers alone reach, same dtype, same run; longer is better',
    groups: labels.map((label) => ({
      label,
      bars: products
        .filter(({ name }) => withoutDtype(name) === label)
        .map(({ dtype, figure, peak, milliseconds, quartiles: [low, high] }) => {
          const share = (100 * figure) / peak;
          const at = (ms: number) => (share * milliseconds) / ms;
          return { series: dtype, value: share, quartiles: [at(high), at(low)] };
        }),
    })),
    reference: { value: 100, label: 'register peak' },
  };
}
