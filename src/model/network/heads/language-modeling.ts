/** FlaxAlbertOnlyMLMHead: from hidden states to a logit for each word, shared by masked LM and pre-training. */

import { type Matrix, type Region, rowsOf } from '../../../engine/memory.js';
import type { Dense, Norm } from '../../../engine/operands.js';
import { Tensor } from '../../../ground/tensor.js';
import { type AlbertConfig, HIDDEN_ACTIVATIONS } from '../../config.js';
import type { ParameterTable } from '../../parameters/table.js';
import type { BodyParameters } from '../body.js';
import type { ForwardContext } from '../context.js';

export interface LanguageModelingParameters {
  readonly dense: Dense;
  readonly norm: Norm;
  readonly decoder: Dense;
}

export interface LanguageModelingActivations {
  /** (head tokens, embedding_size) */
  readonly transformed: Matrix;
  /** (CHUNK_ROWS at most, vocab_size) */
  readonly logits: Matrix;
}

/** Tokens whose logits are computed at once: the memory for 30,000 words is 14 MB, however long the batch. */
const CHUNK_ROWS = 120;

export function declareLanguageModeling(
  table: ParameterTable,
  { vocab_size, embedding_size, hidden_size, tie_word_embeddings }: AlbertConfig,
  { embeddings }: BodyParameters,
): LanguageModelingParameters {
  const of = 'head';
  const bias = table.bias({ name: 'predictions', size: vocab_size, of });
  const norm = table.norm({ name: 'predictions.LayerNorm', size: embedding_size, of });
  const dense = table.dense({ name: 'predictions.dense', inputs: hidden_size, outputs: embedding_size, of });
  const shared = { inputs: embedding_size, outputs: vocab_size, bias };
  const decoder = tie_word_embeddings
    ? { panels: embeddings.tables.word, ...shared }
    : table.dense({ name: 'predictions.decoder', ...shared, of });
  return { dense, norm, decoder };
}

export function planLanguageModeling(
  region: Region,
  { config: { embedding_size, vocab_size }, batch: { headTokens } }: ForwardContext,
): LanguageModelingActivations {
  return {
    transformed: region.matrix(headTokens, embedding_size),
    logits: region.matrix(Math.min(headTokens, CHUNK_ROWS), vocab_size),
  };
}

/** The logits of each rectangle: (…leading, seq, vocab_size), or (head tokens, vocab_size). */
export function languageModelingLogits(
  { engine, config, batch: { rectangles } }: ForwardContext,
  { dense, norm, decoder }: LanguageModelingParameters,
  { transformed, logits }: LanguageModelingActivations,
  hidden: Matrix,
): Tensor<Float32Array>[] {
  const { vocab_size, hidden_act, layer_norm_eps } = config;
  engine.linear(hidden, dense, transformed, HIDDEN_ACTIVATIONS[hidden_act]);
  engine.layerNorm(transformed, undefined, norm, layer_norm_eps, transformed);
  const outputs = rectangles.map(({ headTokens }) => new Float32Array((headTokens.to - headTokens.from) * vocab_size));
  for (let first = 0; first < hidden.rows; first += logits.rows) {
    const end = Math.min(first + logits.rows, hidden.rows);
    engine.linear(rowsOf(transformed, first, end), decoder, logits);
    rectangles.forEach(({ headTokens }, i) => {
      const [from, to] = [Math.max(headTokens.from, first), Math.min(headTokens.to, end)];
      if (from < to)
        engine.read(rowsOf(logits, from - first, to - first), outputs[i], (from - headTokens.from) * vocab_size);
    });
  }
  return rectangles.map(
    ({ headTokens }, i) => new Tensor(outputs[i] as Float32Array, [...headTokens.shape, vocab_size]),
  );
}
