/** From a caller's string to pieces with their offsets in it: added tokens, normalisation, segmentation. */
import { AlbertError, mismatch } from '../ground/errors.js';
import { AddedTokenFinder } from './added-tokens.js';
import { type AddedToken, MAX_PIECE_BYTES, type TokenizerDefinition, type TokenModel } from './definition.js';
import { normalize, type Step } from './normalizer.js';
import { alignText, MAX_NORMALIZED_LENGTH, release } from './offsets.js';
import { appendPiece, type Pieces } from './pieces.js';

/** The longest text, in UTF-16 units of the caller's string; of words, all together. */
const MAX_TEXT_LENGTH = 1 << 20;

export class Segmenter {
  readonly #model: TokenModel;
  readonly #steps: readonly Step[];
  readonly #written: AddedTokenFinder;
  readonly #normalized: AddedTokenFinder;

  /** @throws ERR_TOKENIZER for an added token whose normalised spelling is longer than a piece may be */
  constructor({ model, addedTokens, steps }: TokenizerDefinition) {
    this.#model = model;
    this.#steps = steps;
    const written = addedTokens.filter((token) => !token.normalized);
    this.#written = new AddedTokenFinder(
      written,
      written.map(({ content }) => content),
    );
    // Two spellings may be equal once normalised: a special token wins, then the first.
    const ordered = [...addedTokens.filter(({ special }) => special), ...addedTokens.filter(({ special }) => !special)];
    let room = MAX_NORMALIZED_LENGTH;
    const normalized = new Map(
      ordered
        .filter((token) => token.normalized)
        .reverse()
        .map((token) => {
          const spelling = normalizedSpelling(token, steps, Math.min(MAX_PIECE_BYTES, room));
          room -= spelling.length;
          return [spelling, token];
        }),
    );
    normalized.delete('');
    this.#normalized = new AddedTokenFinder([...normalized.values()], [...normalized.keys()]);
  }

  /** @throws ERR_TOO_LONG for a text of more than 1 Mi units, or 4 Mi after normalisation */
  segment(text: string): Pieces {
    checkLength(text.length);
    const pieces: Pieces = { ids: [], tokens: [], starts: [], ends: [] };
    this.#segmentText(text, pieces, 0);
    return pieces;
  }

  /** The pieces of words, each cut as a text of its own; their offsets are in their words. @throws ERR_TOO_LONG as `segment` */
  segmentWords(words: readonly string[]): Pieces {
    checkLength(words.reduce((sum, word) => sum + word.length, words.length));
    const pieces = { ids: [], tokens: [], starts: [], ends: [], words: [] as number[] };
    let normalizedLength = 0;
    for (const [index, word] of words.entries()) {
      normalizedLength = this.#segmentText(word, pieces, normalizedLength);
      while (pieces.words.length < pieces.ids.length) pieces.words.push(index);
    }
    return pieces;
  }

  /** Appends a text's pieces. Takes and returns the units that the texts of the call have so far after normalisation. */
  #segmentText(text: string, pieces: Pieces, normalizedLength: number): number {
    let length = normalizedLength;
    for (const { start, end, token } of this.#written.split(text)) {
      if (token === undefined) {
        length += this.#segmentPart(text.slice(start, end), start, pieces, MAX_NORMALIZED_LENGTH - length);
      } else appendPiece(pieces, token.id, token.content, start, end);
    }
    return length;
  }

  /** Appends the pieces of a part of a text, and returns its length after normalisation. */
  #segmentPart(text: string, origin: number, pieces: Pieces, limit: number): number {
    const normalized = normalize(alignText(text, origin), this.#steps, limit);
    for (const { start, end, token } of this.#normalized.split(normalized.text)) {
      if (token === undefined) this.#model.segment(normalized, start, end, pieces);
      else appendPiece(pieces, token.id, token.content, normalized.starts[start]!, normalized.ends[end - 1]!);
    }
    release(normalized);
    return normalized.text.length;
  }
}

function checkLength(length: number): void {
  if (length > MAX_TEXT_LENGTH) {
    throw mismatch('ERR_TOO_LONG', 'text', `at most ${MAX_TEXT_LENGTH} characters`, length);
  }
}

/** A character map can make a token a thousand times as long: each is limited, and all together. */
function normalizedSpelling({ content }: AddedToken, steps: readonly Step[], limit: number): string {
  try {
    const normalized = normalize(alignText(content, 0), steps, limit);
    release(normalized);
    return normalized.text;
  } catch (cause) {
    if (!(cause instanceof AlbertError) || cause.code !== 'ERR_TOO_LONG') throw cause;
    const expected = `at most ${MAX_PIECE_BYTES} characters after normalisation, 4 Mi with all others`;
    throw mismatch('ERR_TOKENIZER', 'added token', expected, content, undefined, { cause });
  }
}
