/** FlaxAlbertEmbeddings: word + token type + position, layer norm, dropout. */

import type { Matrix, Region } from '../../engine/memory.js';
import type { EmbeddingTables, Norm } from '../../engine/operands.js';
import type { AlbertConfig } from '../config.js';
import type { ParameterTable } from '../parameters/table.js';
import type { ForwardContext } from './context.js';

export interface EmbeddingsParameters {
  readonly tables: EmbeddingTables;
  readonly norm: Norm;
}

export interface EmbeddingsActivations {
  /** Addresses of the (tokens) i32 arrays of ids, token types and positions. */
  readonly ids: number;
  readonly types: number;
  readonly positions: number;
  /** (tokens, embedding_size): the output. */
  readonly embedded: Matrix;
}

export function declareEmbeddings(table: ParameterTable, config: AlbertConfig, name: string): EmbeddingsParameters {
  const { vocab_size, max_position_embeddings, type_vocab_size, embedding_size } = config;
  const tables = {
    word: table.panelTable({ name: `${name}.word_embeddings`, count: vocab_size, size: embedding_size }),
    position: table.rowTable({
      name: `${name}.position_embeddings`,
      count: max_position_embeddings,
      size: embedding_size,
    }),
    tokenType: table.rowTable({ name: `${name}.token_type_embeddings`, count: type_vocab_size, size: embedding_size }),
  };
  return { tables, norm: table.norm({ name: `${name}.LayerNorm`, size: embedding_size }) };
}

export function planEmbeddings(region: Region, { config, batch }: ForwardContext): EmbeddingsActivations {
  const { tokens } = batch;
  return {
    ids: region.take(tokens * 4),
    types: region.take(tokens * 4),
    positions: region.take(tokens * 4),
    embedded: region.matrix(tokens, config.embedding_size),
  };
}

/** Writes the ids, token types and positions of a batch into the memory planned for them. */
export function writeTokens(
  { engine: { memory }, batch }: Pick<ForwardContext, 'engine' | 'batch'>,
  { ids, types, positions }: Pick<EmbeddingsActivations, 'ids' | 'types' | 'positions'>,
): void {
  for (const inputs of batch.rectangles) {
    const offset = inputs.tokens.from * 4;
    memory.i32(ids + offset, inputs.ids.length).set(inputs.ids);
    memory.i32(types + offset, inputs.types.length).set(inputs.types);
    memory.i32(positions + offset, inputs.positions.length).set(inputs.positions);
  }
}

/** embedded = dropout(layer norm of (word + token type + position)) */
export function runEmbeddings(
  context: ForwardContext,
  { tables, norm }: EmbeddingsParameters,
  activations: EmbeddingsActivations,
): void {
  const { engine, config, dropout } = context;
  const { ids, types, positions, embedded } = activations;
  writeTokens(context, activations);
  engine.embed(ids, types, positions, tables, embedded);
  engine.layerNorm(embedded, undefined, norm, config.layer_norm_eps, embedded);
  dropout?.apply(engine, embedded, config.hidden_dropout_prob);
}
