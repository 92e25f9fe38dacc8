/** What is printed: lines, and tables for a terminal. Nothing else of the command line writes what others have written. */
import { once } from 'node:events';
import { printableText } from '../printable.js';

/** Columns side by side, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const cells = rows.map((row) => row.map(printableText));
  const width = (column: number) => Math.max(...cells.map((row) => row[column]?.length ?? 0));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(width(column))).join('  ');
  return cells.map((row) => `${indent}${line(row)}`.trimEnd()).join('\n');
}

export function percent(score: number): string {
  return `${(score * 100).toFixed(1)} %`;
}

/**
 * Writes lines, in which a text or a foreign model's label steers no terminal; resolves when what reads them keeps up, so that
 * nothing piles up in memory.
 */
export async function print(text: string): Promise<void> {
  const lines = text.split('\n').map(printableText).join('\n');
  if (!process.stdout.write(`${lines}\n`)) await once(process.stdout, 'drain');
}
