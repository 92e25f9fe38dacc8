/** Makes untrusted text safe for a terminal or a log: every character is visible, and none acts on the terminal. */

/** Controls (C0, DEL, C1), format characters such as bidi overrides and joiners, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The same without the joiners U+200C and U+200D, which ordinary text needs: emoji, Persian, the scripts of India. */
const UNPRINTABLE_IN_TEXT = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu;

/** A message or a name. Escapes are JSON's, such as `\u001b`, and are not escaped again by a second call. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** A text or an answer. Within JSON, the escapes stand for the original characters. */
export function printableText(text: string): string {
  return text.replace(UNPRINTABLE_IN_TEXT, escaped);
}

function escaped(character: string): string {
  // By UTF-16 units, not by code points: a character beyond U+FFFF is two escapes in JSON.
  return character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
