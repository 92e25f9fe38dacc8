/** Packed weight matrices: each stays in linear memory until it is freed, in any order. */

import { aligned, type LinearMemory, Region } from '../engine/memory.js';
import { type DisposableIfKnown, disposable } from '../ground/disposable.js';
import type { Dtype } from '../ground/dtypes.js';

/** A weight matrix (k, n), packed for products. */
export interface PackedMatrix extends DisposableIfKnown {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines what the interface adds
export class PackedMatrix {
  static {
    disposable(PackedMatrix.prototype, 'free');
  }

  readonly k: number;
  readonly n: number;
  readonly dtype: Dtype;
  /** Bytes of linear memory that the matrix takes. */
  readonly bytes: number;
  #release: (() => void) | undefined;

  /** Use `pack`. */
  constructor(shape: readonly [k: number, n: number], dtype: Dtype, bytes: number, release: () => void) {
    [this.k, this.n] = shape;
    this.dtype = dtype;
    this.bytes = bytes;
    this.#release = release;
  }

  get freed(): boolean {
    return this.#release === undefined;
  }

  /** Frees the memory of the matrix; a second call does nothing. */
  free(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

/** Allocates blocks that last, at the bottom of a memory; temporary regions lie above them. */
export class Blocks {
  readonly #memory: LinearMemory;
  readonly #base: number;
  /** Sorted by address. */
  #blocks: Region[] = [];

  /** The blocks begin where the memory in use ends. */
  constructor(memory: LinearMemory) {
    this.#memory = memory;
    this.#base = memory.used;
  }

  /** Bytes in blocks. */
  get bytes(): number {
    return this.#blocks.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Allocates a block in the first gap that is large enough, or above all others. @throws ERR_MEMORY */
  take(bytes: number): Region {
    let start = this.#base;
    let index = 0;
    for (; index < this.#blocks.length; index++) {
      const next = this.#blocks[index] as Region;
      if (next.start - start >= aligned(bytes)) break;
      start = next.end;
    }
    const block = new Region(start);
    block.take(bytes);
    if (index === this.#blocks.length) this.#memory.claim(block);
    this.#blocks.splice(index, 0, block);
    return block;
  }

  free(block: Region): void {
    this.#blocks = this.#blocks.filter((other) => other !== block);
    this.#memory.release(this.#blocks.at(-1)?.end ?? this.#base);
  }
}
