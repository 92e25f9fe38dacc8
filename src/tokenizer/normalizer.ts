/**
 * The steps of a normalisation: each makes a text of a text, and keeps the way back to the caller's string.
 *
 * Source: the normalizers of Hugging Face's tokenizers.
 */
import { codePointAt } from './code-point.js';
import { type AlignedText, AlignedTextBuilder, Replacer, release } from './offsets.js';
import { MARK_SOURCE, OPAQUE_CLASS } from './unicode-tables.js';
import { isSurrogate, unitTable } from './unit-table.js';

/**
 * One step of a normalisation. Both arrays of its result are the source's or both are new.
 *
 * @param limit the most UTF-16 units of its result
 * @throws ERR_TOO_LONG past the limit
 */
export type Step = (source: AlignedText, limit: number) => AlignedText;

/** Replaces every match of a global pattern. A match has at least one unit; what becomes of it came from all of it. */
export function replaceMatches(pattern: RegExp, replacement: string | ((match: string) => string)): Step {
  return (source, limit) => {
    const result = new Replacer(source, limit);
    pattern.lastIndex = 0;
    for (let match = pattern.exec(source.text); match !== null; match = pattern.exec(source.text)) {
      const [found] = match;
      const units = typeof replacement === 'string' ? replacement : replacement(found);
      result.replace(match.index, match.index + found.length, units);
    }
    return result.build();
  };
}

/** Replace by a string, not by an expression. */
export function replaceText(content: string, replacement: string): Step {
  return replaceMatches(new RegExp(content.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'g'), replacement);
}

/** StripAccents: every mark, vowel signs of Indic scripts among them. */
export function stripAccents(): Step {
  let mark: RegExp | undefined;
  const isMark = (character: string) => {
    mark ??= new RegExp(`^${MARK_SOURCE}`, 'u');
    return mark.test(character);
  };
  const isMarkUnit = unitTable((unit) => isMark(String.fromCharCode(unit)));
  return (source, limit) => {
    const { text } = source;
    if (ASCII.test(text)) return source;
    const result = new Replacer(source, limit);
    for (let i = 0; i < text.length; ) {
      const unit = text.charCodeAt(i);
      const from = i++;
      if (unit < 0x300) continue;
      if (isSurrogate(unit)) {
        i++; // a text has whole characters
        if (!isMark(text.slice(from, i))) continue;
      } else if (!isMarkUnit(unit)) continue;
      result.replace(from, i, '');
    }
    return result.build();
  };
}

/** Lower case character by character: without Greek's final sigma, which depends on its neighbours. */
export const lowercase: Step = (source, limit) =>
  lowercaseInContext({ ...source, text: source.text.replaceAll('\u03a3', '\u03c3') }, limit);

/** Lower case of the whole text, as Python has it. */
export const lowercaseInContext: Step = (source, limit) => {
  const lower = source.text.toLowerCase();
  // U+0130 is the only character whose lower case is longer, and none is shorter.
  if (lower.length === source.text.length) return { text: lower, starts: source.starts, ends: source.ends };
  const result = new AlignedTextBuilder(lower.length, limit);
  let at = 0;
  for (let i = 0; i < source.text.length; i++) {
    const width = source.text[i] === '\u0130' ? 2 : 1;
    result.push(lower.slice(at, at + width), source.starts[i]!, source.ends[i]!);
    at += width;
  }
  return result.build();
};

/**
 * NFC, NFD, NFKC or NFKD, stretch by stretch: a character and those that it may join or be reordered with. All of
 * a stretch came from all of it.
 */
export function unicodeForm(form: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): Step {
  // Halfwidth sound marks become marks; for compositions, vowels and finals of Hangul join what is before them.
  const joining = `\\p{M}\\uff9e\\uff9f${form.endsWith('C') ? '\\u1160-\\u11ff\\ud7b0-\\ud7ff\\uffa0-\\uffdc\\u3131-\\u318e' : ''}`;
  const joined = `(?:(?![${OPAQUE_CLASS}])[${joining}])`;
  // Compiled when a text needs them: plain English never does.
  let joins: RegExp | undefined;
  let stretch: RegExp | undefined;
  let opaque: RegExp | undefined;
  /** A half of a character is to be looked at with its other half. */
  const joinsTable = unitTable((unit) => {
    joins ??= new RegExp(`^${joined}`, 'u');
    return isSurrogate(unit) || joins.test(String.fromCharCode(unit));
  });
  const joinsAt = (text: string, at: number) =>
    at < text.length && text.charCodeAt(at) >= 0x300 && joinsTable(text.charCodeAt(at));
  const isOpaque = unitTable((unit) => {
    opaque ??= new RegExp(`[${OPAQUE_CLASS}]`, 'u');
    return opaque.test(String.fromCharCode(unit));
  });
  /** What single units become. */
  const known = new Map<number, string>();
  const formOf = (unit: number): string => {
    let units = known.get(unit);
    if (units === undefined) {
      units = String.fromCharCode(unit).normalize(form);
      known.set(unit, units);
    }
    return units;
  };
  const stays = unitTable((unit) => !isOpaque(unit) && formOf(unit) === String.fromCharCode(unit));
  const decomposes = form.endsWith('D');
  return (source, limit) => {
    const { text } = source;
    if (ASCII.test(text)) return source;
    const result = new Replacer(source, limit);
    let changes = false;
    let hasOpaque = false;
    let joinsHere = joinsAt(text, 0);
    for (let i = 0; i < text.length; ) {
      const unit = text.charCodeAt(i);
      let end = i + 1;
      let units: string;
      let joinsNext = joinsAt(text, end);
      if (!joinsHere && !joinsNext) {
        if (unit < 0x80 || stays(unit)) {
          i = end;
          continue;
        }
        if (isOpaque(unit)) {
          hasOpaque = true;
          i = end;
          continue;
        }
        units = formOf(unit);
        changes = true;
      } else if (decomposes && !joinsHere && stays(unit) && !joinsAt(text, i + 2) && stays(text.charCodeAt(end))) {
        // A single mark has no other to be reordered with.
        end = i + 2;
        units = text.slice(i, end);
        joinsNext = false;
      } else {
        stretch ??= new RegExp(`(?![${OPAQUE_CLASS}])[^]${joined}*`, 'uy');
        stretch.lastIndex = i;
        if (!stretch.test(text)) {
          hasOpaque = true;
          i += codePointAt(text, i) > 0xffff ? 2 : 1;
          joinsHere = joinsAt(text, i);
          continue;
        }
        end = stretch.lastIndex;
        joinsNext = joinsAt(text, end);
        const found = text.slice(i, end);
        units = found.normalize(form);
        if (units !== found) changes = true;
      }
      result.replace(i, end, units);
      i = end;
      joinsHere = joinsNext;
    }
    // A text that has the form already keeps the offsets of its characters apart.
    return changes || (hasOpaque && text.normalize(form) !== text) ? result.build() : result.undo();
  };
}

const ASCII = /^[\0-\x7f]*$/;

/** Nmt: SentencePiece's control characters go, what it counts as white space is a space. */
export function nmt(): Step[] {
  return [
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the point
    replaceMatches(/[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]+/g, ''),
    replaceMatches(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, ' '),
  ];
}

/** Characters that Unicode calls white space. JavaScript's \s has U+FEFF and lacks U+0085. */
export const WHITE_SPACE = '[\\t-\\r\\x85\\p{Z}]';

/** Strip: white space at the ends goes. */
export function strip(left: boolean, right: boolean): Step[] {
  return [...(left ? [replaceMatches(new RegExp(`^${WHITE_SPACE}+`, 'gu'), '')] : []), ...(right ? [stripRight] : [])];
}

/** From the end, as an expression would look at every run of spaces to its end, and then at each of its spaces. */
const stripRight: Step = ({ text, starts, ends }) => {
  let end = text.length;
  while (end > 0 && spaces.test(text[end - 1] as string)) end--;
  return { text: text.slice(0, end), starts, ends };
};
const spaces = new RegExp(WHITE_SPACE, 'u');

/** Prepend: before a text that has any. */
export function prepend(content: string): Step {
  return (source, limit) => {
    if (source.text === '') return source;
    const result = new AlignedTextBuilder(source.text.length + content.length, limit);
    result.push(content, source.starts[0]!, source.starts[0]!);
    result.copy(source, 0, source.text.length);
    return result.build();
  };
}

/** All steps, one after the other. It ends the source. */
export function normalize(source: AlignedText, steps: readonly Step[], limit: number): AlignedText {
  return steps.reduce((before, step) => {
    const after = step(before, limit);
    if (after.starts !== before.starts) release(before);
    return after;
  }, source);
}
