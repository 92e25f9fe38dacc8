/** The feature-extraction pipeline: a text's hidden states, or one embedding of them. */
import type { OpenedSource } from '../ground/source.js';
import { Tensor } from '../ground/tensor.js';
import {
  checkPooling,
  EMBEDDING_OPTIONS,
  type EmbeddingInfo,
  type EmbeddingOptions,
  openEmbedder,
  type PoolingName,
} from './embedder.js';
import { makePipeline, type Pipeline, type PipelineOptions } from './pipeline.js';

/** Options of one call; default: as in {@link EmbeddingInfo}. */
export interface FeatureExtractionOptions extends Omit<EmbeddingOptions, 'pooling'> {
  /**
   * `none`: every token's state; `cls`: the first token's; `mean`, `max`, `mean_sqrt_len_tokens` (the sum divided by the square root of
   * the count), `weightedmean` (by position), `lasttoken`; also transformers.js's `first_token`, `last_token` and `eos`. An array: several,
   * concatenated. Default: as sentence-transformers' files beside the checkpoint say, or `none` without such files.
   */
  readonly pooling?: 'none' | PoolingName | readonly PoolingName[];
}

/** (seq, hidden_size) for pooling `none`, (dimension) otherwise. */
export interface FeatureExtractionPipeline extends Pipeline<Tensor<Float32Array>, FeatureExtractionOptions> {
  /** How embeddings are made by default. */
  readonly embedding: EmbeddingInfo;
}

export async function featureExtraction(
  source: OpenedSource,
  options: PipelineOptions,
): Promise<FeatureExtractionPipeline> {
  const { model, tokenizer, info, embed } = await openEmbedder(source, options, []);
  const { hidden_size } = model.config;
  const extract = makePipeline(
    model,
    tokenizer,
    EMBEDDING_OPTIONS,
    (text: string, { pooling, ...given }: FeatureExtractionOptions) => {
      const asked = pooling === undefined || pooling === 'none' ? pooling : checkPooling(pooling, ['none']);
      const poolings = asked ?? (info.pooling.length > 0 ? info.pooling : 'none');
      const { sequences, decode } = embed(text, given, poolings);
      return {
        sequences,
        decode(outputs) {
          const data = decode(outputs);
          return new Tensor(data, poolings === 'none' ? [data.length / hidden_size, hidden_size] : [data.length]);
        },
      };
    },
  );
  return Object.assign(extract, { embedding: info });
}
