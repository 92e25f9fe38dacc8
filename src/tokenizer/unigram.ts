/**
 * SentencePiece's unigram segmentation: the best path through all pieces, by Viterbi, in time linear in the text.
 *
 * Source: `unigram_model.cc`, `Model::EncodeOptimized`. Sums are kept in 32-bit floats as there: in 64 bits, near ties
 * fall the other way (5 of 6,053 lines of English).
 */
import { codePointAt } from './code-point.js';
import type { TokenModel } from './definition.js';
import { markSpaces, SPACE_MARK } from './normalizer.js';
import type { AlignedText } from './offsets.js';
import { appendPiece, type Pieces } from './pieces.js';
import { Trie } from './trie.js';

/** What an unknown character costs below the worst piece (`kUnkPenalty`). */
const UNKNOWN_PENALTY = 10;

/** A segmentation: piece `i` is `ids[i]` and ends before unit `ends[i]`; it starts where the one before ends. */
interface Segmentation {
  readonly ids: Int32Array; // (pieces)
  readonly ends: Int32Array; // (pieces)
}

export class Unigram implements TokenModel {
  readonly kind = 'unigram';
  readonly #pieces: readonly string[]; // (vocab)
  readonly #trie: Trie;
  readonly #scores: Float32Array; // (vocab)
  readonly #unknownId: number;
  readonly #unknownScore: number;

  /** `isMatchable` is whether text may match a piece: not the unknown piece, nor control pieces such as `[CLS]`. */
  constructor(
    pieces: readonly string[],
    scores: Float32Array,
    unknownId: number,
    isMatchable: (id: number) => boolean,
  ) {
    const matchable = pieces.map((_, id) => id).filter(isMatchable);
    this.#trie = new Trie(
      matchable.map((id) => pieces[id] as string),
      matchable,
    );
    this.#pieces = pieces;
    this.#scores = scores;
    this.#unknownId = unknownId;
    const worst = matchable.reduce((low, id) => Math.min(low, scores[id]!), 0);
    this.#unknownScore = Math.fround(worst - UNKNOWN_PENALTY);
  }

  /** Unknown characters in a row are one unknown piece. */
  segment(source: AlignedText, start: number, end: number, pieces: Pieces): void {
    const { text, starts, ends: sourceEnds } = markSpaces(source, start, end);
    const { ids, ends } = this.#bestPath(text);
    for (let i = 0, from = 0; i < ids.length; from = ends[i++]!) {
      const id = ids[i]!;
      const to = ends[i]!;
      const token = id === this.#unknownId ? text.slice(from, to) : (this.#pieces[id] as string);
      appendPiece(pieces, id, token, starts[from]!, sourceEnds[to - 1]!);
    }
  }

  startsWord(token: string): boolean {
    return token.startsWith(SPACE_MARK);
  }

  /** The mark is a space; the one before the first word belongs to no text. */
  join(tokens: readonly string[]): string {
    return tokens.join('').replaceAll(SPACE_MARK, ' ').replace(/^ /, '');
  }

  #bestPath(text: string): Segmentation {
    const { length } = text;
    const best = new Float32Array(length + 1);
    const startOf = new Int32Array(length + 1).fill(-1);
    const idOf = new Int32Array(length + 1);
    for (let start = 0, width = 1; start < length; start += width) {
      width = isSurrogatePair(text, start) ? 2 : 1;
      const score = best[start]!;
      let covered = false;
      for (let end = start, node = 0; end < length; ) {
        node = this.#trie.child(node, text.charCodeAt(end++));
        if (node === 0) break;
        const id = this.#trie.value(node);
        if (id < 0) continue;
        // The sum is compared before it is rounded to 32 bits, as the C++ code does.
        const sum = this.#scores[id]! + score;
        if (startOf[end] === -1 || sum > best[end]!) {
          best[end] = sum;
          startOf[end] = start;
          idOf[end] = id;
        }
        if (end === start + width) covered = true;
      }
      const end = start + width;
      if (!covered && (startOf[end] === -1 || Math.fround(this.#unknownScore + score) > best[end]!)) {
        best[end] = this.#unknownScore + score;
        startOf[end] = start;
        idOf[end] = this.#unknownId;
      }
    }
    return this.#backtrack(length, startOf, idOf);
  }

  /** Walks the best path back from the end, writing from the back of one buffer. */
  #backtrack(length: number, startOf: Int32Array, idOf: Int32Array): Segmentation {
    const ids = new Int32Array(length);
    const ends = new Int32Array(length);
    let at = length;
    for (let end = length; end > 0; end = startOf[end]!) {
      const id = idOf[end]!;
      if (id === this.#unknownId && at < length && ids[at] === id) continue;
      at--;
      ids[at] = id;
      ends[at] = end;
    }
    return { ids: ids.subarray(at), ends: ends.subarray(at) };
  }
}

function isSurrogatePair(text: string, at: number): boolean {
  return codePointAt(text, at) > 0xffff;
}
