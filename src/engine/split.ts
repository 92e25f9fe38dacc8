/** Cuts an operation into parts for several threads; the order of no sum changes. */

/** A part of the result of a matrix product: some of its rows and some of its columns. */
export interface Part {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** The smallest parts of a product that together take hardly longer than the whole. */
export interface Grain {
  /** Columns of a part that has all rows; each such part packs or quantises all of them. */
  readonly columns: number;
  /** Rows of a part that has all columns; each such part reads all panels. Infinity where parts by columns are always better. */
  readonly rows: number;
}

/** Parts per thread, at most: more of them would hardly balance the threads better. */
const MAX_PARTS = 4;

/** A product of fewer multiplications stays whole: it takes 10 to 30 µs, a few times what two threads need to meet. */
const MIN_PRODUCT = 2 ** 19;

/** The same for the elements of work that goes row by row. */
const MIN_ELEMENTS = 2 ** 16;

/** Parts of the (m, n) result of products of depth k. */
export function splitProduct(m: number, n: number, k: number, threads: number, grain: Grain): Part[] {
  if (threads === 1 || m * n * k < MIN_PRODUCT) return [{ row: 0, rows: m, column: 0, columns: n }];
  if (m >= threads * grain.rows) {
    // Four rows are one tile of plain SIMD; the other builds cut any number of rows into nearly equal tiles.
    return ranges(m, threads * partsPerThread(m, threads * grain.rows), 4).map(([from, to]) => {
      return { row: from, rows: to - from, column: 0, columns: n };
    });
  }
  // Two panels are one cache line of the result; twelve panels are whole one-row tiles in every build.
  return ranges(n, threads * partsPerThread(n, threads * grain.columns), m === 1 ? 96 : 16).map(([from, to]) => {
    return { row: 0, rows: m, column: from, columns: to - from };
  });
}

/** Ranges of rows for work that goes row by row. */
export function splitRows(rows: number, cols: number, threads: number): [from: number, to: number][] {
  return ranges(rows, rows * cols < MIN_ELEMENTS ? 1 : threads, 1);
}

/** Ranges of columns for work that sums over rows. */
export function splitColumns(rows: number, cols: number, threads: number): [from: number, to: number][] {
  // Sixteen columns are one cache line, or two panels.
  return ranges(cols, rows * cols < MIN_ELEMENTS ? 1 : threads, 16);
}

function partsPerThread(length: number, min: number): number {
  return Math.max(1, Math.min(MAX_PARTS, Math.floor(length / min)));
}

/** At most `parts` ranges of nearly equal length that begin at multiples of `unit`. */
function ranges(length: number, parts: number, unit: number): [from: number, to: number][] {
  const units = Math.ceil(length / unit);
  const count = Math.min(parts, units);
  const start = (part: number) => Math.min(Math.floor((units * part) / count) * unit, length);
  return Array.from({ length: count }, (_, part) => [start(part), start(part + 1)]);
}
