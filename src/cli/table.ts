/** Tables for a terminal. */
import { printableText } from '../ground/printable.js';

/** Columns side by side, each as wide as its widest cell. A cell is one line, escaped so that it does not control the terminal. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const cells = rows.map((row) => row.map(printableText));
  const width = (column: number) => Math.max(...cells.map((row) => row[column]?.length ?? 0));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(width(column))).join('  ');
  return cells.map((row) => `${indent}${line(row)}`.trimEnd()).join('\n');
}

export function percent(score: number): string {
  return `${(score * 100).toFixed(1)} %`;
}
