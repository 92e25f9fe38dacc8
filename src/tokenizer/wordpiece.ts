/**
 * WordPiece: every word is cut from left to right into the longest pieces that the vocabulary has.
 *
 * Source: `BertPreTokenizer`, `WordPiece::tokenize` and the `WordPiece` decoder of Hugging Face's tokenizers.
 */
import { isPunctuation, isWhiteSpace } from './bert.js';
import { codePointAt } from './code-point.js';
import type { TokenModel } from './definition.js';
import type { AlignedText } from './offsets.js';
import { appendPiece, type Pieces } from './pieces.js';
import { Trie } from './trie.js';

/** The beginning of a piece inside a word. */
export const CONTINUES = '##';

/** The pieces and rules of one vocabulary. */
export interface WordPieceDefinition {
  readonly pieces: readonly string[]; // (vocab)
  /** The id of each piece that text may match. */
  readonly ids: ReadonlyMap<string, number>;
  readonly unknownId: number;
  /** A longer word, in code points, is unknown. */
  readonly maxWordLength: number;
  /** Whether decoding takes the spaces before punctuation away. */
  readonly cleansUp: boolean;
}

export class WordPiece implements TokenModel {
  readonly kind = 'wordpiece';
  readonly #definition: WordPieceDefinition;
  /** Of pieces that begin a word, and of those inside one, without their `##`. */
  readonly #first: Trie;
  readonly #further: Trie;

  constructor(definition: WordPieceDefinition) {
    this.#definition = definition;
    const first: [string, number][] = [];
    const further: [string, number][] = [];
    for (const [piece, id] of definition.ids) {
      if (!piece.startsWith(CONTINUES)) first.push([piece, id]);
      else if (piece !== CONTINUES) further.push([piece.slice(CONTINUES.length), id]);
    }
    this.#first = trieOf(first);
    this.#further = trieOf(further);
  }

  segment(source: AlignedText, start: number, end: number, pieces: Pieces): void {
    const { text } = source;
    for (let i = start; i < end; ) {
      const from = i;
      i += widthAt(text, i);
      if (isWhiteSpace(codePointAt(text, from))) continue;
      let length = 1;
      if (!isPunctuation(codePointAt(text, from))) {
        while (i < end && !endsWord(codePointAt(text, i))) {
          i += widthAt(text, i);
          length++;
        }
      }
      this.#segmentWord(source, from, i, length, pieces);
    }
  }

  startsWord(token: string): boolean {
    return !token.startsWith(CONTINUES);
  }

  join(tokens: readonly string[]): string {
    return tokens
      .map((token, i) => {
        if (i > 0) token = token.startsWith(CONTINUES) ? token.slice(CONTINUES.length) : ` ${token}`;
        return this.#definition.cleansUp ? cleanUp(token) : token;
      })
      .join('');
  }

  /** Appends a word's pieces, or the unknown piece instead of all of them. */
  #segmentWord({ text, starts, ends }: AlignedText, from: number, to: number, length: number, pieces: Pieces): void {
    const { unknownId, maxWordLength } = this.#definition;
    const before = pieces.ids.length;
    let trie = this.#first;
    for (let at = from; at < to; trie = this.#further) {
      const [id, stop] = length > maxWordLength ? [-1, at] : longest(trie, text, at, to);
      if (id < 0) {
        for (const values of [pieces.ids, pieces.tokens, pieces.starts, pieces.ends]) values.length = before;
        appendPiece(pieces, unknownId, this.#definition.pieces[unknownId] as string, starts[from]!, ends[to - 1]!);
        return;
      }
      appendPiece(pieces, id, this.#definition.pieces[id] as string, starts[at]!, ends[stop - 1]!);
      at = stop;
    }
  }
}

function trieOf(entries: readonly [string, number][]): Trie {
  return new Trie(
    entries.map(([piece]) => piece),
    entries.map(([, id]) => id),
  );
}

/** The longest piece at a position, and its end; -1 if there is no piece. */
function longest(trie: Trie, text: string, start: number, to: number): [id: number, end: number] {
  let found: [number, number] = [-1, start];
  for (let end = start, node = 0; end < to; ) {
    node = trie.child(node, text.charCodeAt(end++));
    if (node === 0) break;
    const id = trie.value(node);
    if (id >= 0) found = [id, end];
  }
  return found;
}

function widthAt(text: string, at: number): number {
  return codePointAt(text, at) > 0xffff ? 2 : 1;
}

function endsWord(codePoint: number): boolean {
  return isWhiteSpace(codePoint) || isPunctuation(codePoint);
}

/** The library's `cleanup`, of one token with the space before it. */
function cleanUp(token: string): string {
  return token
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
