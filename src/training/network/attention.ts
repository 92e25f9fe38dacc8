/** FlaxAlbertSelfAttention, forward and backward. */

import type { Matrix, Region } from '../../engine/memory.js';
import type { AttentionSequence } from '../../engine/operands.js';
import { weightGradient } from '../../engine/weight-gradient.js';
import type { AttentionParameters } from '../../model/network/attention.js';
import { gradientOfDense, gradientOfNorm, type Pass, type Step, Transposed, trains } from './context.js';
import { dropped, type LayerSites } from './dropout.js';
import type { Work } from './work.js';

/** What the backward pass of one layer's attention needs of its forward. */
export interface AttentionActivations {
  /** (tokens, 3 · hidden_size) */
  readonly qkv: Matrix;
  /** (tokens, hidden_size): the outputs of the attention heads, side by side. */
  readonly context: Matrix;
  /** (rows, hidden_size): the layer norm's input without its residual. */
  readonly projected: Matrix;
  /** (rows, hidden_size): the output. */
  readonly attended: Matrix;
  /** The rows that follow the attention heads; absent where all tokens do. */
  readonly selected: Selected | undefined;
}

/** What some rows of the last layer have of the memory of all. */
export interface Selected {
  readonly rows: readonly number[];
  /** Address of the rows as i32. */
  readonly indices: number;
  /** (rows, hidden_size) each: the layer's input, its output, and the outputs of the attention heads, then the gradient of these. */
  readonly hidden: Matrix;
  readonly output: Matrix;
  readonly context: Matrix;
}

export interface AttentionTransposed {
  readonly qkv: Transposed;
  readonly dense: Transposed;
}

export function transposedAttention(region: Region, step: Step, parameters: AttentionParameters): AttentionTransposed {
  const { qkv, dense } = parameters;
  return { qkv: new Transposed(region, step, qkv), dense: new Transposed(region, step, dense) };
}

export function planAttention(
  region: Region,
  { config, batch: { tokens } }: Pass,
  selected: Selected | undefined,
): AttentionActivations {
  const { hidden_size } = config;
  const rows = selected === undefined ? tokens : selected.rows.length;
  return {
    qkv: region.matrix(tokens, 3 * hidden_size),
    context: region.matrix(tokens, hidden_size),
    projected: region.matrix(rows, hidden_size),
    attended: region.matrix(rows, hidden_size),
    selected,
  };
}

export function planSelected(region: Region, { config: { hidden_size } }: Pass, rows: readonly number[]): Selected {
  return {
    rows,
    indices: region.take(rows.length * 4),
    hidden: region.matrix(rows.length, hidden_size),
    output: region.matrix(rows.length, hidden_size),
    context: region.matrix(rows.length, hidden_size),
  };
}

/** attended = layer norm of (dense(heads(hidden)) + hidden) */
export function runAttention(
  pass: Pass,
  parameters: AttentionParameters,
  { qkv, context, projected, attended, selected }: AttentionActivations,
  work: Work,
  hidden: Matrix,
  sites: LayerSites,
): void {
  const { engine, config, dropout } = pass;
  const { num_attention_heads: heads, layer_norm_eps } = config;
  engine.linear(hidden, parameters.qkv, qkv);
  for (const part of dropSequences(pass, work, sites)) {
    engine.attention({ qkv, context, heads, scratch: work.attention, ...part });
  }
  if (selected !== undefined) {
    engine.memory.i32(selected.indices, selected.rows.length).set(selected.rows);
    engine.gather(context, selected.rows, selected.context);
    engine.gather(hidden, selected.rows, selected.hidden);
  }
  const after = selected ?? { context, hidden };
  engine.linear(after.context, parameters.dense, projected);
  dropout?.tokens(engine, projected, sites.attention);
  engine.layerNorm(projected, after.hidden, parameters.norm, layer_norm_eps, attended);
}

/**
 * dHidden = the gradient of the input, from that of the output.
 *
 * @param dAttended the gradient of the output; overwritten
 * @param below whether dHidden is wanted; it is overwritten in any case
 */
export function backwardAttention(
  pass: Pass,
  parameters: AttentionParameters,
  transposed: AttentionTransposed,
  { qkv, context, projected, selected }: AttentionActivations,
  work: Work,
  hidden: Matrix,
  sites: LayerSites,
  dAttended: Matrix,
  dHidden: Matrix,
  below: boolean,
): void {
  const { training, config } = pass;
  const { num_attention_heads: heads, layer_norm_eps } = config;
  const { dQkv, dContext, products } = work;
  const norm = gradientOfNorm(pass, parameters.norm);
  const after = selected ?? { context, hidden };
  training.normGradient(dAttended, projected, after.hidden, parameters.norm, norm, layer_norm_eps, work.inverse);
  const dProjected = dropped(pass, dAttended, sites.attention, dHidden);
  weightGradient(training, after.context, dProjected, gradientOfDense(pass, parameters.dense), products);
  if (!below && !trains(pass, parameters.qkv)) return;

  training.inputGradient(dProjected, transposed.dense.of(parameters.dense), selected?.context ?? dContext);
  if (selected !== undefined) {
    training.zero(dContext);
    training.scatter(selected.context, selected.indices, { address: dContext.address, panels: false });
  }
  for (const part of dropSequences(pass, work, sites)) {
    training.attentionGradient({ qkv, context, heads, scratch: work.attention, ...part }, dContext, dQkv);
  }
  weightGradient(training, hidden, dQkv, gradientOfDense(pass, parameters.qkv), products);
  if (!below) return;
  const residual = selected === undefined ? dAttended : undefined;
  training.inputGradient(dQkv, transposed.qkv.of(parameters.qkv), dHidden, residual);
  if (selected !== undefined)
    training.scatter(dAttended, selected.indices, { address: dHidden.address, panels: false });
}

/** The sequences that attention computes with one dropout mask: those of one length, or all where none is dropped. */
function* dropSequences(
  { engine, dropout }: Pass,
  { sequences, masks }: Work,
  { probs }: LayerSites,
): Generator<{ sequences: readonly AttentionSequence[]; dropoutMask?: number }> {
  if (dropout === undefined || probs.rate === 0) {
    yield { sequences };
    return;
  }
  for (const [seq, mask] of masks) {
    dropout.probs(engine, mask, probs);
    yield { sequences: sequences.filter(({ length }) => length === seq), dropoutMask: mask.address };
  }
}
