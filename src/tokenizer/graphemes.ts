/**
 * Extended grapheme clusters: what a reader takes for one character.
 *
 * Source: Unicode Standard Annex 29, table 1c and the rules GB3 to GB13. `Intl.Segmenter` is missing from Firefox before
 * 125. Conjuncts of Indic scripts (GB9c) are left out: the library treats clusters that long character by character.
 */
import { isSurrogate, unitTable } from './unit-table.js';

const PREPENDED =
  '\\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u0d4e\\u{110bd}\\u{110cd}\\u{111c2}\\u{111c3}\\u{1193f}\\u{11941}\\u{11a3a}\\u{11a84}-\\u{11a89}\\u{11d46}\\u{11f02}';
/** Marks that stand beside a letter, but begin a cluster of their own. */
const APART =
  '\\u102b\\u102c\\u1038\\u1062-\\u1064\\u1067-\\u106d\\u1083\\u1087-\\u108c\\u108f\\u109a-\\u109c\\u1a61\\u1a63\\u1a64\\uaa7b\\uaa7d\\u{11720}\\u{11721}';
/** Marks of Unicode 17, which the library does not know. */
const LATER = '\\u1acf-\\u1add\\u1ae0-\\u1aeb';
const EXTENDING = `(?:(?![${LATER}])[\\p{Grapheme_Extend}\\p{Emoji_Modifier}\\u200d\\u0e33\\u0eb3]|(?![${APART}])\\p{Mc})`;
const CONTROL = `[\\p{Cc}\\p{Zl}\\p{Zp}\\p{Cs}]|(?![\\u200c\\u200d${PREPENDED}\\u{e0020}-\\u{e007f}])\\p{Cf}`;
const [L, V, T] = [
  '[\\u1100-\\u115f\\ua960-\\ua97c]',
  '[\\u1160-\\u11a7\\ud7b0-\\ud7c6]',
  '[\\u11a8-\\u11ff\\ud7cb-\\ud7fb]',
];
const HANGUL = `${L}*(?:[\\uac00-\\ud7a3]${V}*|${V}+)${T}*|${L}+|${T}+`;
const EMOJI =
  '\\p{Extended_Pictographic}(?:[\\p{Grapheme_Extend}\\p{Emoji_Modifier}]*\\u200d\\p{Extended_Pictographic})*';
const CORE = `\\p{RI}\\p{RI}|${HANGUL}|${EMOJI}|(?!${CONTROL})[^]`;

/** The characters without which every character of a text but CR LF is a cluster of its own. */
const JOINING = `[\\r\\u1100-\\u11ff\\ua960-\\ua97c\\ud7b0-\\ud7fb\\p{RI}${PREPENDED}]|${EXTENDING}`;

let joining: RegExp | undefined;
let cluster: RegExp | undefined;

/** Whether a text may have clusters of several characters. */
export function hasClusters(text: string): boolean {
  joining ??= new RegExp(JOINING, 'u');
  return joining.test(text);
}

/** Whether a unit may be of a cluster of several characters. */
export const joins = unitTable((unit) => isSurrogate(unit) || hasClusters(String.fromCharCode(unit)));

/**
 * The end of a run of characters of three bytes from a cluster's start on; `safe` where clusters end with it. Of them, only
 * a joiner goes together with a character below U+1100 that does not join itself.
 */
export function longRun(text: string, start: number): { end: number; safe: boolean } {
  let end = start;
  for (; end < text.length; end++) {
    const unit = text.charCodeAt(end);
    if (unit < 0x1100 || isSurrogate(unit)) break;
  }
  const joined = end < text.length && joins(text.charCodeAt(end));
  return { end, safe: end - start > 1 && !joined && text[end - 1] !== '\u200d' };
}

/** The end of the cluster that begins at `start`. */
export function clusterEnd(text: string, start: number): number {
  const end = start + 1;
  if (!joins(text.charCodeAt(start)) && (end >= text.length || !joins(text.charCodeAt(end)))) return end;
  cluster ??= new RegExp(`\\r\\n|[${PREPENDED}]*(?:${CORE})${EXTENDING}*|[${PREPENDED}]+|[^]`, 'uy');
  cluster.lastIndex = start;
  cluster.exec(text);
  return cluster.lastIndex;
}
