/** Text of others on its way to a terminal or a log: everything in it is visible, and nothing in it acts. */

/** Controls (C0, DEL, C1), format characters such as bidi overrides and joiners, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The same without the joiners U+200C and U+200D, which texts are written with: emoji, Persian, the scripts of India. */
const UNPRINTABLE_IN_TEXT = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu;

/** A message or a name. Escapes are JSON's, `\u001b`, and never escaped again: what has been through here stays as it is. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** A text or an answer. In JSON the escapes mean the characters that they stand for. */
export function printableText(text: string): string {
  return text.replace(UNPRINTABLE_IN_TEXT, escaped);
}

function escaped(character: string): string {
  // Not by code points: a character beyond U+FFFF is two escapes in JSON.
  return character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
