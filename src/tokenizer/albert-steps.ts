/**
 * The normalisation of `spiece.model`: ALBERT's, which the file does not hold, then SentencePiece's character map.
 *
 * Source: `preprocess_text` of ALBERT's tokenization.py (white space, quotes, NFKD without accents, lower case) and
 * SentencePiece's `Normalizer::Normalize`.
 */
import type { Charsmap } from './charsmap.js';
import { codePointAt } from './code-point.js';
import { lowercaseInContext, replaceMatches, replaceText, type Step } from './normalizer.js';
import { Replacer } from './offsets.js';
import { isSurrogate, unitTable } from './unit-table.js';

export interface AlbertSettings {
  /** White space of every kind is a space, as Python's `str.split()` sees it. */
  readonly remove_space: boolean;
  readonly keep_accents: boolean;
  readonly do_lower_case: boolean;
}

export function albertSteps(settings: AlbertSettings, charsmap: Charsmap | undefined): Step[] {
  return [
    ...(settings.remove_space ? [replaceMatches(PYTHON_SPACE, ' ')] : []),
    replaceText('``', '"'),
    replaceText("''", '"'),
    ...(settings.keep_accents ? [] : [dropAccents()]),
    ...(settings.do_lower_case ? [lowercaseInContext] : []),
    ...(charsmap === undefined ? [] : [charsmap.longest]),
  ];
}

/** `str.isspace()`: JavaScript's \s has U+FEFF and lacks the separators U+001C to U+001F and U+0085. A space stays. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point
const PYTHON_SPACE = /[\t-\r\x1c-\x1f\x85]|(?! )\p{Z}/gu;

/**
 * NFKD without combining characters. It may go character by character: what it reorders across characters are combining
 * marks, and they are all dropped.
 */
function dropAccents(): Step {
  const known = new Map<number, string>();
  const bare = (codePoint: number): string => {
    let units = known.get(codePoint);
    if (units === undefined) {
      units = Array.from(String.fromCodePoint(codePoint).normalize('NFKD'))
        .filter((part) => !isCombining(part))
        .join('');
      if (known.size < MAX_KNOWN) known.set(codePoint, units);
    }
    return units;
  };
  const stays = unitTable((unit) => !isSurrogate(unit) && bare(unit) === String.fromCharCode(unit));
  return (source, limit) => {
    const { text } = source;
    const result = new Replacer(source, limit);
    for (let i = 0; i < text.length; ) {
      const codePoint = codePointAt(text, i);
      const from = i;
      i += codePoint > 0xffff ? 2 : 1;
      if (codePoint < 0x80 || (codePoint <= 0xffff && stays(codePoint))) continue;
      result.replace(from, i, bare(codePoint));
    }
    return result.build();
  };
}

/** Characters that are remembered; those of a text are few. */
const MAX_KNOWN = 1 << 14;

/**
 * Whether the canonical combining class is not zero: what ALBERT drops (`unicodedata.combining`). The category \p{M}
 * is wider: it holds vowel signs of Indic scripts and U+FE0F, which ALBERT keeps. JavaScript has no property for the
 * class, but normalisation sorts by it: a mark with a class changes its order with U+0345 (class 240) before it or
 * with U+0334 (class 1) after it.
 */
function isCombining(character: string): boolean {
  if (!MARK.test(character)) return false;
  const afterHighest = `\u0345${character}`;
  const beforeLowest = `${character}\u0334`;
  return afterHighest.normalize('NFD') !== afterHighest || beforeLowest.normalize('NFD') !== beforeLowest;
}

const MARK = /^\p{M}$/u;
