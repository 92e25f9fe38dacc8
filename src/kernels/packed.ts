/** Weight matrices that stay packed in linear memory until each is freed, in any order. */
import { type DisposableIfKnown, disposable } from '../disposable.js';
import type { Dtype } from '../dtypes.js';
import { aligned, type LinearMemory, Region } from '../engine/memory.js';

/** A weight matrix (k, n), packed as the products read it. */
export interface PackedMatrix extends DisposableIfKnown {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines what the interface adds
export class PackedMatrix {
  static {
    disposable(PackedMatrix.prototype, 'free');
  }

  readonly k: number;
  readonly n: number;
  readonly dtype: Dtype;
  /** Bytes of linear memory that it takes. */
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

  /** Gives its memory back; a second call does nothing. */
  free(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

/** Places of lasting blocks in a memory whose top end is everyone else's. */
export class Blocks {
  readonly #memory: LinearMemory;
  readonly #base: number;
  /** By address. */
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

  /** A block in the first gap that holds it, else on top of all others. @throws ERR_MEMORY */
  take(bytes: number): Region {
    let start = this.#base;
    let place = 0;
    for (; place < this.#blocks.length; place++) {
      const next = this.#blocks[place] as Region;
      if (next.start - start >= aligned(bytes)) break;
      start = next.end;
    }
    const block = new Region(start);
    block.take(bytes);
    if (place === this.#blocks.length) this.#memory.claim(block);
    this.#blocks.splice(place, 0, block);
    return block;
  }

  free(block: Region): void {
    this.#blocks = this.#blocks.filter((other) => other !== block);
    this.#memory.release(this.#blocks.at(-1)?.end ?? this.#base);
  }
}
