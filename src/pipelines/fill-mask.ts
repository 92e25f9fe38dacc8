/** The fill-mask pipeline: the likeliest words for each `[MASK]` of a text. */
import { mismatch } from '../errors.js';
import { AlbertForMaskedLM, type MaskedLMOutput } from '../model/heads/index.js';
import type { Source } from '../source.js';
import { AlbertTokenizer } from '../tokenizer/tokenizer.js';
import {
  type CallOptions,
  checkCount,
  encodeForModel,
  type Job,
  largest,
  makePipeline,
  type Pipeline,
  type PipelineOptions,
  type Sequence,
  softmax,
} from './pipeline.js';

/** One word for one mask. */
export interface FilledMask {
  /** Its probability. */
  readonly score: number;
  /** The id of the word's piece. */
  readonly token: number;
  /** The word, decoded. */
  readonly token_str: string;
  /** The whole text with this mask filled, decoded; other masks stay. */
  readonly sequence: string;
}

export interface FillMaskOptions extends CallOptions {
  /** How many words to return for each mask, best first. Default 5. */
  readonly top_k?: number;
}

/** A text's tokens, and where its masks are. */
interface Masked extends Sequence {
  readonly masks: number[];
}

/** For each mask of a text, in order, its likeliest words. */
export type FillMaskPipeline = Pipeline<FilledMask[][], FillMaskOptions>;

export async function fillMask(source: Source, options: PipelineOptions): Promise<FillMaskPipeline> {
  const [model, tokenizer] = await Promise.all([
    AlbertForMaskedLM.from_pretrained(source, { strict: true, ...options }),
    AlbertTokenizer.from_pretrained(source, options),
  ]);
  const { vocab_size } = model.config;
  const encode = (text: string, { top_k = 5 }: FillMaskOptions): Job<MaskedLMOutput, FilledMask[][], Masked> => {
    checkCount('top_k', top_k);
    const { input_ids } = encodeForModel(tokenizer, model, text);
    const masks = input_ids.flatMap((id, position) => (id === tokenizer.mask_token_id ? [position] : []));
    if (masks.length === 0) {
      const expected = `${tokenizer.mask_token} among the first ${model.config.max_position_embeddings} tokens`;
      throw mismatch('ERR_INPUT', 'text', expected, text);
    }
    return {
      sequences: [{ input_ids, masks }],
      decode([{ logits }]) {
        return masks.map((position, i) => {
          const scores = softmax(logits.data.subarray(i * vocab_size, (i + 1) * vocab_size));
          return largest(scores, top_k).map((token) => ({
            score: scores[token] as number,
            token,
            token_str: tokenizer.decode([token]),
            sequence: tokenizer.decode(input_ids.with(position, token).slice(1, -1)),
          }));
        });
      },
    };
  };
  // Logits at the masks only: those of every token of a run would be 33 MB for 16,000 words.
  return makePipeline(model, tokenizer, encode, (sequences, options) =>
    model.forwardAt(
      sequences,
      sequences.map(({ masks }) => masks),
      options,
    ),
  );
}
