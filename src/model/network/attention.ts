/** FlaxAlbertSelfAttention: query/key/value, heads, dense, residual, layer norm. */

import { MASKED } from '../../engine/masked.js';
import { columnsOf, type Matrix, PANEL_COLUMNS, padded, type Region, rowsOf } from '../../engine/memory.js';
import type { AttentionSequence, Dense, Norm } from '../../engine/operands.js';
import { Tensor } from '../../ground/tensor.js';
import type { AlbertConfig } from '../config.js';
import type { ParameterTable } from '../parameters/table.js';
import type { Batch, Rectangle } from './batch.js';
import type { ForwardContext } from './context.js';

export interface AttentionParameters {
  /** Query, key and value side by side. */
  readonly qkv: Dense;
  readonly dense: Dense;
  readonly norm: Norm;
}

export interface AttentionActivations {
  /** (tokens, 3 · hidden_size) */
  readonly qkv: Matrix;
  /** (tokens, hidden_size): the outputs of the attention heads, side by side. */
  readonly context: Matrix;
  /** (tokens, hidden_size): the output. */
  readonly attended: Matrix;
  /** Each sequence's rows, the address of its mask bias and, when asked for, of one layer's attention weights. */
  readonly sequences: readonly AttentionSequence[];
  /** Address of the kernel's scratch memory. */
  readonly scratch: number;
  /** (seq, padded seq): dropout factors of the attention weights, when training: then all sequences have one length. */
  readonly dropoutMask: Matrix | undefined;
}

export function declareAttention(table: ParameterTable, config: AlbertConfig, name: string): AttentionParameters {
  const { hidden_size } = config;
  const square = { inputs: hidden_size, outputs: hidden_size };
  return {
    qkv: table.dense({ name: [`${name}.query`, `${name}.key`, `${name}.value`], ...square }),
    // It has a twelfth of a layer's multiplications, and one scale per output would make a third of all the error that int8 makes in
    // ALBERT-base's answers (docs/decisions/0017, 0022).
    dense: table.dense({ name: `${name}.dense`, ...square, stored: 'fine' }),
    norm: table.norm({ name: `${name}.LayerNorm`, size: hidden_size }),
  };
}

export function planAttention(region: Region, context: ForwardContext): AttentionActivations {
  const { engine, config, batch, output_attentions, dropout } = context;
  const { hidden_size, num_attention_heads: heads, attention_probs_dropout_prob } = config;
  const { tokens, longest } = batch;
  return {
    qkv: region.matrix(tokens, 3 * hidden_size),
    context: region.matrix(tokens, hidden_size),
    attended: region.matrix(tokens, hidden_size),
    sequences: planSequences(region, batch, output_attentions ? heads : 0),
    scratch: region.take(engine.attentionScratchBytes(longest, hidden_size / heads)),
    dropoutMask: dropout && attention_probs_dropout_prob > 0 ? region.matrix(longest, longest) : undefined,
  };
}

/** Each sequence's mask bias and attention weights, of `heads` heads; those of one rectangle are adjacent. */
export function planSequences(region: Region, { rectangles, starts }: Batch, heads: number): AttentionSequence[] {
  return rectangles.flatMap(({ batch, seq, sequences }) => {
    const maskBias = region.take(batch * padded(seq) * 4);
    const probs = heads === 0 ? undefined : region.take(batch * heads * seq * seq * 4);
    return Array.from({ length: batch }, (_, b) => ({
      start: starts[sequences.from + b] as number,
      length: seq,
      maskBias: maskBias + b * padded(seq) * 4,
      probs: probs === undefined ? undefined : probs + b * heads * seq * seq * 4,
    }));
  });
}

/** Writes the mask biases of a batch, which are the same in every layer. */
export function writeMaskBias(
  { engine, batch }: Pick<ForwardContext, 'engine' | 'batch'>,
  sequences: readonly AttentionSequence[],
): void {
  for (const { seq, mask, sequences: of } of batch.rectangles) {
    sequences.slice(of.from, of.to).forEach(({ maskBias }, row) => {
      const bias = engine.memory.f32(maskBias, padded(seq)).fill(0);
      for (let key = 0; key < seq; key++) if (mask[row * seq + key] === 0) bias[key] = MASKED;
    });
  }
}

/** attended = layer norm of (dense(heads(hidden)) + hidden) */
export function runAttention(
  { engine, config, dropout }: ForwardContext,
  parameters: AttentionParameters,
  { qkv, context, attended, sequences, scratch, dropoutMask }: AttentionActivations,
  hidden: Matrix,
): void {
  const heads = config.num_attention_heads;
  engine.linear(hidden, parameters.qkv, qkv);
  if (dropoutMask !== undefined && dropout !== undefined) {
    // One mask for all sequences and heads: Flax's attention broadcasts its dropout.
    engine.memory.f32(dropoutMask.address, dropoutMask.rows * padded(dropoutMask.cols)).fill(1);
    dropout.apply(engine, dropoutMask, config.attention_probs_dropout_prob);
  }
  engine.attention({ qkv, context, sequences, heads, scratch, dropoutMask: dropoutMask?.address });
  engine.linear(context, parameters.dense, attended);
  dropout?.apply(engine, attended, config.hidden_dropout_prob);
  engine.layerNorm(attended, hidden, parameters.norm, config.layer_norm_eps, attended);
}

/**
 * The same for some rows alone, of which `selected` has the hidden states; keys and values are those of all rows. The results lie in
 * the first rows of `attended`.
 */
export function runAttentionAt(
  { engine, config }: ForwardContext,
  rows: readonly number[],
  parameters: AttentionParameters,
  { qkv, context, attended, sequences, scratch }: AttentionActivations,
  hidden: Matrix,
  selected: Matrix,
): Matrix {
  const { hidden_size, num_attention_heads: heads } = config;
  const [few, out] = [rowsOf(context, 0, rows.length), rowsOf(attended, 0, rows.length)];
  // Each sequence's queries move to its first rows: until they have been computed, nothing reads `context`.
  const queries = columnsOf(qkv, 0, hidden_size);
  if (hidden_size % PANEL_COLUMNS === 0) {
    engine.linear(
      hidden,
      engine.columnsOf(parameters.qkv, hidden_size, 3 * hidden_size),
      columnsOf(qkv, hidden_size, 3 * hidden_size),
    );
    engine.linear(selected, engine.columnsOf(parameters.qkv, 0, hidden_size), few);
  } else {
    // A panel has columns of query and key.
    engine.linear(hidden, parameters.qkv, qkv);
    engine.gather(queries, rows, few);
  }
  let first = 0;
  const asked = sequences.flatMap((sequence) => {
    const { start, length } = sequence;
    const to = first;
    while (first < rows.length && (rows[first] as number) < start + length) first++;
    if (first === to) return [];
    engine.copyRows(rowsOf(few, to, first), rowsOf(queries, start, start + first - to));
    return [{ ...sequence, queries: first - to, to }];
  });
  engine.attention({ qkv, context: few, sequences: asked, heads, scratch });
  engine.linear(few, parameters.dense, out);
  engine.layerNorm(out, selected, parameters.norm, config.layer_norm_eps, out);
  return out;
}

/** A copy of one layer's attention weights of a rectangle: (batch, num_attention_heads, seq, seq). */
export function readAttentions(
  { engine, config: { num_attention_heads: heads } }: ForwardContext,
  { sequences }: AttentionActivations,
  { batch, seq, sequences: of }: Rectangle,
): Tensor<Float32Array> {
  const { probs } = sequences[of.from] as AttentionSequence;
  const weights = engine.memory.f32(probs as number, batch * heads * seq * seq).slice();
  return new Tensor(weights, [batch, heads, seq, seq]);
}
