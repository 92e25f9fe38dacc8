/** What is read of every tokenizer file, and the limits that hold for every file. */
import { mismatch } from '../ground/errors.js';
import type { Step } from './normalizer.js';
import type { AlignedText } from './offsets.js';
import type { Pieces } from './pieces.js';

/** The most pieces a vocabulary may have, added tokens included. */
export const MAX_PIECES = 1_000_000;
/** The longest piece, in bytes of UTF-8; a normalised spelling has at most as many UTF-16 units. */
export const MAX_PIECE_BYTES = 512;

/** A token that is found in the text as written, before the model sees the rest. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Left out by `decode` with `skip_special_tokens`. */
  readonly special: boolean;
  /** Looked for in the normalised text instead of the caller's. */
  readonly normalized: boolean;
  /** Whether it takes the white space before it, and after it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Not found inside a word. */
  readonly single_word: boolean;
}

export interface TokenizerDefinition {
  /** The vocabulary of the model; a piece's index is its id. Empty where an id has no piece. */
  readonly pieces: readonly string[]; // (vocab)
  readonly model: TokenModel;
  readonly addedTokens: readonly AddedToken[];
  readonly steps: readonly Step[];
}

/** A model, and what of its vocabulary the rest of a file refers to. */
export interface Vocabulary extends Pick<TokenizerDefinition, 'pieces' | 'model'> {
  readonly idOf: (piece: string) => number | undefined;
}

/** A kind of tokenizer: how normalised text is cut into pieces, and how pieces are put together again. */
export interface TokenModel {
  readonly kind: 'unigram' | 'wordpiece';
  /** Cuts `[from, to)` of a normalised text and appends the pieces. */
  segment(source: AlignedText, from: number, to: number, pieces: Pieces): void;
  /** Whether the vocabulary marks this token as the beginning of a word. */
  startsWord(token: string): boolean;
  /** The text of tokens in a row. */
  join(tokens: readonly string[]): string;
}

/** The roles that special tokens play, under the names of `tokenizer_config.json`. */
export interface SpecialTokens {
  readonly cls_token: string;
  readonly sep_token: string;
  readonly mask_token: string;
  readonly pad_token: string;
  readonly unk_token: string;
}

/**
 * Collects the pieces of a vocabulary in the order of their ids, each checked.
 *
 * @throws ERR_TOKENIZER for an empty, long or repeated piece, too many of them, or a score that is not a finite 32-bit float
 */
export class VocabularyBuilder {
  readonly pieces: string[] = [];
  readonly #scores: number[] = [];
  readonly #ids = new Map<string, number>();
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  add(piece: string, score: number): void {
    const where = `piece ${this.pieces.length} of ${this.#file}`;
    if (this.pieces.length === MAX_PIECES) throw tooManyPieces(this.#file);
    checkPiece(piece, where);
    if (this.#ids.has(piece)) throw mismatch('ERR_TOKENIZER', 'piece', 'no piece twice', piece, where);
    if (!Number.isFinite(Math.fround(score))) throw mismatch('ERR_TOKENIZER', 'score', 'a finite float', score, where);
    this.#ids.set(piece, this.pieces.length);
    this.pieces.push(piece);
    this.#scores.push(score);
  }

  /** The id of a piece that was added. */
  idOf(piece: string): number | undefined {
    return this.#ids.get(piece);
  }

  scores(): Float64Array {
    return Float64Array.from(this.#scores);
  }
}

export function tooManyPieces(file: string) {
  return mismatch('ERR_TOKENIZER', 'pieces', `at most ${MAX_PIECES}`, 'more', file);
}

/** @throws ERR_TOKENIZER for a piece that is empty or longer than 512 bytes */
export function checkPiece(piece: string, where: string): void {
  // A UTF-16 unit takes three bytes at most: short pieces need no encoding to be measured.
  const bytes = piece.length * 3 <= MAX_PIECE_BYTES ? piece.length : new TextEncoder().encode(piece).length;
  if (bytes === 0 || bytes > MAX_PIECE_BYTES) {
    throw mismatch('ERR_TOKENIZER', 'piece', `1 to ${MAX_PIECE_BYTES} bytes`, `${bytes} bytes`, where);
  }
}
