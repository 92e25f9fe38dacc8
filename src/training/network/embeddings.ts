/** FlaxAlbertEmbeddings, forward and backward: word + token type + position, layer norm, dropout. */
import type { Matrix, Region } from '../../engine/memory.js';
import { type EmbeddingsParameters, writeTokens } from '../../model/network/embeddings.js';
import { gradientOfNorm, type Pass, type Step, trains } from './context.js';

export interface EmbeddingsActivations {
  /** Addresses of the (tokens) i32 arrays of ids, token types and positions. */
  readonly ids: number;
  readonly types: number;
  readonly positions: number;
  /** (tokens, embedding_size): the layer norm's input. */
  readonly sum: Matrix;
  /** (tokens, embedding_size): the output, and in the backward pass its gradient. */
  readonly embedded: Matrix;
}

export function trainsEmbeddings(step: Step, { tables, norm }: EmbeddingsParameters): boolean {
  const { gradients } = step;
  const addresses = [tables.word.address, tables.tokenType, tables.position];
  return trains(step, norm) || addresses.some((address) => gradients.of(address) !== 0);
}

export function planEmbeddings(region: Region, { config, batch: { tokens } }: Pass): EmbeddingsActivations {
  return {
    ids: region.take(tokens * 4),
    types: region.take(tokens * 4),
    positions: region.take(tokens * 4),
    sum: region.matrix(tokens, config.embedding_size),
    embedded: region.matrix(tokens, config.embedding_size),
  };
}

/** embedded = dropout(layer norm of (word + token type + position)) */
export function runEmbeddings(
  context: Pass,
  { tables, norm }: EmbeddingsParameters,
  activations: EmbeddingsActivations,
): void {
  const { engine, config, dropout, sites } = context;
  const { ids, types, positions, sum, embedded } = activations;
  writeTokens(context, activations);
  engine.embed(ids, types, positions, tables, sum);
  engine.layerNorm(sum, undefined, norm, config.layer_norm_eps, embedded);
  dropout?.tokens(engine, embedded, sites.embeddings);
}

/**
 * Adds to the gradients of tables and norm.
 *
 * @param dEmbedded the gradient of the output; overwritten
 * @param inverse address of a float per token
 */
export function backwardEmbeddings(
  pass: Pass,
  { tables, norm }: EmbeddingsParameters,
  { ids, types, positions, sum }: EmbeddingsActivations,
  dEmbedded: Matrix,
  inverse: number,
): void {
  const { engine, training, config, dropout, sites, gradients } = pass;
  dropout?.tokens(engine, dEmbedded, sites.embeddings);
  const dNorm = gradientOfNorm(pass, norm);
  training.normGradient(dEmbedded, sum, undefined, norm, dNorm, config.layer_norm_eps, inverse);
  const scatter = (indices: number, weights: number, panels: boolean) => {
    const address = gradients.of(weights);
    if (address !== 0) training.scatter(dEmbedded, indices, { address, panels });
  };
  scatter(ids, tables.word.address, true);
  scatter(types, tables.tokenType, false);
  scatter(positions, tables.position, false);
}
