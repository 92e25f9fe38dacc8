/** FlaxAlbertForMaskedLM: a logit for each word at each position. */
import type { Tensor } from '../../../ground/tensor.js';
import type { Head } from '../head.js';
import {
  declareLanguageModeling,
  type LanguageModelingActivations,
  type LanguageModelingParameters,
  languageModelingLogits,
  planLanguageModeling,
} from './language-modeling.js';

/** Scores of every word of the vocabulary at every position. */
export interface MaskedLMOutput {
  /** (batch, seq, vocab_size) */
  readonly logits: Tensor<Float32Array>;
}

export const maskedLM: Head<LanguageModelingParameters, LanguageModelingActivations> = {
  pooler: false,
  hidden: true,
  rank: 2,
  prefix: 'albert.',
  declare: declareLanguageModeling,
  plan: planLanguageModeling,
  outputFloats: (config, { headTokens }) => headTokens * config.vocab_size,
  run: (context, parameters, activations, { hidden }) =>
    languageModelingLogits(context, parameters, activations, hidden).map((logits) => ({ logits })),
};
