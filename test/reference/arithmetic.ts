/** How the tape computes: in float64, or with the error that float32 arithmetic makes in each operation. */
import { Random } from '../assembly/reference.js';

/** The elements `start`, `start + step` and so on of an array. */
export interface Strided {
  readonly data: Float64Array;
  readonly start: number;
  readonly step: number;
}

export interface Arithmetic {
  /** Σ a·b over `count` elements. */
  products(a: Strided, b: Strided, count: number): number;
  /** The result `v` of one operation whose operands or intermediate results have the size `magnitude`. */
  result(v: number, magnitude?: number): number;
}

export const EXACT: Arithmetic = {
  products({ data: a, start: i, step: s }, { data: b, start: j, step: t }, count) {
    let total = 0;
    for (let n = 0, p = i, q = j; n < count; n++, p += s, q += t) total += a[p]! * b[q]!;
    return total;
  },
  result: (v) => v,
};

/** Half a unit in the last place of a float32 near 1: the most that one rounding moves a number, as a share of it. */
const UNIT = 2 ** -24;

/**
 * Float64 with the roundings of float32 put in: each result moves up or down by UNIT of the largest number that took part
 * in it, a sum of products by UNIT of Σ|a·b|. What this does to an answer is what rounding may do to it, cancellation included.
 */
export function rounding(seed: number): Arithmetic {
  const random = new Random(seed);
  const moved = (v: number, magnitude: number) => v + (random.next() < 0.5 ? UNIT : -UNIT) * magnitude;
  return {
    products({ data: a, start: i, step: s }, { data: b, start: j, step: t }, count) {
      let [total, magnitude] = [0, 0];
      for (let n = 0, p = i, q = j; n < count; n++, p += s, q += t) {
        const product = a[p]! * b[q]!;
        total += product;
        magnitude += Math.abs(product);
      }
      return moved(total, magnitude);
    },
    result: (v, magnitude = Math.abs(v)) => moved(v, Math.max(magnitude, Math.abs(v))),
  };
}
