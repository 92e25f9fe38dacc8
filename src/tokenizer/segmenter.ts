/** From a caller's string to pieces with their places in it: added tokens, normalisation, segmentation. */
import { mismatch } from '../errors.js';
import { AddedTokenFinder } from './added-tokens.js';
import { Charsmap } from './charsmap.js';
import type { TokenizerDefinition } from './definition.js';
import { markSpaces, type NormalizerSteps, normalize } from './normalizer.js';
import { Unigram } from './unigram.js';

/** The longest text, in UTF-16 units of the caller's string. */
const MAX_TEXT_LENGTH = 1 << 20;

/** The pieces of one text, without the special tokens of the template. */
export interface Pieces {
  readonly ids: number[]; // (pieces)
  /** The vocabulary's spelling; for an unknown piece, the normalised text that is unknown. */
  readonly tokens: string[]; // (pieces)
  /** Piece `i` came from `[starts[i], ends[i])` of the caller's string, in UTF-16 units. */
  readonly starts: number[]; // (pieces)
  readonly ends: number[]; // (pieces)
}

export class Segmenter {
  readonly #definition: TokenizerDefinition;
  readonly #steps: NormalizerSteps;
  readonly #unigram: Unigram;
  readonly #written: AddedTokenFinder;
  readonly #normalized: AddedTokenFinder;

  /** @throws ERR_TOKENIZER when the definition's character map is malformed */
  constructor(definition: TokenizerDefinition, removeSpace: boolean) {
    const { pieces, scores, unknownId, matchable, addedTokens, normalizer } = definition;
    const { charsmap } = normalizer;
    this.#definition = definition;
    this.#steps = { ...normalizer, removeSpace, charsmap: charsmap && new Charsmap(charsmap) };
    const ids = pieces.map((_, id) => id).filter(matchable);
    this.#unigram = new Unigram(pieces, scores, ids, unknownId);
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
    if (text.length > MAX_TEXT_LENGTH) {
      throw mismatch('ERR_TOO_LONG', 'text', `at most ${MAX_TEXT_LENGTH} characters`, text.length);
    }
    const pieces: Pieces = { ids: [], tokens: [], starts: [], ends: [] };
    for (const { start, end, token } of this.#written.split(text)) {
      if (token === undefined) this.#segmentPart(text.slice(start, end), start, pieces);
      else append(pieces, token.id, token.content, start, end);
    }
    return pieces;
  }

  #segmentPart(text: string, origin: number, pieces: Pieces): void {
    const normalized = normalize(text, origin, this.#steps);
    for (const { start, end, token } of this.#normalized.split(normalized.text)) {
      if (token !== undefined) {
        append(pieces, token.id, token.content, normalized.starts[start]!, normalized.ends[end - 1]!);
        continue;
      }
      const marked = markSpaces(normalized, start, end);
      const { ids, ends } = this.#unigram.segment(marked.text);
      for (let i = 0, from = 0; i < ids.length; from = ends[i++]!) {
        const id = ids[i]!;
        const to = ends[i]!;
        const unknown = id === this.#definition.unknownId;
        const token = unknown ? marked.text.slice(from, to) : (this.#definition.pieces[id] as string);
        append(pieces, id, token, marked.starts[from]!, marked.ends[to - 1]!);
      }
    }
  }
}

function append(pieces: Pieces, id: number, token: string, start: number, end: number): void {
  pieces.ids.push(id);
  pieces.tokens.push(token);
  pieces.starts.push(start);
  pieces.ends.push(end);
}
