/** Finds the tokens that are written in a text, `[MASK]` above all, before the model sees the rest. */
import type { AddedToken } from './definition.js';
import { Trie } from './trie.js';

/** A part of a text: a token where one is written, otherwise plain text. Never empty. */
export interface TextPart {
  readonly start: number;
  readonly end: number;
  readonly token?: AddedToken;
}

export class AddedTokenFinder {
  readonly #tokens: readonly AddedToken[];
  readonly #trie: Trie;

  /** `contents[i]` is what to look for in place of `tokens[i]`. */
  constructor(tokens: readonly AddedToken[], contents: readonly string[]) {
    this.#tokens = tokens;
    this.#trie = new Trie(
      contents,
      contents.map((_, i) => i),
    );
  }

  /** Cuts a text at its tokens: the leftmost first, and of those that start together the longest. */
  split(text: string): TextPart[] {
    const parts: TextPart[] = [];
    let plain = 0;
    for (let start = 0; start < text.length; ) {
      const found = this.#longestAt(text, start);
      if (found === undefined) {
        start++;
        continue;
      }
      if (plain < start) parts.push({ start: plain, end: start });
      parts.push(found);
      plain = start = found.end;
    }
    if (plain < text.length) parts.push({ start: plain, end: text.length });
    return parts;
  }

  #longestAt(text: string, start: number): TextPart | undefined {
    let found: TextPart | undefined;
    for (let end = start, node = 0; end < text.length; ) {
      node = this.#trie.child(node, text.charCodeAt(end++));
      if (node === 0) break;
      const token = this.#trie.value(node);
      if (token >= 0) found = { start, end, token: this.#tokens[token] as AddedToken };
    }
    return found;
  }
}
