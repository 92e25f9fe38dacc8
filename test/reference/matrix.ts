/** The matrices of a tape. */
import type { Strided } from './arithmetic.js';

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Row-major. */
  readonly data: Float64Array;
  /** Of the loss with respect to each element, once `backward` ran. */
  readonly grad: Float64Array;
}

export function matrix(rows: number, columns: number, values?: ArrayLike<number>): Matrix {
  const size = rows * columns;
  if (values !== undefined && values.length !== size)
    throw new Error(`${values.length} values for ${rows} × ${columns}`);
  return {
    rows,
    columns,
    data: values ? Float64Array.from(values) : new Float64Array(size),
    grad: new Float64Array(size),
  };
}

export const row = (data: Float64Array, x: Matrix, i: number): Strided => ({ data, start: i * x.columns, step: 1 });
export const column = (data: Float64Array, x: Matrix, j: number): Strided => ({ data, start: j, step: x.columns });

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
