/** Text that remembers where it came from: every UTF-16 unit knows its range in the caller's string. */
import { mismatch } from '../errors.js';

/** The longest text after normalisation, in UTF-16 units: U+FDFA alone grows eighteenfold. */
const MAX_NORMALIZED_LENGTH = 4 << 20;

/** Unit `i` of `text` came from `[starts[i], ends[i])` of the caller's string. Both arrays never decrease. */
export interface AlignedText {
  readonly text: string;
  readonly starts: Int32Array; // (text.length)
  readonly ends: Int32Array; // (text.length)
}

/** Collects aligned text from left to right, in flat arrays: a string grown unit by unit took a third longer. */
export class AlignedTextBuilder {
  #length = 0;
  #units: Uint16Array;
  #starts: Int32Array;
  #ends: Int32Array;

  constructor(expectedLength: number) {
    this.#units = new Uint16Array(expectedLength);
    this.#starts = new Int32Array(expectedLength);
    this.#ends = new Int32Array(expectedLength);
  }

  /**
   * Appends units that all came from `[start, end)`.
   *
   * @throws ERR_TOO_LONG past 4 Mi units
   */
  push(units: string, start: number, end: number): void {
    const to = this.#length + units.length;
    if (to > this.#units.length) this.#grow(to);
    for (let i = 0; i < units.length; i++) {
      this.#units[this.#length] = units.charCodeAt(i);
      this.#starts[this.#length] = start;
      this.#ends[this.#length++] = end;
    }
  }

  /** Lets the last unit also cover what was dropped right after it, up to `end`: an accent stays with its letter. */
  extendLast(end: number): void {
    if (this.#length > 0) this.#ends[this.#length - 1] = end;
  }

  build(): AlignedText {
    const length = this.#length;
    const parts: string[] = [];
    for (let from = 0; from < length; from += CHUNK) {
      const units: ArrayLike<number> = this.#units.subarray(from, Math.min(from + CHUNK, length));
      parts.push(String.fromCharCode.apply(undefined, units as number[])); // a spread would iterate: 5 times slower
    }
    return { text: parts.join(''), starts: this.#starts.subarray(0, length), ends: this.#ends.subarray(0, length) };
  }

  #grow(needed: number): void {
    if (needed > MAX_NORMALIZED_LENGTH) {
      const expected = `at most ${MAX_NORMALIZED_LENGTH} characters after normalisation`;
      throw mismatch('ERR_TOO_LONG', 'text', expected, `${needed} or more`);
    }
    // Doubling keeps the whole text linear; the cap keeps a hostile text at 40 MiB.
    const capacity = Math.min(Math.max(2 * this.#units.length, needed, 64), MAX_NORMALIZED_LENGTH);
    const grown = <A extends Uint16Array | Int32Array>(old: A, array: A): A => {
      array.set(old);
      return array;
    };
    this.#units = grown(this.#units, new Uint16Array(capacity));
    this.#starts = grown(this.#starts, new Int32Array(capacity));
    this.#ends = grown(this.#ends, new Int32Array(capacity));
  }
}

/** Units that become a string at once: arguments of one call, far below any engine's limit. */
const CHUNK = 8192;
