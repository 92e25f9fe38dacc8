/** The code point at an index of a string, read unit by unit. */

/**
 * What `text.codePointAt(at)` is specified to be, for `at` inside the text. In V8 13.6, once optimised, the built-in
 * method read past the end of a text whose last unit is a high surrogate, and joined it with whatever followed in memory.
 */
export function codePointAt(text: string, at: number): number {
  const high = text.charCodeAt(at);
  if (high < 0xd800 || high > 0xdbff || at + 1 >= text.length) return high;
  const low = text.charCodeAt(at + 1);
  return low < 0xdc00 || low > 0xdfff ? high : ((high - 0xd800) << 10) + low - 0xdc00 + 0x10000;
}
