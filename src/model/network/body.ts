/** The body of every ALBERT: embeddings, encoder and, where the head reads it, the pooler. */

import { type Matrix, type Region, rowsOf } from '../../engine/memory.js';
import type { Dense } from '../../engine/operands.js';
import type { AlbertConfig } from '../config.js';
import type { ParameterTable } from '../parameters/table.js';
import { rowsAmong } from './batch.js';
import type { ForwardContext } from './context.js';
import {
  declareEmbeddings,
  type EmbeddingsActivations,
  type EmbeddingsParameters,
  planEmbeddings,
  runEmbeddings,
} from './embeddings.js';
import {
  type Collected,
  declareEncoder,
  type EncoderActivations,
  type EncoderParameters,
  planEncoder,
  runEncoder,
} from './encoder.js';
import { declarePooler, type PoolerActivations, planPooler, runPooler } from './pooler.js';

export interface BodyParameters {
  readonly embeddings: EmbeddingsParameters;
  readonly encoder: EncoderParameters;
  readonly pooler: Dense | undefined;
}

export interface BodyActivations {
  readonly embeddings: EmbeddingsActivations;
  readonly encoder: EncoderActivations;
  readonly pooler: PoolerActivations;
  /** (head tokens, hidden_size): the hidden states of the tokens that the head computes. */
  readonly headHidden: Matrix;
}

/**
 * @param prefix before the names of all parameters
 * @param pooler whether the head reads the pooler's output
 */
export function declareBody(
  table: ParameterTable,
  config: AlbertConfig,
  prefix: string,
  pooler: boolean,
): BodyParameters {
  return {
    embeddings: declareEmbeddings(table, config, `${prefix}embeddings`),
    encoder: declareEncoder(table, config, `${prefix}encoder`),
    pooler: pooler ? declarePooler(table, config, `${prefix}pooler`) : undefined,
  };
}

export function planBody(region: Region, context: ForwardContext): BodyActivations {
  const embeddings = planEmbeddings(region, context);
  const encoder = planEncoder(region, context);
  // Nothing reads the feed-forward's output after the last layer: its matrix holds the rows that are gathered, first the
  // pooler's, then, once the pooler has run, the head's.
  const spent = encoder.layer.ffnOutput;
  const { headRows, headTokens } = context.batch;
  return {
    embeddings,
    encoder,
    pooler: planPooler(region, context, spent),
    headHidden: headRows === undefined ? encoder.last : rowsOf(spent, 0, headTokens),
  };
}

/** From ids to hidden states and pooler. Yields after each layer, where a caller may stop. */
export function* runBody(
  context: ForwardContext,
  parameters: BodyParameters,
  { embeddings, encoder, pooler, headHidden }: BodyActivations,
): Generator<void, Collected[]> {
  runEmbeddings(context, parameters.embeddings, embeddings);
  const collected = yield* runEncoder(context, parameters.encoder, encoder, embeddings.embedded);
  if (parameters.pooler !== undefined) runPooler(context, parameters.pooler, pooler, encoder.last);
  const { headRows } = context.batch;
  if (headRows !== undefined) context.engine.gather(encoder.last, rowsAmong(context.lastRows, headRows), headHidden);
  return collected;
}
