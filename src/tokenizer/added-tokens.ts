/** Finds the tokens that are written in a text, `[MASK]` above all, before the model sees the rest. */
import type { AddedToken } from './definition.js';
import { WHITE_SPACE } from './normalizer.js';
import { Trie } from './trie.js';

/** A part of a text: a token where one is written, otherwise plain text. Never empty. */
export interface TextPart {
  readonly start: number;
  readonly end: number;
  readonly token?: AddedToken;
}

/** Source: `AddedVocabulary::find_matches` of Hugging Face's tokenizers. */
export class AddedTokenFinder {
  readonly #tokens: readonly AddedToken[];
  readonly #trie: Trie;

  /** `contents[i]` is the spelling that `tokens[i]` is found by. */
  constructor(tokens: readonly AddedToken[], contents: readonly string[]) {
    this.#tokens = tokens;
    this.#trie = new Trie(
      contents,
      contents.map((_, i) => i),
    );
  }

  /**
   * Cuts a text at its tokens: the leftmost first, and of those that start together the longest. White space that a token
   * takes is in no part.
   */
  split(text: string): TextPart[] {
    const parts: TextPart[] = [];
    let plain = 0;
    for (let start = 0; start < text.length; ) {
      const found = this.#longestAt(text, start);
      if (found === undefined) {
        start++;
        continue;
      }
      const { end, token } = found;
      start = end;
      if (token.single_word && (endsInWord(text, found.start) || startsWithWord(text, end))) continue;
      const before = token.lstrip ? spacesBefore(text, found.start, plain) : found.start;
      if (plain < before) parts.push({ start: plain, end: before });
      parts.push(found);
      plain = start = token.rstrip ? spacesAfter(text, end) : end;
    }
    if (plain < text.length) parts.push({ start: plain, end: text.length });
    return parts;
  }

  #longestAt(text: string, start: number): Required<TextPart> | undefined {
    let found: Required<TextPart> | undefined;
    for (let end = start, node = 0; end < text.length; ) {
      node = this.#trie.child(node, text.charCodeAt(end++));
      if (node === 0) break;
      const token = this.#trie.value(node);
      if (token >= 0) found = { start, end, token: this.#tokens[token] as AddedToken };
    }
    return found;
  }
}

const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const WORD_AT_START = new RegExp(`^${WORD}`, 'u');
const WORD_AT_END = new RegExp(`${WORD}$`, 'u');
const SPACE = new RegExp(WHITE_SPACE, 'u');

function endsInWord(text: string, end: number): boolean {
  return WORD_AT_END.test(text.slice(Math.max(0, end - 2), end));
}

function startsWithWord(text: string, start: number): boolean {
  return WORD_AT_START.test(text.slice(start, start + 2));
}

function spacesBefore(text: string, end: number, stop: number): number {
  while (end > stop && SPACE.test(text[end - 1] as string)) end--;
  return end;
}

function spacesAfter(text: string, start: number): number {
  while (start < text.length && SPACE.test(text[start] as string)) start++;
  return start;
}
