/** What a text becomes: ids, mask, types and offsets, with the special tokens around the pieces. */
import { mismatch } from '../ground/errors.js';
import type { Pieces } from './pieces.js';
import type { Window } from './truncation.js';

/** The most tokens of one call, its windows and padding included: twice what the longest text can make. */
const MAX_TOKENS = 8 << 20;

/**
 * One encoded text or pair, as plain arrays that all have one entry per token. `(seq)` counts special tokens and
 * padding.
 */
export interface Encoding {
  input_ids: number[]; // (seq)
  /** 1 for a token, 0 for padding. */
  attention_mask: number[]; // (seq)
  /** 0 for the first text with its special tokens, 1 for the second. */
  token_type_ids: number[]; // (seq)
  /** The vocabulary's spelling; for an unknown piece, the normalised text that is unknown. */
  tokens: string[]; // (seq)
  /**
   * `[start, end)` in the caller's string, in UTF-16 units: `text.slice(start, end)` is what the token was made of,
   * without white space. In a pair, each token's range is in its own text; with `is_split_into_words`, in its own word.
   * Special tokens and padding have `[0, 0]`.
   * Empty with `return_offsets: false`.
   */
  offsets: [number, number][]; // (seq, 2)
  /** The text that a token comes from: 0, or 1 for the second of a pair; null for special tokens and padding. */
  sequence_ids: (0 | 1 | null)[]; // (seq)
  /** With `is_split_into_words`: the index of a token's word in its text; null for special tokens and padding. */
  word_ids?: (number | null)[]; // (seq)
  /** The other windows over a text that was cut; empty if the text fits. They have no windows of their own. */
  overflowing: Encoding[];
}

/** The special tokens around the pieces, and the one for padding. */
export interface Template {
  readonly cls: Special;
  readonly sep: Special;
  readonly pad: Special;
}

interface Special {
  readonly id: number;
  readonly token: string;
}

export interface AssembleOptions {
  readonly template: Template;
  readonly specialTokens: boolean;
  readonly offsets: boolean;
  readonly words: boolean;
}

/** The number of special tokens that surround one text, or two. */
export function specialTokenCount(texts: number): number {
  return texts + 1;
}

/** The range of a text's pieces among an encoding's tokens, special tokens excluded; `[0, 0)` for a text without pieces. */
export function pieceRange({ sequence_ids }: Encoding, text: 0 | 1 = 0): [start: number, end: number] {
  const start = sequence_ids.indexOf(text);
  return start < 0 ? [0, 0] : [start, sequence_ids.lastIndexOf(text) + 1];
}

/**
 * The encoding of one text or a pair, each cut into windows. In a pair whose texts were both cut, `overflowing` holds
 * every combination of windows, in Hugging Face's order.
 *
 * @throws ERR_TOO_LONG when all windows together have more than 8 Mi tokens
 */
export function assemble(texts: readonly Pieces[], windows: readonly Window[][], options: AssembleOptions): Encoding {
  const [firsts = [], seconds] = windows;
  const combinations = firsts.length * (seconds?.length ?? 1);
  const longest = windows.reduce((sum, [window]) => sum + (window === undefined ? 0 : window[1] - window[0]), 3);
  checkTokenCount(combinations * longest);
  const { cls, sep } = options.template;
  const encode = (first: Window, second?: Window): Encoding => {
    const parts = [special(cls, 0), cut(texts[0] as Pieces, first, 0), special(sep, 0)];
    if (second !== undefined) parts.push(cut(texts[1] as Pieces, second, 1), special(sep, 1));
    return join(options.specialTokens ? parts : parts.filter(({ text }) => text !== null), options);
  };
  const at = (first: number) => {
    const window = firsts[first] as Window;
    return seconds === undefined ? [encode(window)] : seconds.map((second) => encode(window, second));
  };
  const [encoding, ...seconds0] = at(0) as [Encoding, ...Encoding[]];
  for (let first = 1; first < firsts.length; first++) encoding.overflowing.push(...at(first));
  for (const overflow of seconds0) encoding.overflowing.push(overflow);
  return encoding;
}

/** Pads an encoding and its windows on the right to `length`, in place. */
export function pad(encoding: Encoding, length: number, options: AssembleOptions): void {
  const { id, token } = options.template.pad;
  for (const window of [encoding, ...encoding.overflowing]) {
    for (let missing = length - window.input_ids.length; missing > 0; missing--) {
      window.input_ids.push(id);
      window.attention_mask.push(0);
      window.token_type_ids.push(0);
      window.tokens.push(token);
      if (options.offsets) window.offsets.push([0, 0]);
      window.sequence_ids.push(null);
      window.word_ids?.push(null);
    }
  }
}

/** @throws ERR_TOO_LONG past 8 Mi */
export function checkTokenCount(count: number): void {
  if (count > MAX_TOKENS) throw mismatch('ERR_TOO_LONG', 'tokens', `at most ${MAX_TOKENS} in one call`, count);
}

/**
 * The encodings as the rows of one batch, for a model's `forward`. They must have the same length, which padding gives them.
 *
 * @returns nested arrays, each (batch, seq)
 */
export function stackEncodings(encodings: readonly Encoding[]): {
  input_ids: number[][];
  attention_mask: number[][];
  token_type_ids: number[][];
} {
  if (!Array.isArray(encodings)) throw mismatch('ERR_INPUT', 'encodings', 'an array of encodings', encodings);
  return {
    input_ids: encodings.map(({ input_ids }) => input_ids),
    attention_mask: encodings.map(({ attention_mask }) => attention_mask),
    token_type_ids: encodings.map(({ token_type_ids }) => token_type_ids),
  };
}

/** A run of tokens of one type and one text. */
interface Part extends Pieces {
  readonly type: 0 | 1;
  readonly text: 0 | 1 | null;
}

function special({ id, token }: Special, type: 0 | 1): Part {
  return { ids: [id], tokens: [token], starts: [0], ends: [0], type, text: null };
}

function cut({ ids, tokens, starts, ends, words }: Pieces, [from, to]: Window, text: 0 | 1): Part {
  return {
    ...(words && { words: words.slice(from, to) }),
    ids: ids.slice(from, to),
    tokens: tokens.slice(from, to),
    starts: starts.slice(from, to),
    ends: ends.slice(from, to),
    type: text,
    text,
  };
}

/** Joins whole arrays: a megabyte of text has up to a million tokens, and pushing each six times took twice as long. */
function join(parts: readonly Part[], { offsets, words }: AssembleOptions): Encoding {
  const collect = <T>(values: (part: Part) => T[]): T[] => ([] as T[]).concat(...parts.map(values));
  const repeat = <T>(value: (part: Part) => T): T[] =>
    collect((part) => new Array<T>(part.ids.length).fill(value(part)));
  return {
    input_ids: collect(({ ids }) => ids),
    attention_mask: repeat(() => 1),
    token_type_ids: repeat(({ type }) => type),
    tokens: collect(({ tokens }) => tokens),
    offsets: offsets ? collect(({ starts, ends }) => starts.map((start, i) => [start, ends[i] as number])) : [],
    sequence_ids: repeat(({ text }) => text),
    ...(words && { word_ids: collect((part): (number | null)[] => part.words ?? part.ids.map(() => null)) }),
    overflowing: [],
  };
}
