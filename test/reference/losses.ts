/** The losses of transformers' ALBERT and of sentence-transformers as operations of a tape, each (1, 1). */

import { type Matrix, matrix, sum } from './matrix.js';
import type { Tape } from './tape.js';

/** A label that does not count. */
export const IGNORED = -100;

/** A loss from its terms over the logits: their sum over `count`; `slope` is the gradient of that. */
function mean(
  tape: Tape,
  logits: Matrix,
  count: number,
  terms: readonly number[],
  slope: (i: number) => number,
): Matrix {
  const loss = matrix(1, 1, [sum(terms) / count]);
  return tape.note(loss, () => {
    const [outer] = loss.grad as unknown as [number];
    for (let i = 0; i < logits.grad.length; i++) logits.grad[i]! += (outer * slope(i)) / count;
  });
}

/**
 * Cross-entropy of each row of logits with its label, over `count`: the rows that count, in all parts of a batch. With
 * label smoothing (Szegedy et al. 2016) the label has 1 - smoothing of the probability, and all classes share the rest.
 */
export function crossEntropy(
  tape: Tape,
  logits: Matrix,
  labels: readonly number[],
  count: number,
  smoothing = 0,
): Matrix {
  const { rows, columns } = logits;
  const { result } = tape.arithmetic;
  const slopes = new Float64Array(logits.data.length);
  const terms = Array.from({ length: rows }, (_, i) => {
    const label = labels[i]!;
    if (label === IGNORED) return 0;
    const scores = logits.data.subarray(i * columns, (i + 1) * columns);
    const most = Math.max(...scores);
    const log = most + Math.log(sum(scores.map((v) => Math.exp(v - most))));
    const share = (j: number) => (j === label ? 1 - smoothing : 0) + smoothing / columns;
    scores.forEach((v, j) => {
      const p = Math.exp(v - log);
      slopes[i * columns + j] = result(p - share(j), Math.max(p, share(j)));
    });
    return sum(scores.map((v, j) => share(j) * (log - v)));
  });
  return mean(tape, logits, count, terms, (i) => slopes[i]!);
}

/** (x - target)², over `count`. */
export function squaredError(tape: Tape, x: Matrix, targets: readonly number[], count: number): Matrix {
  const { result } = tape.arithmetic;
  const terms = targets.map((t, i) => (x.data[i]! - t) ** 2);
  return mean(tape, x, count, terms, (i) => 2 * result(x.data[i]! - targets[i]!, Math.abs(targets[i]!)));
}

/** -t·log σ(x) - (1 - t)·log(1 - σ(x)), over `count`. */
export function binaryCrossEntropy(tape: Tape, x: Matrix, targets: readonly number[], count: number): Matrix {
  const { result } = tape.arithmetic;
  const terms = targets.map((t, i) => {
    const v = x.data[i]!;
    return Math.max(v, 0) - v * t + Math.log1p(Math.exp(-Math.abs(v)));
  });
  return mean(tape, x, count, terms, (i) => {
    const p = 1 / (1 + Math.exp(-x.data[i]!));
    return result(p - targets[i]!, Math.max(p, targets[i]!));
  });
}
