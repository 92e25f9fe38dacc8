/** Text that remembers where it came from: every UTF-16 unit knows its range in the caller's string. */
import { mismatch } from '../ground/errors.js';
import { isSurrogate } from './unit-table.js';

/** The longest text after normalisation, in UTF-16 units: U+FDFA alone grows eighteenfold. */
export const MAX_NORMALIZED_LENGTH = 4 << 20;

/** Unit `i` of `text` came from `[starts[i], ends[i])` of the caller's string. Both never decrease, as far as the text goes. */
export interface AlignedText {
  readonly text: string;
  readonly starts: Int32Array; // (at least text.length)
  readonly ends: Int32Array; // (at least text.length)
}

/** Units of a text whose arrays are used again: new ones for every step of a short text took a tenth of its time. */
const KEPT_UNITS = 4096;
const keptUnits: Uint16Array[] = [];
const keptOffsets: Int32Array[] = [];

function takeOffsets(length: number): Int32Array {
  return (length <= KEPT_UNITS ? keptOffsets.pop() : undefined) ?? new Int32Array(Math.max(length, KEPT_UNITS));
}

function takeUnits(length: number): Uint16Array {
  return (length <= KEPT_UNITS ? keptUnits.pop() : undefined) ?? new Uint16Array(Math.max(length, KEPT_UNITS));
}

/** Ends a text: its arrays belong to the next one. What shares them must have ended too. */
export function release({ starts, ends }: AlignedText): void {
  if (starts.length === KEPT_UNITS) keptOffsets.push(starts, ends);
}

/** A part of the caller's string as it is, from `origin` on. A lone surrogate is U+FFFD, as UTF-8 has it. */
export function alignText(text: string, origin: number): AlignedText {
  const starts = takeOffsets(text.length);
  const ends = takeOffsets(text.length);
  let surrogates = false;
  for (let i = 0; i < text.length; i++) {
    starts[i] = origin + i;
    ends[i] = origin + i + 1;
    if (isSurrogate(text.charCodeAt(i))) surrogates = true;
  }
  return { text: surrogates ? text.replace(LONE_SURROGATES, '\ufffd') : text, starts, ends };
}

const LONE_SURROGATES = /\p{Surrogate}/gu;

/** Collects aligned text from left to right, in flat arrays: a string grown unit by unit took a third longer. */
export class AlignedTextBuilder {
  readonly #limit: number;
  /** Units that there is room for. */
  #room: number;
  #length = 0;
  #units: Uint16Array;
  #starts: Int32Array;
  #ends: Int32Array;

  /** `limit` is what the whole text still has room for. */
  constructor(expectedLength: number, limit = MAX_NORMALIZED_LENGTH) {
    const capacity = Math.min(expectedLength, limit);
    this.#limit = limit;
    this.#units = takeUnits(capacity);
    this.#starts = takeOffsets(capacity);
    this.#ends = takeOffsets(capacity);
    this.#room = Math.min(this.#units.length, limit);
  }

  /**
   * Appends units that all came from `[start, end)`.
   *
   * @throws ERR_TOO_LONG past the limit
   */
  push(units: string, start: number, end: number): void {
    const to = this.#length + units.length;
    if (to > this.#room) this.#grow(to);
    for (let i = 0; i < units.length; i++) {
      this.#units[this.#length] = units.charCodeAt(i);
      this.#starts[this.#length] = start;
      this.#ends[this.#length++] = end;
    }
  }

  /** Appends `[from, to)` of an aligned text. @throws ERR_TOO_LONG past the limit */
  copy({ text, starts, ends }: AlignedText, from: number, to: number): void {
    if (from === to) return;
    const at = this.#length;
    this.#length += to - from;
    if (this.#length > this.#room) this.#grow(this.#length);
    const [units, newStarts, newEnds] = [this.#units, this.#starts, this.#ends];
    // A word is short: views of it would cost more than it.
    for (let i = from, into = at; i < to; i++, into++) {
      units[into] = text.charCodeAt(i);
      newStarts[into] = starts[i]!;
      newEnds[into] = ends[i]!;
    }
  }

  /** Lets the last unit also cover what was dropped right after it, up to `end`: an accent stays with its letter. */
  extendLast(end: number): void {
    if (this.#length > 0) this.#ends[this.#length - 1] = end;
  }

  /** The text; nothing can be appended to it any more. */
  build(): AlignedText {
    const length = this.#length;
    const parts: string[] = [];
    for (let from = 0; from < length; from += CHUNK) {
      const units: ArrayLike<number> = this.#units.subarray(from, Math.min(from + CHUNK, length));
      parts.push(String.fromCharCode.apply(undefined, units as number[])); // a spread would iterate: 5 times slower
    }
    this.#giveUnitsBack();
    return { text: parts.length === 1 ? (parts[0] as string) : parts.join(''), starts: this.#starts, ends: this.#ends };
  }

  /** Ends it without a text. */
  discard(): void {
    this.#giveUnitsBack();
    release({ text: '', starts: this.#starts, ends: this.#ends });
  }

  #giveUnitsBack(): void {
    if (this.#units.length === KEPT_UNITS) keptUnits.push(this.#units);
  }

  #grow(needed: number): void {
    if (needed > this.#limit) {
      const expected = `at most ${MAX_NORMALIZED_LENGTH} characters after normalisation`;
      throw mismatch('ERR_TOO_LONG', 'text', expected, `${needed + MAX_NORMALIZED_LENGTH - this.#limit} or more`);
    }
    // Doubling keeps the whole text linear; the cap keeps a hostile text at 40 MiB.
    const capacity = Math.min(Math.max(2 * this.#room, needed), this.#limit);
    const grown = <A extends Uint16Array | Int32Array>(old: A, array: A): A => {
      array.set(old);
      return array;
    };
    this.#units = grown(this.#units, new Uint16Array(capacity));
    this.#starts = grown(this.#starts, new Int32Array(capacity));
    this.#ends = grown(this.#ends, new Int32Array(capacity));
    this.#room = capacity;
  }
}

/** An aligned text with parts of it replaced, from left to right; the text itself where none is. */
export class Replacer {
  readonly #source: AlignedText;
  readonly #limit: number;
  #result: AlignedTextBuilder | undefined;
  #copied = 0;

  /** `limit` is what the whole text still has room for. */
  constructor(source: AlignedText, limit: number) {
    this.#source = source;
    this.#limit = limit;
  }

  /**
   * Puts units in place of `[from, to)`, all of which they came from; without units the last one before covers it.
   *
   * @throws ERR_TOO_LONG past the limit
   */
  replace(from: number, to: number, units: string): void {
    const { text, starts, ends } = this.#source;
    const result = (this.#result ??= new AlignedTextBuilder(text.length, this.#limit));
    result.copy(this.#source, this.#copied, from);
    if (units === '') result.extendLast(ends[to - 1]!);
    else result.push(units, starts[from]!, ends[to - 1]!);
    this.#copied = to;
  }

  /** @throws ERR_TOO_LONG past the limit */
  build(): AlignedText {
    if (this.#result === undefined) return this.#source;
    this.#result.copy(this.#source, this.#copied, this.#source.text.length);
    return this.#result.build();
  }

  /** The source, whatever was replaced. */
  undo(): AlignedText {
    this.#result?.discard();
    return this.#source;
  }
}

/** Units that become a string at once: arguments of one call, far below any engine's limit. */
const CHUNK = 8192;
