/** Parts of an operation for several threads: together the whole, none twice, and none so small that meeting costs more. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Grain, splitProduct, splitRows } from '../../src/engine/split.js';
import { stateCases } from '../support/cases.js';

const test = suite('split');

const BY_COLUMNS: Grain = { columns: 192, rows: Number.POSITIVE_INFINITY };
const BY_ROWS: Grain = { columns: 384, rows: 64 };
const LARGE = 2 ** 20;

test('the parts of a product have each element of the result once', () => {
  let cases = 0;
  for (const grain of [BY_COLUMNS, BY_ROWS]) {
    for (const threads of [2, 3, 4, 7, 64]) {
      for (const m of [1, 2, 5, 63, 64, 128, 257]) {
        for (const n of [1, 8, 95, 96, 97, 768, 1000]) {
          const parts = splitProduct(m, n, LARGE, threads, grain);
          const counts = new Uint8Array(m * n);
          for (const { row, rows, column, columns } of parts) {
            assert.ok(rows > 0 && columns > 0, `an empty part of ${m} x ${n}`);
            for (let i = row; i < row + rows; i++) {
              for (let j = column; j < column + columns; j++) counts[i * n + j] = (counts[i * n + j] as number) + 1;
            }
          }
          assert.ok(
            counts.every((count) => count === 1),
            `${m} x ${n}, ${threads} threads`,
          );
          assert.ok(parts.length <= 4 * threads, `${parts.length} parts for ${threads} threads`);
          cases++;
        }
      }
    }
  }
  stateCases(cases, 490);
});

test('parts begin where tiles and panels do, and have all rows or all columns', () => {
  for (const part of splitProduct(128, 3072, 768, 4, BY_COLUMNS)) {
    assert.equal([part.row, part.rows, part.column % 16], [0, 128, 0]);
  }
  for (const part of splitProduct(1, 3072, 768, 4, BY_COLUMNS)) assert.is(part.column % 96, 0);
  const byRows = splitProduct(512, 3072, 768, 4, BY_ROWS);
  assert.ok(byRows.length > 1);
  for (const part of byRows) assert.equal([part.column, part.columns, part.row % 4], [0, 3072, 0]);
});

test('too few rows for parts of `rows` each are cut by columns', () => {
  assert.ok(splitProduct(255, 3072, 768, 4, BY_ROWS).every(({ rows }) => rows === 255));
  assert.ok(splitProduct(256, 3072, 768, 4, BY_ROWS).every(({ columns }) => columns === 3072));
});

test('what one thread does, or what is small, stays whole', () => {
  assert.equal(splitProduct(128, 768, 768, 1, BY_COLUMNS), [{ row: 0, rows: 128, column: 0, columns: 768 }]);
  assert.is(splitProduct(16, 512, 63, 4, BY_COLUMNS).length, 1);
  assert.ok(splitProduct(16, 512, 64, 4, BY_COLUMNS).length > 1);
  assert.equal(splitRows(127, 512, 4), [[0, 127]]);
});

test('ranges of rows follow one another, nearly equal', () => {
  for (const [rows, threads] of [
    [128, 4],
    [129, 4],
    [1000, 7],
    [3, 4],
  ] as const) {
    const ranges = splitRows(rows, LARGE, threads);
    assert.is(ranges.length, Math.min(rows, threads));
    let next = 0;
    for (const [from, to] of ranges) {
      assert.is(from, next);
      assert.ok(Math.abs(to - from - rows / ranges.length) < 1);
      next = to;
    }
    assert.is(next, rows);
  }
});

test.run();
