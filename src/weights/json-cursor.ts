/**
 * Reads JSON member by member, for headers that come from strangers. `JSON.parse` would silently keep the last of two equal
 * keys, and build every object before a limit is checked; this cursor builds only what is asked for.
 */
import { type AlbertError, mismatch } from '../ground/errors.js';
import { MAX_NAME_BYTES, MAX_TENSORS } from './checkpoint.js';

/** Every tensor and the metadata. */
const MAX_MEMBERS = MAX_TENSORS + 1;

/** Nesting that {@link JsonCursor.skip} follows; no header of either kind goes past 3. */
const MAX_SKIPPED_DEPTH = 16;

export class JsonCursor {
  #position = 0;
  readonly #text: string;
  readonly #file: string;

  /** @param file for messages */
  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  /**
   * Reads an object. `each` must read the value of the key it gets, and nothing more.
   *
   * @throws ERR_CHECKPOINT for a key that came before, one longer than a tensor's name may be, or one too many
   */
  object(title: string, each: (key: string) => void): void {
    this.#expect(title, '{', 'an object');
    const seen = new Set<string>();
    if (this.#take('}')) return;
    do {
      const key = this.string(title);
      if (key.length > MAX_NAME_BYTES || new TextEncoder().encode(key).length > MAX_NAME_BYTES)
        throw mismatch('ERR_CHECKPOINT', title, `names of at most ${MAX_NAME_BYTES} bytes`, key, this.#file);
      if (seen.has(key)) throw mismatch('ERR_CHECKPOINT', title, 'every key once', key, `${this.#location()}, again`);
      if (seen.size === MAX_MEMBERS)
        throw mismatch('ERR_CHECKPOINT', title, `at most ${MAX_MEMBERS} members`, key, this.#location());
      seen.add(key);
      this.#expect(title, ':', 'a colon');
      each(key);
    } while (this.#take(','));
    this.#expect(title, '}', 'a comma or a closing brace');
  }

  /** Reads an array. `each` must read one value. */
  array(title: string, each: () => void): void {
    this.#expect(title, '[', 'an array');
    if (this.#take(']')) return;
    do each();
    while (this.#take(','));
    this.#expect(title, ']', 'a comma or a closing bracket');
  }

  /** Reads a string. Lone surrogates are refused: they have no UTF-8 and so no name. */
  string(title: string): string {
    this.#space();
    const start = this.#position;
    if (this.#text[start] !== '"') throw this.#fault(title, 'a string');
    let plain = true;
    let end = start + 1;
    for (let code: number; (code = this.#text.charCodeAt(end)) !== 0x22; end++) {
      // charCodeAt is NaN past the end, which no comparison below would stop at.
      if (end >= this.#text.length || code < 0x20) throw this.#fault(title, 'a string that ends');
      if (code === 0x5c) {
        plain = false;
        end++;
      }
    }
    this.#position = end + 1;
    if (plain) return this.#text.slice(start + 1, end);
    let value: string | undefined;
    try {
      value = JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      // An escape that JSON does not have; reported below with its position.
    }
    if (value === undefined || /\p{Surrogate}/u.test(value)) {
      this.#position = start;
      throw this.#fault(title, 'a string of valid escapes');
    }
    return value;
  }

  /** Reads a count: decimal digits, at most 2^53 − 1. */
  count(title: string): number {
    this.#space();
    const digits = this.#sticky(/(?:0|[1-9][0-9]{0,15})(?![0-9.eE])/y);
    const value = Number(digits);
    if (digits === undefined || !Number.isSafeInteger(value)) throw this.#fault(title, 'an integer from 0 to 2^53 - 1');
    this.#position += digits.length;
    return value;
  }

  /** Skips any value. */
  skip(title: string, depth = 0): void {
    this.#space();
    const next = this.#text[this.#position];
    if ((next === '{' || next === '[') && depth === MAX_SKIPPED_DEPTH)
      throw this.#fault(title, `at most ${MAX_SKIPPED_DEPTH} nested values`);
    if (next === '{') this.object(title, () => this.skip(title, depth + 1));
    else if (next === '[') this.array(title, () => this.skip(title, depth + 1));
    else if (next === '"') this.string(title);
    else {
      const word = this.#sticky(/true|false|null|-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?/y);
      if (word === undefined) throw this.#fault(title, 'a value');
      this.#position += word.length;
    }
  }

  /** Requires that nothing but white space follows. */
  end(title: string): void {
    this.#space();
    if (this.#position < this.#text.length) throw this.#fault(title, 'nothing after the object');
  }

  #expect(title: string, character: string, expected: string): void {
    if (!this.#take(character)) throw this.#fault(title, expected);
  }

  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #space(): void {
    while (true) {
      const code = this.#text.charCodeAt(this.#position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#position++;
    }
  }

  #sticky(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    return pattern.exec(this.#text)?.[0];
  }

  #location(): string {
    return `${this.#file}, JSON character ${this.#position}`;
  }

  #fault(title: string, expected: string): AlbertError {
    const rest = this.#text.slice(this.#position, this.#position + 24);
    const got = rest === '' ? 'the end' : rest;
    return mismatch('ERR_CHECKPOINT', title, expected, got, this.#location());
  }
}
