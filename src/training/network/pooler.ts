/** FlaxAlbert's pooler, forward and backward: the first token of each sequence through a dense layer and tanh. */

import type { Matrix, Region } from '../../engine/memory.js';
import type { Dense } from '../../engine/operands.js';
import { type ProductScratch, planProduct, weightGradient } from '../../engine/weight-gradient.js';
import { rowsAmong } from '../../model/network/batch.js';
import { gradientOfDense, type Pass, type Step, Transposed } from './context.js';

/** The pooler as training sees it, the same in all micro-batches. */
export interface TrainedPooler {
  readonly dense: Dense;
  readonly transposed: Transposed;
}

export interface PoolerActivations {
  /** Address of the i32 rows of the first tokens. */
  readonly rows: number;
  /** (sequences, hidden_size): their hidden states, and in the backward pass the gradient of these. */
  readonly first: Matrix;
  /** (sequences, hidden_size): before tanh. */
  readonly inner: Matrix;
  /** (sequences, hidden_size): the output. */
  readonly pooled: Matrix;
  readonly products: ProductScratch;
}

export function trainedPooler(region: Region, step: Step, dense: Dense): TrainedPooler {
  return { dense, transposed: new Transposed(region, step, dense) };
}

export function planPooler(region: Region, { config, batch: { sequences } }: Pass): PoolerActivations {
  const { hidden_size } = config;
  return {
    rows: region.take(sequences * 4),
    first: region.matrix(sequences, hidden_size),
    inner: region.matrix(sequences, hidden_size),
    pooled: region.matrix(sequences, hidden_size),
    products: planProduct(region, sequences, hidden_size, hidden_size),
  };
}

/** pooled = tanh(dense(the first tokens of hidden)) */
export function runPooler(
  { engine, training, batch, lastRows }: Pass,
  { dense }: TrainedPooler,
  { rows, first, inner, pooled }: PoolerActivations,
  hidden: Matrix,
): void {
  const starts = rowsAmong(lastRows, batch.starts);
  engine.memory.i32(rows, starts.length).set(starts);
  engine.gather(hidden, starts, first);
  engine.linear(first, dense, inner);
  training.activate(inner, pooled, 'tanh');
}

/** dHidden += the gradient of the hidden states, from that of `pooled`, which is overwritten. */
export function backwardPooler(
  pass: Pass,
  { dense, transposed }: TrainedPooler,
  { rows, first, inner, products }: PoolerActivations,
  dPooled: Matrix,
  dHidden: Matrix | undefined,
): void {
  const { training } = pass;
  training.activateGradient(dPooled, inner, 'tanh');
  weightGradient(training, first, dPooled, gradientOfDense(pass, dense), products);
  if (dHidden === undefined) return;
  training.inputGradient(dPooled, transposed.of(dense), first);
  training.scatter(first, rows, { address: dHidden.address, panels: false });
}
