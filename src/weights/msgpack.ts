/**
 * The MessagePack wire format, one token at a time. Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * Not a general decoder: those build objects, in which two equal keys silently become one and `10` sorts before `2`, and
 * follow any depth (4 MB of nested arrays took one of them 650 MiB). This one builds only what is asked for.
 */
import { mismatch } from '../ground/errors.js';

/** The next token in the file. Of maps and arrays it has the size only: their items are the tokens that follow. */
export type Token =
  | { readonly kind: 'map' | 'array'; readonly size: number }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array }
  | { readonly kind: 'extension'; readonly type: number; readonly bytes: Uint8Array }
  | { readonly kind: 'integer' | 'float'; readonly value: number }
  | { readonly kind: 'nil' | 'true' | 'false' };

/** Reads tokens; never past the end, and refuses a size that the remaining bytes cannot hold. */
export class MsgpackReader {
  #offset = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** @param file for messages */
  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#file = file;
  }

  get bytesLeft(): number {
    return this.#bytes.length - this.#offset;
  }

  /**
   * @param title what is being read, for messages
   * @throws ERR_CHECKPOINT for a token that the remaining bytes cannot hold, a reserved byte or invalid UTF-8
   */
  next(title: string): Token {
    const head = this.#unsigned(title, 1);
    if (head < 0x80) return { kind: 'integer', value: head };
    if (head < 0x90) return this.#items(title, 'map', head & 0x0f);
    if (head < 0xa0) return this.#items(title, 'array', head & 0x0f);
    if (head < 0xc0) return this.#string(title, head & 0x1f);
    if (head >= 0xe0) return { kind: 'integer', value: head - 0x100 };
    switch (head) {
      case 0xc0:
        return { kind: 'nil' };
      case 0xc2:
        return { kind: 'false' };
      case 0xc3:
        return { kind: 'true' };
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return { kind: 'binary', bytes: this.#take(title, this.#unsigned(title, 1 << (head - 0xc4))) };
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(title, this.#unsigned(title, 1 << (head - 0xc7)));
      case 0xca:
        this.#take(title, 4);
        return { kind: 'float', value: this.#view.getFloat32(this.#offset - 4) };
      case 0xcb:
        this.#take(title, 8);
        return { kind: 'float', value: this.#view.getFloat64(this.#offset - 8) };
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return { kind: 'integer', value: this.#unsigned(title, 1 << (head - 0xcc)) };
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3: {
        const bits = 8 << (head - 0xd0);
        const value = this.#unsigned(title, bits / 8);
        return { kind: 'integer', value: value >= 2 ** (bits - 1) ? value - 2 ** bits : value };
      }
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(title, 1 << (head - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(title, this.#unsigned(title, 1 << (head - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#items(title, 'array', this.#unsigned(title, 2 << (head - 0xdc)));
      case 0xde:
      case 0xdf:
        return this.#items(title, 'map', this.#unsigned(title, 2 << (head - 0xde)));
      default:
        throw mismatch('ERR_CHECKPOINT', title, 'a msgpack value', 'the reserved byte 0xc1', this.location());
    }
  }

  /** The reader's position, for messages. */
  location(): string {
    return `${this.#file}, byte ${this.#offset} of ${this.#bytes.length}`;
  }

  #items(title: string, kind: 'map' | 'array', size: number): Token {
    const leastBytes = kind === 'map' ? 2 * size : size;
    if (leastBytes > this.bytesLeft)
      throw mismatch('ERR_CHECKPOINT', title, `${leastBytes} bytes or more`, this.bytesLeft, this.location());
    return { kind, size };
  }

  #string(title: string, size: number): Token {
    const bytes = this.#take(title, size);
    try {
      return { kind: 'string', text: this.#decoder.decode(bytes) };
    } catch (cause) {
      throw mismatch('ERR_CHECKPOINT', title, 'valid UTF-8', bytes, this.location(), { cause });
    }
  }

  #extension(title: string, size: number): Token {
    const type = (this.#unsigned(title, 1) << 24) >> 24; // a signed byte
    return { kind: 'extension', type, bytes: this.#take(title, size) };
  }

  /** A big-endian unsigned integer of 1, 2, 4 or 8 bytes. Past 2^53 it is inexact, and refused as a size anyway. */
  #unsigned(title: string, size: number): number {
    let value = 0;
    for (const byte of this.#take(title, size)) value = value * 256 + byte;
    return value;
  }

  #take(title: string, size: number): Uint8Array {
    if (size > this.bytesLeft)
      throw mismatch('ERR_CHECKPOINT', title, `${size} more bytes`, this.bytesLeft, this.location());
    return this.#bytes.subarray(this.#offset, (this.#offset += size));
  }
}

/** The shortest head of a map. */
export function mapHead(size: number): Uint8Array {
  return size < 16 ? head(0x80 | size) : size < 2 ** 16 ? head(0xde, [size, 2]) : head(0xdf, [size, 4]);
}

/** The shortest head of an array of less than 16 items: all that a tensor's payload has. */
export function arrayHead(size: number): Uint8Array {
  return head(0x90 | size);
}

/** A string with its shortest head. */
export function stringBytes(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const { length } = bytes;
  const start = length < 32 ? head(0xa0 | length) : length < 2 ** 8 ? head(0xd9, [length, 1]) : head(0xda, [length, 2]);
  return Uint8Array.of(...start, ...bytes);
}

/** The shortest form of a count up to 2^53 − 1. */
export function countBytes(value: number): Uint8Array {
  if (value < 128) return head(value);
  const power = value < 2 ** 8 ? 0 : value < 2 ** 16 ? 1 : value < 2 ** 32 ? 2 : 3;
  return head(0xcc + power, [value, 1 << power]);
}

/** The shortest head of binary data of less than 2^32 bytes. */
export function binaryHead(size: number): Uint8Array {
  const power = size < 2 ** 8 ? 0 : size < 2 ** 16 ? 1 : 2;
  return head(0xc4 + power, [size, 1 << power]);
}

/** The shortest head of extension data of less than 2^32 bytes. */
export function extensionHead(type: number, size: number): Uint8Array {
  const fixed = [1, 2, 4, 8, 16].indexOf(size);
  if (fixed >= 0) return Uint8Array.of(0xd4 + fixed, type);
  const power = size < 2 ** 8 ? 0 : size < 2 ** 16 ? 1 : 2;
  return Uint8Array.of(...head(0xc7 + power, [size, 1 << power]), type);
}

export const TRUE = head(0xc3);

/** A type byte, and after it a number of `size` bytes, big-endian. */
function head(type: number, number: readonly [value: number, size: number] = [0, 0]): Uint8Array {
  const [value, size] = number;
  const bytes = new Uint8Array(1 + size);
  bytes[0] = type;
  for (let i = 0; i < size; i++) bytes[size - i] = Math.floor(value / 256 ** i) % 256;
  return bytes;
}
