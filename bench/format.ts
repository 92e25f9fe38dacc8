/** What a report is made of, and how its figures are written; nothing here needs Node. */
import type { Chart } from './chart.js';

export type Cell = string | number;
export type Row = Readonly<Record<string, Cell>>;

export interface Report {
  readonly title: string;
  /** What was found, in a sentence with its figures. */
  readonly summary: string;
  /** What the columns mean, in a sentence or two. */
  readonly note: string;
  /** What repeats it. */
  readonly command: string;
  readonly rows: readonly Row[];
  readonly charts: readonly Chart[];
  /** What was measured, before it was summed up. */
  readonly raw: unknown;
}

/** A number with `digits` decimals, as a number. */
export function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

/** "12.3 – 14.5" */
export function interval([low, high]: readonly [number, number], digits = 2): string {
  return `${low.toFixed(digits)} – ${high.toFixed(digits)}`;
}

export function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`;
}
