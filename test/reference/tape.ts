/**
 * Reverse-mode differentiation over matrices, in float64: each operation computes its values and notes how the gradient of
 * its result becomes gradients of its operands; `backward` follows the notes from the last to the first.
 */
import { type Arithmetic, EXACT, type Strided } from './arithmetic.js';
import { column, type Matrix, matrix, row, sum } from './matrix.js';

/** A function of one number, its derivative, and the places where the derivative jumps. */
export interface Differentiable {
  readonly f: (x: number) => number;
  readonly df: (x: number) => number;
  readonly kinks?: readonly number[];
}

export class Tape {
  readonly #notes: (() => void)[] = [];
  /** How near an operand of `map` came to a place where the derivative jumps: rounding may take it across. */
  nearestKink = Number.POSITIVE_INFINITY;

  constructor(readonly arithmetic: Arithmetic = EXACT) {}

  /** Adds the operation that made `result`: `back` adds to the gradients of its operands. */
  note(result: Matrix, back: () => void): Matrix {
    this.#notes.push(back);
    return result;
  }

  /** Fills in the gradients of all that `loss`, (1, 1), was made of. */
  backward(loss: Matrix): void {
    loss.grad[0] = 1;
    for (const back of this.#notes.toReversed()) back();
  }

  /** The rows `indices` of a table. */
  gather(table: Matrix, indices: readonly number[]): Matrix {
    const { columns } = table;
    const y = matrix(indices.length, columns);
    indices.forEach((index, i) => {
      y.data.set(table.data.subarray(index * columns, (index + 1) * columns), i * columns);
    });
    return this.note(y, () => {
      indices.forEach((index, i) => {
        for (let j = 0; j < columns; j++) table.grad[index * columns + j]! += y.grad[i * columns + j]!;
      });
    });
  }

  add(...terms: readonly Matrix[]): Matrix {
    const { result } = this.arithmetic;
    const [{ rows, columns }] = terms as [Matrix];
    const y = matrix(rows, columns);
    for (let i = 0; i < y.data.length; i++) {
      let [total, magnitude] = [0, 0];
      for (const { data } of terms) {
        total += data[i]!;
        magnitude = Math.max(magnitude, Math.abs(data[i]!));
      }
      y.data[i] = result(total, magnitude);
    }
    return this.note(y, () => {
      for (const { grad } of terms) for (let i = 0; i < grad.length; i++) grad[i]! += y.grad[i]!;
    });
  }

  /** x · weightᵀ + bias: (m, k), (n, k), (1, n) to (m, n). */
  dense(x: Matrix, weight: Matrix, bias?: Matrix): Matrix {
    const { products, result } = this.arithmetic;
    const y = matrix(x.rows, weight.rows);
    for (let i = 0; i < y.rows; i++) {
      for (let j = 0; j < y.columns; j++) {
        const product = products(row(x.data, x, i), row(weight.data, weight, j), x.columns);
        y.data[i * y.columns + j] = bias ? result(product + bias.data[j]!, Math.abs(product)) : product;
      }
    }
    const ones: Strided = { data: new Float64Array([1]), start: 0, step: 0 };
    return this.note(y, () => {
      for (let i = 0; i < x.rows; i++) {
        for (let l = 0; l < x.columns; l++) {
          const gradient = products(row(y.grad, y, i), column(weight.data, weight, l), y.columns);
          x.grad[i * x.columns + l]! += gradient;
        }
      }
      for (let j = 0; j < y.columns; j++) {
        for (let l = 0; l < x.columns; l++) {
          const gradient = products(column(y.grad, y, j), column(x.data, x, l), x.rows);
          weight.grad[j * x.columns + l]! += gradient;
        }
        if (bias) bias.grad[j]! += products(column(y.grad, y, j), ones, y.rows);
      }
    });
  }

  map(x: Matrix, { f, df, kinks = [] }: Differentiable): Matrix {
    const { result } = this.arithmetic;
    const y = matrix(x.rows, x.columns);
    x.data.forEach((v, i) => {
      y.data[i] = result(f(v), Math.abs(v));
      for (const kink of kinks) this.nearestKink = Math.min(this.nearestKink, Math.abs(v - kink));
    });
    return this.note(y, () => {
      x.data.forEach((v, i) => {
        x.grad[i]! += y.grad[i]! * result(df(v), 1);
      });
    });
  }

  scale(x: Matrix, factor: number): Matrix {
    return this.map(x, { f: (v) => v * factor, df: () => factor });
  }

  /** Each element by a constant of its own. */
  times(x: Matrix, factor: (row: number, column: number) => number): Matrix {
    const factors = x.data.map((_, i) => factor(Math.floor(i / x.columns), i % x.columns));
    const y = matrix(
      x.rows,
      x.columns,
      x.data.map((v, i) => this.arithmetic.result(v * factors[i]!)),
    );
    return this.note(y, () => {
      for (let i = 0; i < x.grad.length; i++) x.grad[i]! += y.grad[i]! * factors[i]!;
    });
  }

  transpose(x: Matrix): Matrix {
    const y = matrix(x.columns, x.rows);
    const place = (i: number) => (i % x.columns) * x.rows + Math.floor(i / x.columns);
    x.data.forEach((v, i) => {
      y.data[place(i)] = v;
    });
    return this.note(y, () => {
      for (let i = 0; i < x.grad.length; i++) x.grad[i]! += y.grad[place(i)]!;
    });
  }

  /** Columns `[from, to)`. */
  columns(x: Matrix, from: number, to: number): Matrix {
    const y = matrix(x.rows, to - from);
    const place = (i: number) => Math.floor(i / y.columns) * x.columns + from + (i % y.columns);
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[place(i)]!;
    return this.note(y, () => {
      for (let i = 0; i < y.grad.length; i++) x.grad[place(i)]! += y.grad[i]!;
    });
  }

  /** Matrices of as many columns, one below the other. */
  stack(parts: readonly Matrix[]): Matrix {
    const rows = sum(parts.map((part) => part.rows));
    const y = matrix(rows, parts[0]!.columns);
    let start = 0;
    const starts = parts.map(({ data }) => {
      y.data.set(data, start);
      start += data.length;
      return start - data.length;
    });
    return this.note(y, () => {
      for (const [n, { grad }] of parts.entries()) {
        for (let i = 0; i < grad.length; i++) grad[i]! += y.grad[starts[n]! + i]!;
      }
    });
  }

  /** (x - mean) / √(variance + eps) · scale + bias, row by row. */
  layerNorm(x: Matrix, scale: Matrix, bias: Matrix, eps: number): Matrix {
    const { result } = this.arithmetic;
    const n = x.columns;
    const y = matrix(x.rows, n);
    const normed = new Float64Array(x.data.length);
    const deviations = new Float64Array(x.rows);
    for (let i = 0; i < x.rows; i++) {
      const values = x.data.subarray(i * n, (i + 1) * n);
      const mean = result(sum(values) / n, sum(values.map(Math.abs)) / n);
      const centred = values.map((v) => result(v - mean, Math.max(Math.abs(v), Math.abs(mean))));
      deviations[i] = Math.sqrt(result(sum(centred.map((v) => v * v)) / n + eps));
      centred.forEach((v, j) => {
        normed[i * n + j] = result(v / deviations[i]!);
        y.data[i * n + j] = result(normed[i * n + j]! * scale.data[j]! + bias.data[j]!, Math.abs(bias.data[j]!));
      });
    }
    return this.note(y, () => {
      for (let i = 0; i < x.rows; i++) {
        const xs = normed.subarray(i * n, (i + 1) * n);
        const gradients = y.grad.subarray(i * n, (i + 1) * n);
        gradients.forEach((g, j) => {
          scale.grad[j]! += result(g * xs[j]!);
          bias.grad[j]! += result(g);
        });
        const scaled = gradients.map((g, j) => g * scale.data[j]!);
        const along = scaled.map((g, j) => g * xs[j]!);
        const [constant, constantSize] = [sum(scaled) / n, sum(scaled.map(Math.abs)) / n];
        const [slope, slopeSize] = [sum(along) / n, sum(along.map(Math.abs)) / n];
        scaled.forEach((g, j) => {
          const size = Math.abs(g) + constantSize + Math.abs(xs[j]!) * slopeSize;
          x.grad[i * n + j]! += result(g - constant - xs[j]! * slope, size) / deviations[i]!;
        });
      }
    });
  }

  /**
   * Softmax of each row over the columns that `mask` keeps. As in FlaxAlbert, -1e10 is added to the others, which absorbs
   * any score in float32: a row without a kept column is uniform, and the gradient passes the addition.
   */
  softmax(x: Matrix, mask: readonly number[]): Matrix {
    const { result } = this.arithmetic;
    const n = x.columns;
    const y = matrix(x.rows, n);
    for (let i = 0; i < x.rows; i++) {
      const scores = Array.from(x.data.subarray(i * n, (i + 1) * n), (v, j) => (mask[j] === 0 ? -1e10 : v));
      const most = Math.max(...scores);
      const exponentials = scores.map((v) => result(Math.exp(v - most)));
      const total = sum(exponentials);
      y.data.set(
        exponentials.map((v) => result(v / total)),
        i * n,
      );
    }
    return this.note(y, () => {
      for (let i = 0; i < x.rows; i++) {
        const [p, g] = [y.data.subarray(i * n, (i + 1) * n), y.grad.subarray(i * n, (i + 1) * n)];
        const weighted = p.map((v, j) => v * g[j]!);
        const [mean, size] = [sum(weighted), sum(weighted.map(Math.abs))];
        p.forEach((v, j) => {
          x.grad[i * n + j]! += v * result(g[j]! - mean, Math.abs(g[j]!) + size);
        });
      }
    });
  }

  /** Each row by its Euclidean length. */
  unit(x: Matrix): Matrix {
    const { result } = this.arithmetic;
    const n = x.columns;
    const y = matrix(x.rows, n);
    const lengths = Array.from({ length: x.rows }, (_, i) => Math.hypot(...x.data.subarray(i * n, (i + 1) * n)));
    x.data.forEach((v, i) => {
      y.data[i] = result(v / lengths[Math.floor(i / n)]!);
    });
    return this.note(y, () => {
      for (let i = 0; i < x.rows; i++) {
        const [u, g] = [y.data.subarray(i * n, (i + 1) * n), y.grad.subarray(i * n, (i + 1) * n)];
        const products = u.map((v, j) => v * g[j]!);
        const [along, size] = [sum(products), sum(products.map(Math.abs))];
        u.forEach((v, j) => {
          x.grad[i * n + j]! += result(g[j]! - v * along, Math.abs(g[j]!) + Math.abs(v) * size) / lengths[i]!;
        });
      }
    });
  }
}
