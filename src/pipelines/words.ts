/** Which tokens of a text make one word: for labels of whole words, and for answers that end where words end. */
import type { AlbertTokenizer } from '../tokenizer/tokenizer.js';

/** Tokens of one text, side by side. */
export interface TextTokens {
  /** The vocabulary's spelling. */
  readonly tokens: readonly string[]; // (tokens)
  /** Token `i` was made of `text.slice(...offsets[i])`. */
  readonly offsets: readonly (readonly [start: number, end: number])[]; // (tokens)
}

/** What tells whether the vocabulary begins a word with a token: the tokenizer. */
export type WordMarks = Pick<AlbertTokenizer, 'startsWord'>;

/**
 * For each token, whether a word begins with it. Words are runs of letters and digits, and tokens of other
 * characters are words of their own, about as BERT's tokenizers have it: SentencePiece itself knows only white space, and
 * "in Paris, France." would have the words "Paris," and "France.".
 */
export function wordStarts(text: string, { tokens, offsets }: TextTokens, tokenizer: WordMarks): boolean[] {
  return tokens.map((token, i) => {
    if (i === 0) return true;
    const [previous, end] = offsets[i - 1] as readonly [number, number];
    const [start] = offsets[i] as readonly [number, number];
    // A space mark without a width goes with what it stands before; several tokens may be made of one character.
    if (previous === end || start < end) return false;
    if (tokenizer.startsWord(token)) return true;
    const next = text.slice(start, start + 2);
    return !(MARK.test(next) || (ENDS_IN_WORD.test(text.slice(Math.max(0, end - 2), end)) && IN_WORD.test(next)));
  });
}

const IN_WORD = /^[\p{L}\p{M}\p{N}]/u;
const ENDS_IN_WORD = /[\p{L}\p{M}\p{N}]$/u;
/** Belongs to what it follows, whatever that is. */
const MARK = /^\p{M}/u;
