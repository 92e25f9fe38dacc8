/** What is printed: lines, and tables for a terminal. */
import { once } from 'node:events';

/** Columns side by side, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const cells = rows.map((row) => row.map(printable));
  const width = (column: number) => Math.max(...cells.map((row) => row[column]?.length ?? 0));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(width(column))).join('  ');
  return cells.map((row) => `${indent}${line(row)}`.trimEnd()).join('\n');
}

export function percent(score: number): string {
  return `${(score * 100).toFixed(1)} %`;
}

/** Writes a line; resolves when what reads it keeps up, so that nothing piles up in memory. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}

/** Control characters as dots: a text or a foreign model's label must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '·');
}
