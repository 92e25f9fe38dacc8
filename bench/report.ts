/** Reports: a Markdown table to read, the same rows as JSON to compare, and every raw sample beside them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { type Machine, machine } from './machine.js';

export type Cell = string | number;

export interface Report {
  readonly title: string;
  /** What the columns mean, in a sentence or two. */
  readonly note: string;
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  /** What was measured, before it was summed up. */
  readonly raw: unknown;
}

/** A Markdown table; numbers are aligned to the right. */
export function markdownTable(rows: Report['rows']): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly Cell[]) => `| ${cells.join(' | ')} |`;
  const alignment = columns.map((column) => (typeof rows[0]?.[column] === 'number' ? '---:' : '---'));
  return [line(columns), line(alignment), ...rows.map((row) => line(columns.map((column) => row[column] ?? '')))].join(
    '\n',
  );
}

/**
 * Writes `NAME-nodeNN.md` and `.json` into `bench/results`, the raw samples into its `tmp`.
 *
 * @param jsonFile where the JSON goes instead; then nothing else is written
 */
export function writeReport(name: string, { title, note, rows, raw }: Report, jsonFile?: string): void {
  const where = machine();
  const json = (content: object) => `${JSON.stringify(content, null, 2)}\n`;
  if (jsonFile !== undefined) {
    writeFileSync(jsonFile, json({ title, machine: where, rows, raw }));
    return;
  }
  const results = new URL('./results/', import.meta.url);
  const file = `${name}-node${process.versions.node.split('.')[0]}`;
  mkdirSync(new URL('tmp/', results), { recursive: true });
  writeFileSync(new URL(`${file}.json`, results), json({ title, machine: where, rows }));
  writeFileSync(new URL(`tmp/${file}.json`, results), json({ title, machine: where, raw }));
  const paragraphs = [`# ${title}`, nameMachine(where), note, markdownTable(rows)];
  writeFileSync(new URL(`${file}.md`, results), `${paragraphs.join('\n\n')}\n`);
}

export function nameMachine({ cpu, cores, platform, node, v8 }: Machine): string {
  return `${cpu}, ${cores} cores, ${platform}; Node ${node}, V8 ${v8}`;
}

/** A number with `digits` decimals, as a number. */
export function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
