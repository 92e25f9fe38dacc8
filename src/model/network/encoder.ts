/** FlaxAlbertEncoder: the mapping to hidden_size, then each layer with the weights of its group. */

import type { Matrix, Region } from '../../engine/memory.js';
import type { Dense } from '../../engine/operands.js';
import type { Tensor } from '../../ground/tensor.js';
import { type AlbertConfig, groupOfLayer } from '../config.js';
import type { ParameterTable } from '../parameters/table.js';
import { readAttentions, writeMaskBias } from './attention.js';
import { readRows } from './batch.js';
import type { ForwardContext } from './context.js';
import { declareLayer, type LayerActivations, type LayerParameters, planLayer, runLayer, runLayerAt } from './layer.js';

export interface EncoderParameters {
  readonly mapping: Dense;
  /** [group][inner layer] */
  readonly groups: readonly (readonly LayerParameters[])[];
}

export interface EncoderActivations {
  /** (tokens, hidden_size): what one layer hands to the next, and the output. */
  readonly hidden: Matrix;
  readonly layer: LayerActivations;
  /** (rows read, hidden_size): the output of the last layer; `hidden` where all rows are read. */
  readonly last: Matrix;
}

/** What the encoder collects of one rectangle on its way, where asked to. */
export interface Collected {
  /** (batch, seq, hidden_size) each: after the mapping and, as FlaxAlbert counts, after each application of a group. */
  readonly hidden_states: Tensor<Float32Array>[] | undefined;
  /** (batch, num_attention_heads, seq, seq) each: one for every inner layer of every application. */
  readonly attentions: Tensor<Float32Array>[] | undefined;
}

export function declareEncoder(table: ParameterTable, config: AlbertConfig, name: string): EncoderParameters {
  const { embedding_size, hidden_size, num_hidden_groups, inner_group_num } = config;
  return {
    mapping: table.dense({
      name: `${name}.embedding_hidden_mapping_in`,
      inputs: embedding_size,
      outputs: hidden_size,
    }),
    groups: Array.from({ length: num_hidden_groups }, (_, group) =>
      Array.from({ length: inner_group_num }, (_, inner) =>
        declareLayer(table, config, `${name}.albert_layer_groups.${group}.albert_layers.${inner}`),
      ),
    ),
  };
}

export function planEncoder(region: Region, context: ForwardContext): EncoderActivations {
  const { batch, config, lastRows } = context;
  const hidden = region.matrix(batch.tokens, config.hidden_size);
  return {
    hidden,
    layer: planLayer(region, context),
    last: lastRows === undefined ? hidden : region.matrix(lastRows.length, config.hidden_size),
  };
}

/** Floats of what the encoder collects of a batch. */
export function collectedFloats(context: ForwardContext): number {
  const { config, batch, output_hidden_states, output_attentions } = context;
  const { num_hidden_layers: layers, inner_group_num, num_attention_heads: heads, hidden_size } = config;
  const states = output_hidden_states ? (layers + 1) * batch.tokens * hidden_size : 0;
  if (!output_attentions) return states;
  const pairs = batch.rectangles.reduce((sum, { batch: sequences, seq }) => sum + sequences * seq * seq, 0);
  return states + layers * inner_group_num * heads * pairs;
}

/** From `embedded` to `last`. Yields after each layer, where a caller may stop. */
export function* runEncoder(
  context: ForwardContext,
  { mapping, groups }: EncoderParameters,
  { hidden, layer: activations, last }: EncoderActivations,
  embedded: Matrix,
): Generator<void, Collected[]> {
  const { engine, config, batch, lastRows, output_hidden_states, output_attentions } = context;
  const collected = batch.rectangles.map(
    (): Collected => ({
      hidden_states: output_hidden_states ? [] : undefined,
      attentions: output_attentions ? [] : undefined,
    }),
  );
  const collectHidden = () => {
    for (const [i, { tokens }] of batch.rectangles.entries()) {
      collected[i]?.hidden_states?.push(readRows(engine, hidden, tokens));
    }
  };
  const collectAttentions = () => {
    for (const [i, rectangle] of batch.rectangles.entries()) {
      collected[i]?.attentions?.push(readAttentions(context, activations.attention, rectangle));
    }
  };

  writeMaskBias(context, activations.attention.sequences);
  engine.linear(embedded, mapping, hidden);
  collectHidden();
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const group = groups[groupOfLayer(config, layer)] as readonly LayerParameters[];
    for (const [inner, parameters] of group.entries()) {
      const isLast = layer === config.num_hidden_layers - 1 && inner === group.length - 1;
      if (isLast && lastRows !== undefined) runLayerAt(context, lastRows, parameters, activations, hidden, last);
      else runLayer(context, parameters, activations, hidden);
      collectAttentions();
      yield;
    }
    collectHidden();
  }
  return collected;
}
