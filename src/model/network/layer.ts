/** FlaxAlbertLayer: self-attention, then the feed-forward block. */

import { type Matrix, type Region, rowsOf } from '../../engine/memory.js';
import type { Dense, Norm } from '../../engine/operands.js';
import { type AlbertConfig, HIDDEN_ACTIVATIONS } from '../config.js';
import type { ParameterTable } from '../parameters/table.js';
import {
  type AttentionActivations,
  type AttentionParameters,
  declareAttention,
  planAttention,
  runAttention,
  runAttentionAt,
} from './attention.js';
import type { ForwardContext } from './context.js';

/** The weights of one layer, shared by every layer of its group. */
export interface LayerParameters {
  readonly attention: AttentionParameters;
  readonly ffn: Dense;
  readonly ffnOutput: Dense;
  readonly fullLayerNorm: Norm;
}

/** All layers work in the same memory, one after another. */
export interface LayerActivations {
  readonly attention: AttentionActivations;
  /** (tokens, intermediate_size) */
  readonly intermediate: Matrix;
  /** (tokens, hidden_size) */
  readonly ffnOutput: Matrix;
}

export function declareLayer(table: ParameterTable, config: AlbertConfig, name: string): LayerParameters {
  const { hidden_size, intermediate_size } = config;
  return {
    fullLayerNorm: table.norm({ name: `${name}.full_layer_layer_norm`, size: hidden_size }),
    attention: declareAttention(table, config, `${name}.attention`),
    ffn: table.dense({ name: `${name}.ffn`, inputs: hidden_size, outputs: intermediate_size }),
    ffnOutput: table.dense({ name: `${name}.ffn_output`, inputs: intermediate_size, outputs: hidden_size }),
  };
}

export function planLayer(region: Region, context: ForwardContext): LayerActivations {
  const attention = planAttention(region, context);
  return {
    attention,
    intermediate: region.matrix(context.batch.tokens, context.config.intermediate_size),
    // Nothing reads the attention heads' outputs after the attention block: their matrix holds the feed-forward's output.
    ffnOutput: attention.context,
  };
}

/** hidden = layer norm of (ffn_output(activation(ffn(attended))) + attended) */
export function runLayer(
  context: ForwardContext,
  parameters: LayerParameters,
  { attention, intermediate, ffnOutput }: LayerActivations,
  hidden: Matrix,
): void {
  const { engine, config, dropout } = context;
  const { attended } = attention;
  runAttention(context, parameters.attention, attention, hidden);
  engine.linear(attended, parameters.ffn, intermediate, HIDDEN_ACTIVATIONS[config.hidden_act]);
  engine.linear(intermediate, parameters.ffnOutput, ffnOutput);
  dropout?.apply(engine, ffnOutput, config.hidden_dropout_prob);
  engine.layerNorm(ffnOutput, attended, parameters.fullLayerNorm, config.layer_norm_eps, hidden);
}

/** The same for some rows alone, bit for bit: selected = the hidden states of these rows after the layer. */
export function runLayerAt(
  context: ForwardContext,
  rows: readonly number[],
  parameters: LayerParameters,
  { attention, intermediate, ffnOutput }: LayerActivations,
  hidden: Matrix,
  selected: Matrix,
): void {
  const { engine, config } = context;
  engine.gather(hidden, rows, selected);
  const attended = runAttentionAt(context, rows, parameters.attention, attention, hidden, selected);
  const [inner, output] = [rowsOf(intermediate, 0, rows.length), rowsOf(ffnOutput, 0, rows.length)];
  engine.linear(attended, parameters.ffn, inner, HIDDEN_ACTIVATIONS[config.hidden_act]);
  engine.linear(inner, parameters.ffnOutput, output);
  engine.layerNorm(output, attended, parameters.fullLayerNorm, config.layer_norm_eps, selected);
}
