/** The fill-mask pipeline: the likeliest words for each `[MASK]` of a text. */
import { mismatch, type OptionNames } from '../errors.js';
import { AlbertForMaskedLM, type MaskedLMOutput } from '../model/models.js';
import type { Source } from '../source.js';
import { SPACE_MARK } from '../tokenizer/normalizer.js';
import type { AlbertTokenizer } from '../tokenizer/tokenizer.js';
import {
  CALL_OPTIONS,
  type CallOptions,
  checkTextList,
  checkTopK,
  encodeForModel,
  type Job,
  largest,
  makePipeline,
  openModel,
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
  /** How many words to return for each mask, best first; null for all. Default 5. */
  readonly top_k?: number | null;
  /**
   * Considers these words only; their scores stay those among all words. Each must be one piece of the vocabulary: the
   * score of a first piece would be another word's.
   */
  readonly targets?: string | readonly string[];
}

const OPTIONS: OptionNames<FillMaskOptions> = {
  ...CALL_OPTIONS,
  top_k: true,
  targets: true,
};

/** A text's tokens, and where its masks are. */
interface Masked extends Sequence {
  readonly masks: number[];
}

/** For each mask of a text, in order, its likeliest words. */
export type FillMaskPipeline = Pipeline<FilledMask[][], FillMaskOptions>;

export async function fillMask(source: Source, options: PipelineOptions): Promise<FillMaskPipeline> {
  const [model, tokenizer] = await openModel(AlbertForMaskedLM, source, { strict: true, ...options });
  const { vocab_size } = model.config;
  const encode = (
    text: string,
    { top_k = 5, targets }: FillMaskOptions,
  ): Job<MaskedLMOutput, FilledMask[][], Masked> => {
    const count = checkTopK(top_k);
    const allowed = targets === undefined ? undefined : targetIds(tokenizer, targets);
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
          return likeliest(scores, count, allowed).map((token) => ({
            score: scores[token] as number,
            token,
            token_str: tokenizer.decode([token]),
            sequence: tokenizer.decode(input_ids.map((id, at) => (at === position ? token : id)).slice(1, -1)),
          }));
        });
      },
    };
  };
  // Logits at the masks only: those of every token of a run would be 33 MB for 16,000 words.
  return makePipeline(model, tokenizer, OPTIONS, encode, (sequences, options) =>
    model.forwardAt(
      sequences,
      sequences.map(({ masks }) => masks),
      options,
    ),
  );
}

/** The ids of the largest scores, best first; of all ids, or of those allowed. */
function likeliest(scores: Float64Array, count: number, allowed?: readonly number[]): number[] {
  if (allowed === undefined) return largest(scores, count);
  const theirs = allowed.map((id) => scores[id] as number);
  return largest(theirs, count).map((i) => allowed[i] as number);
}

/** @throws ERR_INPUT for a word that is not one piece, with its index */
function targetIds(tokenizer: AlbertTokenizer, targets: string | readonly string[]): number[] {
  const words = typeof targets === 'string' ? [targets] : targets;
  checkTextList('targets', words);
  const ids = words.map((word, i) => {
    const { input_ids, tokens } = tokenizer.encode(word, { add_special_tokens: false });
    // A sign that no word begins with is a piece of its own after the mark of a space.
    const [id, ...more] = tokens[0] === SPACE_MARK ? input_ids.slice(1) : input_ids;
    if (id === undefined || more.length > 0 || id === tokenizer.unk_token_id) {
      throw mismatch('ERR_INPUT', 'targets', 'words of one piece', `${word}, which is ${tokens.join(' ')}`, `[${i}]`);
    }
    return id;
  });
  return [...new Set(ids)];
}
