/** The options of `encode`, as given and once checked. */
import { mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import { checkTokenCount, specialTokenCount } from './encoding.js';
import type { TruncationStrategy } from './truncation.js';

/** How texts become ids: pairs, cuts, windows, padding. */
export interface EncodeOptions {
  /** The second text of a pair; with `is_split_into_words`, its words. */
  text_pair?: string | readonly string[];
  /**
   * What to cut when there are more than `max_length` tokens: `true` or `'longest_first'` the longer text of a pair,
   * `'only_first'`, `'only_second'`. What is cut off is in `overflowing`. Default: nothing is cut, unless `max_length`
   * is given and `padding` is not.
   */
  truncation?: boolean | TruncationStrategy;
  /** Tokens, special ones included, for `truncation` and `padding`. Default: the tokenizer's `model_max_length`. */
  max_length?: number;
  /** Pieces that neighbouring windows of a cut text share. Default: 0. */
  stride?: number;
  /**
   * `true` or `'longest'`: to the longest of the batch; `'max_length'`: to `max_length`. On the right. Default: none.
   * `encode` has a batch of one: there only `'max_length'` adds padding, and any padding evens out the windows.
   */
  padding?: boolean | 'longest' | 'max_length';
  /** `false` leaves `offsets` empty, which saves memory on long texts. Default: true. */
  return_offsets?: boolean;
  /** `false` leaves out `[CLS]` and `[SEP]`. Default: true. */
  add_special_tokens?: boolean;
  /** Texts are arrays of words; each word is encoded alone, and `word_ids` gives the word of each token. Default: false. */
  is_split_into_words?: boolean;
}

/** Pairs of a batch are its inputs. */
export const BATCH_OPTIONS: OptionNames<Omit<EncodeOptions, 'text_pair'>> = {
  truncation: true,
  max_length: true,
  stride: true,
  padding: true,
  return_offsets: true,
  add_special_tokens: true,
  is_split_into_words: true,
};

export const ENCODE_OPTIONS: OptionNames<EncodeOptions> = { text_pair: true, ...BATCH_OPTIONS };

/** Checked options; `undefined` where nothing is cut or padded. */
export interface ResolvedOptions {
  readonly truncation: { readonly strategy: TruncationStrategy; readonly maxLength: number } | undefined;
  readonly stride: number;
  /** A number of tokens, or `'longest'`. */
  readonly padding: number | 'longest' | undefined;
  readonly offsets: boolean;
  readonly specialTokens: boolean;
  readonly words: boolean;
}

/** @throws ERR_INPUT naming the option; ERR_TOO_LONG when padding alone passes the limit on tokens */
export function resolveOptions(options: EncodeOptions, modelMaxLength: number): ResolvedOptions {
  const { max_length, stride = 0, padding = false } = options;
  // As in Hugging Face: a length that nothing else uses is there to cut.
  const { truncation = max_length !== undefined && padding === false } = options;
  if (max_length !== undefined && !isCount(max_length)) {
    throw mismatch('ERR_INPUT', 'max_length', 'a whole number of tokens >= 0', max_length);
  }
  if (!isCount(stride)) throw mismatch('ERR_INPUT', 'stride', 'a whole number of pieces >= 0', stride);
  if (!TRUNCATIONS.includes(truncation)) {
    throw mismatch('ERR_INPUT', 'truncation', `one of ${TRUNCATIONS.join(', ')}`, truncation);
  }
  if (!PADDINGS.includes(padding)) throw mismatch('ERR_INPUT', 'padding', `one of ${PADDINGS.join(', ')}`, padding);
  const maxLength = max_length ?? modelMaxLength;
  if ((truncation !== false || padding === 'max_length') && maxLength === Number.POSITIVE_INFINITY) {
    throw mismatch('ERR_INPUT', 'max_length', 'a length, as this tokenizer has no model_max_length', max_length);
  }
  if (padding === 'max_length') checkTokenCount(maxLength);
  return {
    truncation:
      truncation === false ? undefined : { strategy: truncation === true ? 'longest_first' : truncation, maxLength },
    stride,
    padding: padding === 'max_length' ? maxLength : padding === false ? undefined : 'longest',
    offsets: readFlag(options.return_offsets, 'return_offsets', true),
    specialTokens: readFlag(options.add_special_tokens, 'add_special_tokens', true),
    words: readFlag(options.is_split_into_words, 'is_split_into_words', false),
  };
}

/**
 * How many pieces fit into a truncated encoding of one text or a pair.
 *
 * @throws ERR_INPUT if `max_length` has no room for a piece of each text, or `only_second` is given without a pair
 */
export function roomForPieces({ truncation, specialTokens }: ResolvedOptions, texts: number): number {
  if (truncation === undefined) return Number.POSITIVE_INFINITY;
  const { strategy, maxLength } = truncation;
  if (strategy === 'only_second' && texts === 1) {
    throw mismatch('ERR_INPUT', 'truncation', 'a text_pair to go with only_second', undefined, 'text_pair');
  }
  const surrounding = specialTokens ? specialTokenCount(texts) : 0;
  if (maxLength < surrounding + texts) {
    throw mismatch('ERR_INPUT', 'max_length', `at least ${surrounding + texts} tokens`, maxLength);
  }
  return maxLength - surrounding;
}

const TRUNCATIONS: readonly unknown[] = [true, false, 'longest_first', 'only_first', 'only_second'];
const PADDINGS: readonly unknown[] = [true, false, 'longest', 'max_length'];

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readFlag(value: unknown, title: string, fallback: boolean): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? fallback;
  throw mismatch('ERR_INPUT', title, 'true or false', value);
}
