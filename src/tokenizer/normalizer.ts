/**
 * ALBERT's normalisation of text, then SentencePiece's, each step keeping the way back to the caller's string.
 *
 * Source: `preprocess_text` of ALBERT's tokenization.py (white space, quotes, NFKD without accents, lower case) and
 * SentencePiece's `Normalizer::Normalize` (character map, white space).
 */

import type { Charsmap } from './charsmap.js';
import { codePointAt } from './code-point.js';
import { type AlignedText, AlignedTextBuilder } from './offsets.js';

/** SentencePiece's mark for a space, U+2581. */
export const SPACE_MARK = '\u2581';

/** Which steps a tokenizer file asks for. */
export interface NormalizerSteps {
  /** White space of every kind is a space, as Python's `str.split()` sees it. */
  readonly removeSpace: boolean;
  /** `` and '' are ". */
  readonly quotes: boolean;
  /** NFKD, then no combining marks. */
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
  readonly charsmap: Charsmap | undefined;
}

/** Normalises `text`; `origin` is its place in the caller's string. */
export function normalize(text: string, origin: number, steps: NormalizerSteps): AlignedText {
  let aligned = decompose(text, origin, steps);
  if (steps.lowercase) aligned = toLowerCase(aligned);
  return steps.charsmap === undefined ? aligned : steps.charsmap.apply(aligned);
}

/**
 * Writes every run of spaces in `[from, to)` as one U+2581 before the word that follows, and one before the first
 * word. A mark has no width of its own: it lies where its word starts.
 */
export function markSpaces(source: AlignedText, from: number, to: number): AlignedText {
  const { text, starts, ends } = source;
  const result = new AlignedTextBuilder(to - from + 1);
  // A mark that the caller wrote is an end of text as a space is, where the character map leaves marks alone.
  let last = to;
  while (last > from && (text[last - 1] === ' ' || text[last - 1] === SPACE_MARK)) last--;
  let afterSpace = true;
  let covered = 0;
  for (let i = from; i < last; i++) {
    if (text[i] === ' ') {
      afterSpace = true;
      continue;
    }
    const start = starts[i]!;
    const end = ends[i]!;
    // A space inside one character's expansion (U+FDFA has three) shares that character's range.
    if (afterSpace) result.push(SPACE_MARK, start, start < covered ? end : start);
    afterSpace = false;
    covered = end;
    result.push(text[i] as string, start, end);
  }
  return result.build();
}

/** Quotes, white space, and NFKD without accents: the steps that look at one character at a time. */
function decompose(text: string, origin: number, steps: NormalizerSteps): AlignedText {
  const result = new AlignedTextBuilder(text.length);
  const known = new Map<number, string>();
  for (let i = 0; i < text.length; ) {
    const codePoint = codePointAt(text, i);
    const doubled = steps.quotes && (codePoint === 0x60 || codePoint === 0x27) && text.charCodeAt(i + 1) === codePoint;
    const end = i + (doubled || codePoint > 0xffff ? 2 : 1);
    let units = doubled ? '"' : known.get(codePoint);
    if (units === undefined) {
      units = decomposeCodePoint(codePoint, steps);
      known.set(codePoint, units);
    }
    if (units === '') result.extendLast(origin + end);
    else result.push(units, origin + i, origin + end);
    i = end;
  }
  return result.build();
}

/**
 * NFKD may go character by character here: what it reorders across characters are combining marks, and they are all
 * dropped.
 */
function decomposeCodePoint(codePoint: number, { removeSpace, stripAccents }: NormalizerSteps): string {
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return '\ufffd'; // what UTF-8 makes of a lone surrogate
  const character = String.fromCodePoint(codePoint);
  if (removeSpace && PYTHON_SPACE.test(character)) return ' ';
  if (!stripAccents || codePoint < 0x80) return character;
  return Array.from(character.normalize('NFKD'))
    .filter((part) => !isCombining(part))
    .join('');
}

/** `str.isspace()`: JavaScript's \s has U+FEFF and lacks the separators U+001C to U+001F and U+0085. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point
const PYTHON_SPACE = /[\t-\r\x1c-\x1f\x85\p{Z}]/u;

/**
 * Whether the canonical combining class is not zero: what ALBERT drops (`unicodedata.combining`). The category \p{M}
 * is wider: it holds vowel signs of Indic scripts and U+FE0F, which ALBERT keeps. JavaScript has no property for the
 * class, but normalisation sorts by it: a mark with a class trades places with U+0345 (class 240) before it or with
 * U+0334 (class 1) after it.
 */
function isCombining(character: string): boolean {
  if (!MARK.test(character)) return false;
  const afterHighest = `\u0345${character}`;
  const beforeLowest = `${character}\u0334`;
  return afterHighest.normalize('NFD') !== afterHighest || beforeLowest.normalize('NFD') !== beforeLowest;
}

const MARK = /^\p{M}$/u;

/** Lower case of the whole text at once, because a final sigma depends on its neighbours. */
function toLowerCase(source: AlignedText): AlignedText {
  const lower = source.text.toLowerCase();
  // U+0130 is the only character whose lower case is longer, and none is shorter.
  if (lower.length === source.text.length) return { text: lower, starts: source.starts, ends: source.ends };
  const result = new AlignedTextBuilder(lower.length);
  let at = 0;
  for (let i = 0; i < source.text.length; i++) {
    const width = source.text[i] === '\u0130' ? 2 : 1;
    result.push(lower.slice(at, at + width), source.starts[i]!, source.ends[i]!);
    at += width;
  }
  return result.build();
}
