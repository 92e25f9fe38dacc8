/** From a caller's string to pieces with their offsets in it: added tokens, normalisation, segmentation. */
import { mismatch } from '../errors.js';
import { AddedTokenFinder } from './added-tokens.js';
import { Charsmap } from './charsmap.js';
import type { TokenizerDefinition, TokenModel } from './definition.js';
import { type NormalizerSteps, normalize } from './normalizer.js';
import { appendPiece, type Pieces } from './pieces.js';

/** The longest text, in UTF-16 units of the caller's string; of words, all together. */
const MAX_TEXT_LENGTH = 1 << 20;

export class Segmenter {
  readonly #model: TokenModel;
  readonly #steps: NormalizerSteps;
  readonly #written: AddedTokenFinder;
  readonly #normalized: AddedTokenFinder;

  /** @throws ERR_TOKENIZER when the definition's character map is malformed */
  constructor(definition: TokenizerDefinition, removeSpace: boolean) {
    const { model, addedTokens, normalizer } = definition;
    const { charsmap } = normalizer;
    this.#model = model;
    this.#steps = { ...normalizer, removeSpace, charsmap: charsmap && new Charsmap(charsmap) };
    const written = addedTokens.filter((token) => !token.normalized);
    this.#written = new AddedTokenFinder(
      written,
      written.map(({ content }) => content),
    );
    // Two spellings may be one when normalised: the first of them wins.
    const normalized = new Map(
      addedTokens
        .filter((token) => token.normalized)
        .reverse()
        .map((token) => [normalize(token.content, 0, this.#steps).text, token]),
    );
    normalized.delete('');
    this.#normalized = new AddedTokenFinder([...normalized.values()], [...normalized.keys()]);
  }

  /** @throws ERR_TOO_LONG for a text of more than 1 Mi units, or 4 Mi after normalisation */
  segment(text: string): Pieces {
    checkLength(text.length);
    const pieces: Pieces = { ids: [], tokens: [], starts: [], ends: [] };
    this.#segmentText(text, pieces);
    return pieces;
  }

  /** The pieces of words, each cut as a text of its own; their offsets are in their words. @throws ERR_TOO_LONG as `segment` */
  segmentWords(words: readonly string[]): Pieces {
    checkLength(words.reduce((sum, word) => sum + word.length, words.length));
    const pieces = { ids: [], tokens: [], starts: [], ends: [], words: [] as number[] };
    for (const [index, word] of words.entries()) {
      this.#segmentText(word, pieces);
      while (pieces.words.length < pieces.ids.length) pieces.words.push(index);
    }
    return pieces;
  }

  #segmentText(text: string, pieces: Pieces): void {
    for (const { start, end, token } of this.#written.split(text)) {
      if (token === undefined) this.#segmentPart(text.slice(start, end), start, pieces);
      else appendPiece(pieces, token.id, token.content, start, end);
    }
  }

  #segmentPart(text: string, origin: number, pieces: Pieces): void {
    const normalized = normalize(text, origin, this.#steps);
    for (const { start, end, token } of this.#normalized.split(normalized.text)) {
      if (token === undefined) this.#model.segment(normalized, start, end, pieces);
      else appendPiece(pieces, token.id, token.content, normalized.starts[start]!, normalized.ends[end - 1]!);
    }
  }
}

function checkLength(length: number): void {
  if (length > MAX_TEXT_LENGTH) {
    throw mismatch('ERR_TOO_LONG', 'text', `at most ${MAX_TEXT_LENGTH} characters`, length);
  }
}
