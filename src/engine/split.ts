/** How an operation is cut into parts for several threads: never so that the order of a sum changes. */

/** Some rows of a matrix product's result by some of its columns. */
export interface Part {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** Sizes from which a product's parts cost next to nothing beyond the whole. */
export interface Grain {
  /** Columns of a part that has all rows, which it packs or quantises for itself. */
  readonly columns: number;
  /** Rows of a part that has all columns, whose panels it streams for itself; Infinity where columns always serve better. */
  readonly rows: number;
}

/** Most parts for each thread: more would even out little that these do not. */
const MAX_PARTS = 4;

/** Multiplications below which a product stays whole: 10 to 30 µs, a few times what two threads take to meet. */
const MIN_PRODUCT = 2 ** 19;

/** The same for elements of work that goes row by row. */
const MIN_ELEMENTS = 2 ** 16;

/** Parts of the (m, n) result of products of depth k. */
export function splitProduct(m: number, n: number, k: number, threads: number, grain: Grain): Part[] {
  if (threads === 1 || m * n * k < MIN_PRODUCT) return [{ row: 0, rows: m, column: 0, columns: n }];
  if (m >= threads * grain.rows) {
    // Four rows are a whole tile of the plain product; the others' tiles are nearly equal in any number of rows.
    return ranges(m, threads * partsEach(m, threads * grain.rows), 4).map(([from, to]) => {
      return { row: from, rows: to - from, column: 0, columns: n };
    });
  }
  // Two panels are a cache line of the result; twelve are whole tiles of one row in every build.
  return ranges(n, threads * partsEach(n, threads * grain.columns), m === 1 ? 96 : 16).map(([from, to]) => {
    return { row: 0, rows: m, column: from, columns: to - from };
  });
}

/** Ranges of rows for work that goes row by row. */
export function splitRows(rows: number, cols: number, threads: number): [from: number, to: number][] {
  return ranges(rows, rows * cols < MIN_ELEMENTS ? 1 : threads, 1);
}

function partsEach(length: number, least: number): number {
  return Math.max(1, Math.min(MAX_PARTS, Math.floor(length / least)));
}

/** At most `parts` ranges of nearly equal length that begin at multiples of `unit`. */
function ranges(length: number, parts: number, unit: number): [from: number, to: number][] {
  const units = Math.ceil(length / unit);
  const count = Math.min(parts, units);
  const at = (part: number) => Math.min(Math.floor((units * part) / count) * unit, length);
  return Array.from({ length: count }, (_, part) => [at(part), at(part + 1)]);
}
