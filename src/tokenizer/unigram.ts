/**
 * Unigram segmentation: the best path through all pieces, by Viterbi, in time linear in the text.
 *
 * Source: `unigram_model.cc`, `Model::EncodeOptimized`, of SentencePiece, which keeps sums in 32-bit floats: in 64 bits, near
 * ties fall the other way (5 of 6,053 lines of English). `Unigram::encode_optimized` of Hugging Face's tokenizers keeps 64.
 */
import { codePointAt } from './code-point.js';
import type { TokenModel } from './definition.js';
import { type MarkSpaces, SPACE_MARK } from './metaspace.js';
import { type AlignedText, release } from './offsets.js';
import { appendPiece, type Pieces } from './pieces.js';
import { Trie } from './trie.js';

/** How much less an unknown character scores than the worst piece (`kUnkPenalty`). */
const UNKNOWN_PENALTY = 10;

/** Units of a word whose arrays are kept for the next one. */
const KEPT_UNITS = 4096;

/** The pieces and rules of one vocabulary. */
export interface UnigramDefinition {
  readonly pieces: readonly string[]; // (vocab)
  readonly scores: Float64Array; // (vocab)
  readonly unknownId: number;
  /** An unknown character scores 10 less than this. */
  readonly worstScore: number;
  /** Whether text may match a piece. */
  readonly isMatchable: (id: number) => boolean;
  readonly markSpaces: MarkSpaces;
  /** Whether sums are rounded to 32 bits. */
  readonly rounds: boolean;
}

export class Unigram implements TokenModel {
  readonly kind = 'unigram';
  readonly #pieces: readonly string[]; // (vocab)
  readonly #trie: Trie;
  readonly #scores: Float64Array; // (vocab)
  readonly #unknownId: number;
  readonly #unknownScore: number;
  readonly #markSpaces: MarkSpaces;
  readonly #rounds: boolean;
  #paths = new Paths(256);

  constructor({ pieces, scores, unknownId, worstScore, isMatchable, markSpaces, rounds }: UnigramDefinition) {
    const matchable = pieces.map((_, id) => id).filter(isMatchable);
    this.#pieces = pieces;
    this.#trie = new Trie(
      matchable.map((id) => pieces[id] as string),
      matchable,
    );
    this.#scores = scores;
    this.#unknownId = unknownId;
    const unknownScore = worstScore - UNKNOWN_PENALTY;
    this.#unknownScore = rounds ? Math.fround(unknownScore) : unknownScore;
    this.#markSpaces = markSpaces;
    this.#rounds = rounds;
  }

  /** Unknown characters in a row are one unknown piece. */
  segment(source: AlignedText, start: number, end: number, pieces: Pieces): void {
    const marked = this.#markSpaces(source, start, end);
    const { text, starts, ends, words } = marked;
    for (let word = 1; word < words.length; word++) {
      const [from, to] = [words[word - 1]!, words[word]!];
      const { ids, nextEnd } = this.#bestPath(text, from, to - from);
      for (let at = from, stop = from; at < to; at = stop) {
        stop = from + nextEnd[at - from]!;
        const id = ids[stop - from]!;
        const token = id === this.#unknownId ? text.slice(at, stop) : (this.#pieces[id] as string);
        appendPiece(pieces, id, token, starts[at]!, ends[stop - 1]!);
      }
    }
    release(marked);
  }

  startsWord(token: string): boolean {
    return token.startsWith(SPACE_MARK);
  }

  /** Marks are spaces; those of the first token belong to no text. */
  join(tokens: readonly string[]): string {
    const [first = '', ...others] = tokens;
    return first.replaceAll(SPACE_MARK, '') + others.join('').replaceAll(SPACE_MARK, ' ');
  }

  /** The best path through `length` units from `from` on, to be read by `nextEnd` until the next call. */
  #bestPath(text: string, from: number, length: number): Paths {
    const paths = this.#pathsFor(length);
    const { best, startOf, ids, nextEnd } = paths;
    const trie = this.#trie;
    const scores = this.#scores;
    const rounds = this.#rounds;
    const unknownId = this.#unknownId;
    const unknownScore = this.#unknownScore;
    for (let i = 0; i <= length; i++) startOf[i] = -1; // words are short: a call of fill costs more
    best[0] = 0;
    for (let start = 0, width = 1; start < length; start += width) {
      width = codePointAt(text, from + start) > 0xffff ? 2 : 1;
      const score = best[start]!;
      let covered = false;
      for (let end = start, node = 0; end < length; ) {
        node = trie.child(node, text.charCodeAt(from + end++));
        if (node === 0) break;
        const id = trie.value(node);
        if (id < 0) continue;
        // The sum is compared before it is rounded to 32 bits, as the C++ code does.
        const sum = scores[id]! + score;
        if (startOf[end] === -1 || sum > best[end]!) {
          best[end] = rounds ? Math.fround(sum) : sum;
          startOf[end] = start;
          ids[end] = id;
        }
        if (end === start + width) covered = true;
      }
      const end = start + width;
      if (covered) continue;
      const sum = rounds ? Math.fround(unknownScore + score) : unknownScore + score;
      if (startOf[end] === -1 || sum > best[end]!) {
        best[end] = sum;
        startOf[end] = start;
        ids[end] = unknownId;
      }
    }
    for (let end = length; end > 0; ) {
      const id = ids[end]!;
      let start = startOf[end]!;
      while (id === unknownId && start > 0 && ids[start] === id) start = startOf[start]!;
      nextEnd[start] = end;
      end = start;
    }
    return paths;
  }

  #pathsFor(length: number): Paths {
    if (length > KEPT_UNITS) return new Paths(length + 1);
    if (this.#paths.best.length <= length) this.#paths = new Paths(KEPT_UNITS + 1);
    return this.#paths;
  }
}

/** By unit of a word, its end included. */
class Paths {
  /** The best sum of scores of pieces that end there. */
  readonly best: Float64Array;
  /** Where the last of these pieces starts; -1 if no piece ends there. */
  readonly startOf: Int32Array;
  /** The id of the last of these pieces. */
  readonly ids: Int32Array;
  /** Where the piece ends that starts there, on the best path. */
  readonly nextEnd: Int32Array;

  constructor(length: number) {
    this.best = new Float64Array(length);
    this.startOf = new Int32Array(length);
    this.ids = new Int32Array(length);
    this.nextEnd = new Int32Array(length);
  }
}
