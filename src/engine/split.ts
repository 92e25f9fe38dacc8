/** How an operation is cut into parts for several threads: never so that the order of a sum changes. */

/** A part of a matrix product: some rows of the result by some columns. */
export interface Part {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** Multiplications below which a product stays whole. */
export const tuning = { product: 2 ** 18, rowsLeast: 48, perThread: 4, rows: 2 ** 15, perRows: 2 };

/** Columns of a part are whole groups of panels: 12 panels of 8 are a multiple of what every tile is wide. */
const GROUP_COLUMNS = 96;

/** Parts of an (m, n) result of products of depth k. */
export function splitProduct(m: number, n: number, k: number, threads: number): Part[] {
  if (threads === 1 || m * n * k < tuning.product) return [{ row: 0, rows: m, column: 0, columns: n }];
  if (m >= tuning.rowsLeast * threads) {
    const parts = Math.max(threads * Math.ceil(m / (threads * 60)), threads);
    return ranges(m, parts, 1).map(([from, to]) => ({ row: from, rows: to - from, column: 0, columns: n }));
  }
  return ranges(n, threads * tuning.perThread, GROUP_COLUMNS).map(([from, to]) => ({
    row: 0,
    rows: m,
    column: from,
    columns: to - from,
  }));
}

/** Ranges of rows for work that goes row by row. */
export function splitRows(rows: number, cols: number, threads: number): [from: number, to: number][] {
  return ranges(rows, threads === 1 || rows * cols < tuning.rows ? 1 : threads * tuning.perRows, 1);
}

/** At most `parts` ranges of nearly equal length that begin at multiples of `unit`. */
function ranges(length: number, parts: number, unit: number): [from: number, to: number][] {
  const units = Math.ceil(length / unit);
  const count = Math.min(parts, units);
  const at = (part: number) => Math.min(Math.floor((units * part) / count) * unit, length);
  return Array.from({ length: count }, (_, part) => [at(part), at(part + 1)]);
}
