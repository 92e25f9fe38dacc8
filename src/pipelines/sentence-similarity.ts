/** The sentence-similarity pipeline: how similar sentences are to one of them. */

import type { OpenedSource } from '../ground/source.js';
import type { AlbertModelOutput } from '../model/models.js';
import { checkTextList, checkTexts } from './checks.js';
import {
  checkPooling,
  EMBEDDING_OPTIONS,
  type EmbeddingInfo,
  type EmbeddingOptions,
  openEmbedder,
} from './embedder.js';
import { cosine } from './embedding.js';
import type { Job, Jobs } from './jobs.js';
import { makePipeline, type Pipeline, type PipelineOptions } from './pipeline.js';

/** A sentence, and those that it is compared with. */
export interface SentencesInput {
  readonly source_sentence: string;
  /** What the source sentence is compared with. */
  readonly sentences: readonly string[];
}

/** How the embeddings are made; default: as sentence-transformers' files say, or the mean of the tokens without such files. */
export interface SentenceSimilarityOptions extends EmbeddingOptions {}

/** The cosine of each sentence's embedding with the source's, in the order of the sentences. */
export interface SentenceSimilarityPipeline extends Pipeline<number[], SentenceSimilarityOptions, SentencesInput> {
  /** How embeddings are made by default. */
  readonly embedding: EmbeddingInfo;
}

export async function sentenceSimilarity(
  source: OpenedSource,
  options: PipelineOptions,
): Promise<SentenceSimilarityPipeline> {
  const { model, tokenizer, info, embed } = await openEmbedder(source, options, ['mean']);
  const encode = (
    input: SentencesInput,
    { pooling, ...given }: SentenceSimilarityOptions,
  ): Jobs<AlbertModelOutput, Float32Array, number[]> => {
    checkTexts(input, 'source_sentence');
    checkTextList('sentences', input.sentences);
    const poolings = pooling === undefined ? info.pooling : checkPooling(pooling);
    return {
      *jobs(): Iterable<Job<AlbertModelOutput, Float32Array>> {
        yield embed(input.source_sentence, given, poolings);
        for (const sentence of input.sentences) yield embed(sentence, given, poolings);
      },
      combine: ([embedding, ...others]) => others.map((other) => cosine(embedding, other)),
    };
  };
  const similarity = makePipeline(model, tokenizer, EMBEDDING_OPTIONS, encode);
  return Object.assign(similarity, { embedding: info });
}
