/**
 * SentencePiece's precompiled character map: a double-array trie from UTF-8 sequences to their replacements.
 *
 * The layout is `normalizer.cc`'s: the trie's size in bytes (uint32, little-endian), the trie's 32-bit units, then
 * NUL-terminated UTF-8 replacements. The units are darts-clone's: label, has-leaf bit, offset; a leaf holds a value.
 */

import { mismatch } from '../ground/errors.js';
import { codePointAt } from './code-point.js';
import { base, checkDepth, hasLeaf, label } from './double-array.js';
import { clusterEnd, hasClusters, longRun } from './graphemes.js';
import type { Step } from './normalizer.js';
import { AlignedTextBuilder, Replacer } from './offsets.js';
import { unitTable } from './unit-table.js';

/** The longest replacement in bytes. The longest of the standard maps is U+FDFA's, 33 bytes. */
const MAX_REPLACEMENT_BYTES = 512;

/** Hugging Face's library replaces a grapheme cluster of fewer bytes as a whole. */
const WHOLE_CLUSTER_BYTES = 6;

/** Code points that are remembered; those of a text are few. */
const MAX_KNOWN = 1 << 14;

/** No character before U+0300 joins another, but LF does CR. */
const MAY_HAVE_CLUSTERS = /\r|[\u0300-\uffff]/;

/** A charsmap, checked once so that no lookup can leave the trie or go on without end. */
export class Charsmap {
  readonly #units: Uint32Array;
  readonly #replacementBytes: Uint8Array;
  readonly #replacements = new Map<number, string>();
  /** What single code points become; null for those that stay. */
  readonly #ofCodePoint = new Map<number, string | null>();
  readonly #stays = unitTable((unit) => this.#single(unit) === null);

  /** @throws ERR_TOKENIZER when the trie or its replacements reach outside the bytes, or the trie has a cycle */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const trieBytes = bytes.length < 4 ? 0 : view.getUint32(0, true);
    if (trieBytes < 4 || trieBytes % 4 !== 0 || trieBytes > bytes.length - 4) {
      throw bad(`a trie of 4 to ${Math.max(4, bytes.length - 4)} bytes, in whole units`, `${trieBytes} bytes`);
    }
    this.#units = new Uint32Array(trieBytes / 4);
    for (let i = 0; i < this.#units.length; i++) this.#units[i] = view.getUint32(4 + 4 * i, true);
    this.#replacementBytes = bytes.slice(4 + trieBytes);
    this.#check();
    checkDepth(this.#units);
  }

  /** Replaces the longest mapped sequence at every position, as `Normalizer::NormalizePrefix` of SentencePiece does. */
  readonly longest: Step = (source, limit) => {
    const { text, starts, ends } = source;
    const result = new AlignedTextBuilder(text.length, limit);
    let copied = 0;
    for (let i = 0; i < text.length; ) {
      const match = this.#prefix(text, i, text.length, true);
      if (match === undefined) {
        i += codePointAt(text, i) > 0xffff ? 2 : 1;
        continue;
      }
      result.copy(source, copied, i);
      result.push(this.#replacement(match.value), starts[i]!, ends[match.end - 1]!);
      i = copied = match.end;
    }
    result.copy(source, copied, text.length);
    return result.build();
  };

  /**
   * Replaces grapheme clusters of less than 6 bytes as a whole by what the shortest mapped sequence at their beginning
   * becomes, and the characters of others one by one, as `Precompiled` of Hugging Face's tokenizers does.
   */
  readonly byCluster: Step = (source, limit) => {
    const { text } = source;
    const clusters = MAY_HAVE_CLUSTERS.test(text) && hasClusters(text);
    const result = new Replacer(source, limit);
    let looked = 0;
    for (let i = 0, end = 0; i < text.length; i = end) {
      const width = codePointAt(text, i) > 0xffff ? 2 : 1;
      end = i + width;
      if (clusters && !(text.charCodeAt(i) < 0x300 && text.charCodeAt(end) < 0x300 && text[i] !== '\r')) {
        const run = i >= looked ? longRun(text, i) : undefined;
        looked = run?.end ?? looked;
        // Clusters in it are single characters or too long to be replaced as a whole.
        end = run?.safe ? run.end : clusterEnd(text, i);
      }
      if (end > i + width && byteLength(text, i, end) < WHOLE_CLUSTER_BYTES) {
        const match = this.#prefix(text, i, end, false);
        if (match !== undefined) {
          result.replace(i, end, this.#replacement(match.value));
          continue;
        }
      }
      for (let at = i; at < end; ) {
        const codePoint = codePointAt(text, at);
        const next = at + (codePoint > 0xffff ? 2 : 1);
        if (codePoint > 0xffff || !this.#stays(codePoint)) {
          const units = this.#single(codePoint);
          if (units !== null) result.replace(at, next, units);
        }
        at = next;
      }
    }
    return result.build();
  };

  #single(codePoint: number): string | null {
    let units = this.#ofCodePoint.get(codePoint);
    if (units === undefined) {
      const character = String.fromCodePoint(codePoint);
      const match = this.#prefix(character, 0, character.length, false);
      units = match === undefined ? null : this.#replacement(match.value);
      if (this.#ofCodePoint.size < MAX_KNOWN) this.#ofCodePoint.set(codePoint, units);
    }
    return units;
  }

  /** The longest mapped sequence in `[start, stop)` that begins it, or the shortest. */
  #prefix(text: string, start: number, stop: number, longest: boolean): { end: number; value: number } | undefined {
    const units = this.#units;
    let node = base(units[0]!);
    let end = 0;
    let value = 0;
    walk: for (let i = start; i < stop; ) {
      const codePoint = codePointAt(text, i);
      i += codePoint > 0xffff ? 2 : 1;
      let unit = 0;
      for (let shift = utf8Length(codePoint) - 1; shift >= 0; shift--) {
        const byte = utf8Byte(codePoint, shift);
        node ^= byte;
        unit = units[node]!;
        if (byte === 0 || label(unit) !== byte) break walk;
        node ^= base(unit);
      }
      if (hasLeaf(unit)) {
        end = i;
        value = units[node]! & 0x7fffffff;
        if (!longest) break;
      }
    }
    return end === 0 ? undefined : { end, value };
  }

  #replacement(value: number): string {
    let replacement = this.#replacements.get(value);
    if (replacement === undefined) {
      const end = this.#replacementBytes.indexOf(0, value);
      replacement = utf8.decode(this.#replacementBytes.subarray(value, end));
      this.#replacements.set(value, replacement);
    }
    return replacement;
  }

  /** Every unit may be reached from hostile text, so every unit must lead to an index within the trie. */
  #check(): void {
    const { length } = this.#units;
    for (let i = 0; i < length; i++) {
      const unit = this.#units[i]!;
      if (unit >>> 31) {
        const value = unit & 0x7fffffff;
        if (value >= this.#replacementBytes.length) {
          throw bad(`replacement offsets < ${this.#replacementBytes.length}`, value, `unit ${i}`);
        }
      } else if (((i ^ base(unit)) | 0xff) >= length) {
        throw bad(`trie offsets that stay within ${length} units`, i ^ base(unit), `unit ${i}`);
      }
    }
    for (let start = 0; start < this.#replacementBytes.length; ) {
      const end = this.#replacementBytes.indexOf(0, start);
      if (end < 0) throw bad('replacements that end in NUL', 'an unfinished one', `byte ${start}`);
      if (end - start > MAX_REPLACEMENT_BYTES) {
        throw bad(`replacements of at most ${MAX_REPLACEMENT_BYTES} bytes`, end - start, `byte ${start}`);
      }
      start = end + 1;
    }
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

/** The byte of a code point that has `shift` more bytes after it. */
function utf8Byte(codePoint: number, shift: number): number {
  const length = utf8Length(codePoint);
  if (length === 1) return codePoint;
  const bits = codePoint >>> (6 * shift);
  return shift === length - 1 ? ((0xf00 >>> length) & 0xff) | bits : 0x80 | (bits & 0x3f);
}

function byteLength(text: string, start: number, end: number): number {
  let bytes = 0;
  for (let i = start; i < end; ) {
    const codePoint = codePointAt(text, i);
    bytes += utf8Length(codePoint);
    i += codePoint > 0xffff ? 2 : 1;
  }
  return bytes;
}

function bad(expected: string, got: unknown, where?: string) {
  return mismatch('ERR_TOKENIZER', 'precompiled_charsmap', expected, got, where);
}
