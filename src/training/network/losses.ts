/** The losses of transformers over logits in linear memory. Each overwrites the logits with the gradient of the mean over the whole batch. */
import { type Matrix, matrixBytes, type Region, rowsOf } from '../../engine/memory.js';
import type { Counts, Pass } from './context.js';
import type { CheckedLabels } from './request.js';

/** Addresses of an i32 class and an f64 loss per row. */
export interface LossMemory {
  readonly classes: number;
  readonly losses: number;
}

export function planLosses(region: Region, rows: number): LossMemory {
  return { classes: region.take(rows * 4), losses: region.take(rows * 8) };
}

/** How many labels count: what the losses of all micro-batches are divided by. */
export function countsOf(labels: CheckedLabels): Counts {
  const counted = (classes: Int32Array) => classes.reduce((sum, label) => sum + (label < 0 ? 0 : 1), 0);
  switch (labels.loss) {
    case 'spans':
      return { labels: counted(labels.starts), others: counted(labels.ends) };
    case 'pretraining':
      return { labels: counted(labels.classes), others: counted(labels.orders) };
    case 'classes':
    case 'tokens':
      return { labels: counted(labels.classes), others: 0 };
    case 'similarity':
      return { labels: labels.cosines?.length ?? 0, others: 0 };
    default:
      return { labels: labels.values.length, others: 0 };
  }
}

/** Cross-entropy of each row of logits with its class, over `count`. A class below 0 does not count. */
export function crossEntropy(
  { engine, training, smoothing }: Pass,
  logits: Matrix,
  { classes, losses }: LossMemory,
  labels: Int32Array,
  count: number,
): number {
  // Where nothing counts, no row has a gradient, and the factor is any number.
  const mean = 1 / Math.max(count, 1);
  engine.memory.i32(classes, labels.length).set(labels);
  training.crossEntropy(logits, classes, losses, mean, smoothing);
  return sum(new Float64Array(engine.memory.wasm.buffer, losses, labels.length)) * mean;
}

/** Rows of logits whose columns are distributions: the tokens of a text, or the choices of a question. */
export interface Group {
  readonly from: number;
  readonly rows: number;
}

/** Memory for `crossEntropyOfColumns`. */
export interface ColumnMemory {
  /** (columns, rows) of the largest group. */
  readonly transposed: Matrix;
  readonly losses: LossMemory;
}

export function planColumns(region: Region, rows: number, columns: number): ColumnMemory {
  return { transposed: region.matrix(columns, rows), losses: planLosses(region, 1) };
}

/** Cross-entropy of each column of each group with the group's class, over that column's `count`. */
export function crossEntropyOfColumns(
  pass: Pass,
  logits: Matrix,
  { transposed, losses }: ColumnMemory,
  groups: readonly Group[],
  columns: readonly { readonly classes: Int32Array; readonly count: number }[],
): number {
  const { training } = pass;
  const { address, stride } = transposed;
  let loss = 0;
  for (const [i, { from, rows }] of groups.entries()) {
    const of = rowsOf(logits, from, from + rows);
    training.run('transposeRows', [[of.address, of.stride, rows, columns.length, address, stride]]);
    for (const [c, { classes, count }] of columns.entries()) {
      const row = { address: address + c * stride, rows: 1, cols: rows, stride: matrixBytes(1, rows) };
      loss += crossEntropy(pass, row, losses, classes.subarray(i, i + 1), count);
    }
    training.run('transposeRows', [[address, stride, columns.length, rows, of.address, of.stride]]);
  }
  return loss;
}

/** (x - value)², over `count` (MSELoss). */
export function squaredError(pass: Pass, logits: Matrix, values: Float64Array, count: number): number {
  return elementwise(pass, logits, values, count, (x, value) => [(x - value) ** 2, 2 * (x - value)]);
}

/** Cross-entropy of sigmoid(x) with a value from 0 to 1, over `count` (BCEWithLogitsLoss). */
export function binaryCrossEntropy(pass: Pass, logits: Matrix, values: Float64Array, count: number): number {
  return elementwise(pass, logits, values, count, (x, value) => [
    Math.max(x, 0) - x * value + Math.log1p(Math.exp(-Math.abs(x))),
    1 / (1 + Math.exp(-x)) - value,
  ]);
}

/** The mean of a function of each logit and its value; the function's results are the loss and its derivative. */
function elementwise(
  { engine }: Pass,
  logits: Matrix,
  values: Float64Array,
  count: number,
  term: (x: number, value: number) => readonly [loss: number, slope: number],
): number {
  const slopes = engine.read(logits);
  let total = 0;
  for (let i = 0; i < slopes.length; i++) {
    const [loss, slope] = term(slopes[i] as number, values[i] as number);
    total += loss;
    slopes[i] = slope / count;
  }
  engine.memory.write(logits, slopes);
  return total / count;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
