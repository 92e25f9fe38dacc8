/** Memory in which every layer works, forward and backward, one after another. */

import { type Matrix, matrixBytes, type Region } from '../../engine/memory.js';
import type { AttentionSequence } from '../../engine/operands.js';
import { type ProductScratch, planProduct } from '../../engine/weight-gradient.js';
import type { Pass } from './context.js';

export interface Work {
  readonly sequences: readonly AttentionSequence[];
  /** (tokens, intermediate_size): after the activation, then the gradient before it. In the memory of `dQkv`. */
  readonly intermediate: Matrix;
  /** (tokens, 3 · hidden_size) */
  readonly dQkv: Matrix;
  /** (tokens, hidden_size) each. */
  readonly dAttended: Matrix;
  readonly dContext: Matrix;
  /** Address of a float per token. */
  readonly inverse: number;
  /** Address of scratch memory of attention and its gradient. */
  readonly attention: number;
  /** By length: (length, length) dropout factors of attention weights. */
  readonly masks: ReadonlyMap<number, Matrix>;
  readonly products: ProductScratch;
}

/**
 * @param sequences which keep their mask biases elsewhere
 * @param backward whether any layer has a backward pass
 */
export function planWork(region: Region, pass: Pass, sequences: readonly AttentionSequence[], backward: boolean): Work {
  const { engine, training, config, batch, dropout } = pass;
  const { hidden_size: hidden, intermediate_size, embedding_size, num_attention_heads } = config;
  const { tokens, longest } = batch;
  const headDim = hidden / num_attention_heads;
  const widest = Math.max(intermediate_size, backward ? 3 * hidden : 0);
  const wide = region.take(matrixBytes(tokens, widest));
  const view = (cols: number): Matrix => ({ address: wide, rows: tokens, cols, stride: matrixBytes(1, cols) });
  const rows = backward ? tokens : 0;
  const forwardScratch = engine.attentionScratchBytes(longest, headDim);
  const backwardScratch = backward ? training.attentionGradientScratchBytes(longest, headDim) : 0;
  const drops = dropout !== undefined && config.attention_probs_dropout_prob > 0;
  const lengths = new Set(drops ? sequences.map(({ length }) => length) : []);
  return {
    sequences,
    intermediate: view(intermediate_size),
    dQkv: view(3 * hidden),
    dAttended: region.matrix(rows, hidden),
    dContext: region.matrix(rows, hidden),
    inverse: region.take(rows * 4),
    attention: region.take(Math.max(forwardScratch, backwardScratch)),
    masks: new Map([...lengths].map((length) => [length, region.matrix(length, length)])),
    products: planProduct(
      region,
      rows,
      Math.max(intermediate_size, hidden, embedding_size),
      Math.max(intermediate_size, 3 * hidden),
    ),
  };
}
