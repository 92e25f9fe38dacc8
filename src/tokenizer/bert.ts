/**
 * BERT's cleaning of text, and what ends its words.
 *
 * Source: `BertNormalizer` and `BertPreTokenizer` of Hugging Face's tokenizers, whose categories are those of Unicode 8.
 */
import type { TokenizerConfig } from './config.js';
import { type JsonObject, readFlag } from './json.js';
import { lowercase, replaceMatches, type Step, unicodeForm, WHITE_SPACE } from './normalizer.js';
import { decodeRanges, OPAQUE_CLASS } from './unicode-tables.js';

/** The settings of BertNormalizer. */
export interface BertSettings {
  readonly clean_text: boolean;
  readonly handle_chinese_chars: boolean;
  readonly strip_accents: boolean;
  readonly lowercase: boolean;
}

// Marks and punctuation that Unicode 8 did not have, or not as such.
const LATER_ACCENTS =
  '1kt 4a.8 17.n 7x 70.5 2e 4v 1k 5g 1n.1 1x 8p k 1tt 3a.1 ft.u 3.b ln.5 rap 49 1m 5a jmv.3 1u.4 8u.1 26.5 1z.a ' +
  '1e.3 6j 3.1 26 7b 6 33 3 6y 3k.5 e 2 2 f.1 2e.7 3.2 2 o r5.8 2.1 75.1 2 5 41.3 3.1 5 x.9 15.5 3.3 9 a.5 3.2 ' +
  '1b.c 2.1 5j 2.2 2 5m.6 2.5 2 2b.l 3.6 2.1 2.1 3f.5 4 2.1 2.6 2 21.1 4 2 9o.1 c.1 1h.4 6 2 o 44m 7.e 8uh.2 9 ' +
  '4.2 2sg 45 isc.19 3.m 3ay.6 2.g 3.6 2.1 2.4 2t 4h.6 ag 1q.3 e5.3 73.1 6s 3 8.1 6 gf.6';
const LATER_PUNCTUATION =
  '17h rk 3d e9 d 2x6.1 1a.2 3pg.c 3.b 1829 8v z 3p.4 19.3 uj.1 2.1 37.4 b.1 2 eb.c 25 aq 7d.2 4c 2l.7 2c.2 2.4 ' +
  '2m.9 60 2o.4 17.1 hy.1 23.c 4w 35e.1 c57.2 88.3 94 nbx nz.1';

const ACCENTS = `(?:[\\u1734\\u{1171e}]|(?![${decodeRanges(LATER_ACCENTS)}${OPAQUE_CLASS}])\\p{Mn})+`;
const PUNCTUATION = new RegExp(`[!-/:-@[-\`{-~\\u166d\\u{111c9}]|(?![${decodeRanges(LATER_PUNCTUATION)}])\\p{P}`, 'u');
const SPACE = new RegExp(WHITE_SPACE, 'u');

/** Control, format and private characters, NUL and the replacement character; not tab, LF and CR, which are white space. */
const REMOVED = /(?:(?![\t\n\r\u0890\u0891\u08e2\u{110cd}\u{13430}-\u{1343f}])[\p{Cc}\p{Cf}\p{Co}\ufffd])+/gu;
const SPACES = /[\t\n\r]|(?! )\p{Z}/gu;
/** U+2B820 to U+2B91F, which BERT's own code has, are missing from the library. */
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

/**
 * The settings of a BertNormalizer in `tokenizer.json`. What the caller says comes first, then what `tokenizer_config.json`
 * says to a BertTokenizer, as in transformers.
 */
export function readBertSettings(step: JsonObject, config: TokenizerConfig, file: string): BertSettings {
  const flag = (key: string) => readFlag(step, key, `BertNormalizer.${key}`, file);
  const { given } = config;
  const beside = config.isBert ? config : undefined;
  const lowercase = given.do_lower_case ?? beside?.do_lower_case ?? flag('lowercase') ?? true;
  const keepsAccents = given.keep_accents;
  return {
    clean_text: flag('clean_text') ?? true,
    handle_chinese_chars: beside?.tokenize_chinese_chars ?? flag('handle_chinese_chars') ?? true,
    strip_accents:
      keepsAccents === undefined ? (beside?.strip_accents ?? flag('strip_accents') ?? lowercase) : !keepsAccents,
    lowercase,
  };
}

export function bertSteps(settings: BertSettings): Step[] {
  return [
    ...(settings.clean_text ? [replaceMatches(REMOVED, ''), replaceMatches(SPACES, ' ')] : []),
    ...(settings.handle_chinese_chars ? [replaceMatches(CHINESE, (character) => ` ${character} `)] : []),
    ...(settings.strip_accents ? [unicodeForm('NFD'), replaceMatches(new RegExp(ACCENTS, 'gu'), '')] : []),
    ...(settings.lowercase ? [lowercase] : []),
  ];
}

export function isWhiteSpace(codePoint: number): boolean {
  return (kindOf(codePoint) & WHITE) !== 0;
}

/** Whether a character is a word of its own. */
export function isPunctuation(codePoint: number): boolean {
  return (kindOf(codePoint) & SIGN) !== 0;
}

/** What a code point is: 0 while that is not known, otherwise KNOWN and perhaps WHITE or SIGN. */
const kinds = new Uint8Array(0x110000);
const [KNOWN, WHITE, SIGN] = [1, 2, 4];

function kindOf(codePoint: number): number {
  let kind = kinds[codePoint] as number;
  if (kind === 0) {
    const character = String.fromCodePoint(codePoint);
    kind = KNOWN | (SPACE.test(character) ? WHITE : 0) | (PUNCTUATION.test(character) ? SIGN : 0);
    kinds[codePoint] = kind;
  }
  return kind;
}
