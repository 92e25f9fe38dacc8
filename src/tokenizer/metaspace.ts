/** SentencePiece's marks: every word of a text begins with one. */
import { WHITE_SPACE } from './normalizer.js';
import { type AlignedText, AlignedTextBuilder } from './offsets.js';
import { unitTable } from './unit-table.js';

/** SentencePiece's mark for a space, U+2581. */
export const SPACE_MARK = '\u2581';
const [SPACE, MARK] = [0x20, 0x2581];

/** A text with marks for spaces, and where its words begin; the last of `words` is its end. */
export interface MarkedText extends AlignedText {
  readonly words: readonly number[]; // (words + 1)
}

/** From `[from, to)` of a normalised text to words, each to be cut into pieces alone. */
export type MarkSpaces = (source: AlignedText, from: number, to: number) => MarkedText;

/**
 * SentencePiece's own rule: every run of spaces is one mark before the word that follows, and one stands before the first
 * word. A mark has no width of its own: it lies where its word starts. All words are cut into pieces together.
 */
export const markRuns: MarkSpaces = (source, from, to) => {
  const { text, starts, ends } = source;
  const result = new AlignedTextBuilder(to - from + 1, Number.POSITIVE_INFINITY);
  // A mark that the caller wrote is an end of text as a space is, where the character map leaves marks alone.
  let last = to;
  while (last > from && (text[last - 1] === ' ' || text[last - 1] === SPACE_MARK)) last--;
  for (let i = from; i < last; ) {
    if (text.charCodeAt(i) === SPACE) {
      i++;
      continue;
    }
    const word = i;
    while (i < last && text.charCodeAt(i) !== SPACE) i++;
    const start = starts[word]!;
    // A space inside one character's expansion (U+FDFA has three) shares that character's range.
    const covers = word > from && start < ends[word - 1]!;
    result.push(SPACE_MARK, start, covers ? ends[word]! : start);
    result.copy(source, word, i);
  }
  const marked = result.build();
  return { ...marked, words: [0, marked.text.length] };
};

/** Hugging Face's Metaspace, by its settings. */
export interface MetaspaceSettings {
  /** Whether white space of every kind goes first (WhitespaceSplit), so that no white space is left at the ends. */
  readonly splitsWhiteSpace: boolean;
  /** Whether a word without a mark gets one: every word, the one at the beginning of the caller's text, or no word. */
  readonly prepends: 'always' | 'first' | 'never';
  /** Whether every mark begins a word of its own. */
  readonly splits: boolean;
}

/** Every space is a mark, also at the end of a text. Source: `Metaspace::pre_tokenize` of Hugging Face's tokenizers. */
export function metaspace({ splitsWhiteSpace, prepends, splits }: MetaspaceSettings): MarkSpaces {
  return (source, from, to) => {
    const { text, starts, ends } = source;
    const result = new AlignedTextBuilder(to - from + 1, Number.POSITIVE_INFINITY);
    const words: number[] = [];
    let length = 0;
    let copied = from;
    const copyTo = (end: number) => {
      if (copied < end) result.copy(source, copied, end);
      length += Math.max(0, end - copied);
    };
    const mark = (start: number, end: number) => {
      result.push(SPACE_MARK, start, end);
      length++;
    };
    let begins = true;
    for (let i = from; i < to; i++) {
      const unit = text.charCodeAt(i);
      if (splitsWhiteSpace && isSpace(unit)) {
        copyTo(i);
        copied = i + 1;
        begins = true;
        continue;
      }
      const isMark = unit === SPACE || unit === MARK;
      if (!begins && !isMark) continue;
      copyTo(i);
      copied = i;
      const start = starts[i]!;
      if (begins) {
        words.push(length);
        const covers = i > from && start < ends[i - 1]!;
        if (!isMark && (prepends === 'always' || (prepends === 'first' && start === 0))) {
          mark(start, covers ? ends[i]! : start);
        }
      } else if (splits) words.push(length);
      begins = false;
      if (unit === SPACE) {
        const next = i + 1 < to ? starts[i + 1]! : ends[i]!;
        // A space inside one character's expansion shares that character's range; others have no width.
        mark(next < ends[i]! ? start : next, next < ends[i]! ? ends[i]! : next);
        copied = i + 1;
      }
    }
    copyTo(to);
    words.push(length);
    return { ...result.build(), words };
  };
}

const whiteSpace = new RegExp(WHITE_SPACE, 'u');
const isWideSpace = unitTable((unit) => whiteSpace.test(String.fromCharCode(unit)));

function isSpace(unit: number): boolean {
  if (unit <= SPACE) return unit === SPACE || (unit >= 9 && unit <= 13);
  return unit >= 0x85 && unit <= 0x3000 && isWideSpace(unit);
}
