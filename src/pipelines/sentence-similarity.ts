/** The sentence-similarity pipeline: how alike sentences are to one of them. */
import type { Source } from '../source.js';
import { cosine, meanOfTokens, openBody } from './embedding.js';
import {
  CALL_OPTIONS,
  type CallOptions,
  checkTextList,
  checkTexts,
  encodeForModel,
  type Job,
  makePipeline,
  type Pipeline,
  type PipelineOptions,
  type Sequence,
} from './pipeline.js';

/** A sentence, and those that it is compared with. */
export interface SentencesInput {
  readonly source_sentence: string;
  /** What the source sentence is compared with. */
  readonly sentences: readonly string[];
}

/** The cosine of each sentence's mean-pooled embedding with the source's, in the order of the sentences. */
export type SentenceSimilarityPipeline = Pipeline<number[], CallOptions, SentencesInput>;

interface Pooled {
  readonly embedding: Float32Array; // (hidden_size)
}

export async function sentenceSimilarity(
  source: Source,
  options: PipelineOptions,
): Promise<SentenceSimilarityPipeline> {
  const [model, tokenizer] = await openBody(source, options);
  const encode = (input: SentencesInput): Job<Pooled, number[]> => {
    checkTexts(input, 'source_sentence');
    checkTextList('sentences', input.sentences);
    const texts = [input.source_sentence, ...input.sentences];
    return {
      sequences: texts.map((text) => {
        const { input_ids } = encodeForModel(tokenizer, model, text);
        return { input_ids };
      }) as [Sequence, ...Sequence[]],
      decode: ([{ embedding }, ...others]) => others.map((other) => cosine(embedding, other.embedding)),
    };
  };
  return makePipeline(model, tokenizer, CALL_OPTIONS, encode, async (sequences, call) => {
    const outputs = await model.forwardEach(sequences, call);
    // Pooled run by run: the states of 1,000 sentences would be 60 MB.
    return outputs.map(({ last_hidden_state: { data } }) => ({
      embedding: meanOfTokens(data, model.config.hidden_size),
    }));
  });
}
