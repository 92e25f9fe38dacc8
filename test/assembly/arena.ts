/** Memory in which a kernel can touch nothing unseen: guards around every buffer, poison wherever nothing was put. */
import * as assert from 'uvu/assert';

export const MEMORY_PAGES = 128;
const MEMORY_WORDS = MEMORY_PAGES * 16_384;
const MEMORY_BYTES = MEMORY_WORDS * 4;
const GUARD_BYTES = 64;

function poison(word: (index: number) => number): Uint32Array {
  return Uint32Array.from({ length: MEMORY_WORDS }, (_, i) => word(i));
}

/** The next multiple of 8. */
export function padded(n: number): number {
  return (n + 7) & ~7;
}

/** Rows of 4-byte words; `stride` is in bytes, as the kernels take it. */
export interface Region {
  readonly address: number;
  readonly rows: number;
  readonly cols: number;
  readonly stride: number;
}

/**
 * What memory holds wherever a test put nothing: guards, padding, outputs and scratch before the call. Each word names
 * its own place, so a word copied from one such place to another shows.
 *
 * A NaN spoils every sum it enters, but slips through a maximum and through any function unchanged. So the other kind
 * are numbers near the largest float, of either sign: the positive ones spoil a maximum, the negative ones come out of
 * an activation as something else. It also moves every buffer off its 16-byte boundary, since pointers are promised to
 * be multiples of 4 only.
 */
export const POISONS = [
  { name: 'NaN', shift: 0, words: poison((i) => 0xffc00000 + i) },
  { name: 'huge', shift: 4, words: poison((i) => (Math.imul(i, 0x9e3779b1) & 0x80000000) + 0x7e000000 + i) },
] as const;
export type Poison = (typeof POISONS)[number];

/**
 * Buffers with guards on both sides. The whole of it is laid out in an image first; after the call all memory must equal
 * the image but for the regions that the kernel was allowed to write: guards, inputs and gaps between rows in one check.
 */
export class Arena {
  readonly #memory: Uint8Array;
  readonly #image = new Uint8Array(MEMORY_WORDS * 4);
  readonly #words = new Uint32Array(this.#image.buffer);
  readonly #start: number;
  #constants: Uint8Array;
  #top = 0;
  #atEnd = MEMORY_BYTES;
  /** Buffers to hand out before the one that lies at the end of memory. */
  #beforeEnd = 0;
  #poison: Poison = POISONS[0];
  #writable: Region[] = [];

  constructor(memory: ArrayBuffer, heapBase: number) {
    this.#memory = new Uint8Array(memory);
    this.#start = Math.ceil(heapBase / 16) * 16;
    this.#constants = this.#memory.slice(0, heapBase);
  }

  /**
   * Begins anew.
   *
   * @param edge which of the next buffers ends where memory ends: to read past that one traps
   */
  reset(poison: Poison, edge: number): void {
    this.#poison = poison;
    this.#atEnd = MEMORY_BYTES;
    this.#beforeEnd = edge;
    this.#top = this.#start;
    this.#writable = [];
  }

  /** The address of `bytes` poisoned bytes between two guards. */
  take(bytes: number): number {
    if (this.#beforeEnd-- === 0) {
      this.#atEnd = MEMORY_BYTES - bytes - GUARD_BYTES;
      this.#fill(this.#atEnd, MEMORY_BYTES);
      return MEMORY_BYTES - bytes;
    }
    const address = Math.ceil((this.#top + GUARD_BYTES) / 16) * 16 + this.#poison.shift;
    this.#extend(address + bytes);
    return address;
  }

  /** A poisoned matrix whose last row ends with its padding, if it has any: a guard follows at once. */
  matrix(rows: number, cols: number, stride = padded(cols) * 4, width = padded(cols)): Region {
    return { address: this.take(rows === 0 ? 0 : (rows - 1) * stride + width * 4), rows, cols, stride };
  }

  /** A matrix of these numbers, its padding poisoned. */
  input(data: Float32Array | Int32Array, rows: number, cols: number, stride?: number, width?: number): Region {
    return this.put(this.matrix(rows, cols, stride, width), data);
  }

  /** A matrix that the kernel may write, padding included. */
  output(rows: number, cols: number, stride?: number): Region {
    return this.allow(this.matrix(rows, cols, stride));
  }

  /** A row of numbers padded to whole panels. */
  vector(data: Float32Array): number {
    return this.input(data, 1, data.length).address;
  }

  /** Scratch memory of exactly this size. */
  scratch(bytes: number): number {
    const address = this.take(bytes);
    this.#writable.push({ address, rows: 1, cols: bytes / 4, stride: bytes });
    return address;
  }

  /** A (k, n) matrix as panels of 8 columns, the last one's free lanes poisoned. */
  panels(b: Float32Array, k: number, n: number): number {
    const address = this.take(padded(n) * k * 4);
    const floats = new Float32Array(this.#image.buffer);
    for (let first = 0; first < n; first += 8) {
      const lanes = Math.min(8, n - first);
      let at = address / 4 + first * k;
      for (let row = 0; row < k; row++, at += 8) {
        for (let lane = 0; lane < lanes; lane++) floats[at + lane] = b[row * n + first + lane]!;
      }
    }
    return address;
  }

  /** Writes the numbers of a dense matrix into a region. */
  put(region: Region, data: Float32Array | Int32Array): Region {
    const { address, rows, cols, stride } = region;
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
    for (let row = 0; row < rows; row++) {
      this.#words.set(words.subarray(row * cols, row * cols + cols), (address + row * stride) / 4);
    }
    return region;
  }

  /** Lets the kernel write a region and the padding of its rows. */
  allow(region: Region): Region {
    this.#writable.push({ ...region, cols: padded(region.cols) });
    return region;
  }

  /** Lets the kernel write a region, its padding excluded. */
  allowExactly(region: Region): Region {
    this.#writable.push(region);
    return region;
  }

  /** The image becomes the memory. */
  commit(): void {
    this.#extend(this.#top + GUARD_BYTES);
    for (const [from, to] of this.#ranges()) this.#memory.set(this.#image.subarray(from, to), from);
  }

  /** Fails if a byte changed that the kernel was not allowed to write. */
  check(label: string): void {
    for (const { address, rows, cols, stride } of this.#writable) {
      for (let row = 0, at = address; row < rows; row++, at += stride) {
        this.#image.set(this.#memory.subarray(at, at + cols * 4), at);
      }
    }
    for (const [from, to] of this.#ranges()) {
      const image = this.#image.subarray(from, to);
      const memory = this.#memory.subarray(from, to);
      if (Buffer.compare(image, memory) === 0) continue;
      const at = image.findIndex((byte, i) => byte !== memory[i]) + from;
      assert.unreachable(`${label}: wrote at ${at}, outside of ${JSON.stringify(this.#writable)}`);
    }
    const { length } = this.#constants;
    assert.is(Buffer.compare(this.#constants, this.#memory.subarray(0, length)), 0, `${label}: constants changed`);
  }

  /** The regions' words, one after the other. */
  read(regions: readonly Region[]): Float32Array {
    const result = new Uint32Array(regions.reduce((sum, { rows, cols }) => sum + rows * cols, 0));
    const words = new Uint32Array(this.#memory.buffer);
    let to = 0;
    for (const { address, rows, cols, stride } of regions) {
      for (let row = 0, at = address / 4; row < rows; row++, at += stride / 4, to += cols) {
        result.set(words.subarray(at, at + cols), to);
      }
    }
    return new Float32Array(result.buffer);
  }

  /** From where to where the image counts. */
  #ranges(): [number, number][] {
    return [
      [this.#start, this.#top],
      [this.#atEnd, MEMORY_BYTES],
    ];
  }

  #extend(top: number): void {
    this.#fill(this.#top, top);
    this.#top = top;
    assert.ok(top <= this.#atEnd, 'the test asks for more memory than the harness has');
  }

  #fill(from: number, to: number): void {
    this.#words.set(this.#poison.words.subarray(from >> 2, to >> 2), from >> 2);
  }
}
