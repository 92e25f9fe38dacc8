/** FlaxAlbert's pooler: the first token of each sequence through a dense layer and tanh. */

import { type Matrix, type Region, rowsOf } from '../../engine/memory.js';
import type { Dense } from '../../engine/operands.js';
import type { AlbertConfig } from '../config.js';
import type { ParameterTable } from '../parameters/table.js';
import { rowsAmong } from './batch.js';
import type { ForwardContext } from './context.js';

export interface PoolerActivations {
  /** (sequences, hidden_size): the hidden states of the first tokens. */
  readonly first: Matrix;
  /** (sequences, hidden_size): the output. */
  readonly pooled: Matrix;
}

export function declarePooler(table: ParameterTable, { hidden_size }: AlbertConfig, name: string): Dense {
  return table.dense({ name, inputs: hidden_size, outputs: hidden_size, of: 'head' });
}

/** @param spent a matrix (tokens, hidden_size) that nothing else reads any more */
export function planPooler(region: Region, { config, batch }: ForwardContext, spent: Matrix): PoolerActivations {
  return { first: rowsOf(spent, 0, batch.sequences), pooled: region.matrix(batch.sequences, config.hidden_size) };
}

/** pooled = tanh(dense(the first tokens)), of the rows that the last layer has computed */
export function runPooler(
  { engine, batch, lastRows }: ForwardContext,
  dense: Dense,
  { first, pooled }: PoolerActivations,
  last: Matrix,
): void {
  engine.gather(last, rowsAmong(lastRows, batch.starts), first);
  engine.linear(first, dense, pooled, 'tanh');
}
