/** Linear memory: a stack of regions that grows upwards, with the weights at the bottom and a forward's activations above. */
import { AlbertError, mismatch } from '../ground/errors.js';

const PAGE_BYTES = 65_536;
/** Every allocation begins at the start of a cache line. */
const ALIGNMENT = 64;
/** The pages that 32-bit addresses reach. */
const MAX_PAGES = 65_536;

/** Rows of a matrix are padded to whole panels of this many columns. */
export const PANEL_COLUMNS = 8;

/** The JavaScript kernels take addresses as signed integers. */
const MAX_JAVASCRIPT_BYTES = 2 ** 31 - PAGE_BYTES;

/** Default of `maxMemoryBytes`: 1 GiB. */
const DEFAULT_MAX_BYTES = 2 ** 30;

/** The limit that the caller sets, or the default. @throws ERR_INPUT unless it is a positive number */
export function checkMaxMemoryBytes(maxMemoryBytes = DEFAULT_MAX_BYTES): number {
  if (typeof maxMemoryBytes !== 'number' || !(maxMemoryBytes > 0)) {
    throw mismatch('ERR_INPUT', 'maxMemoryBytes', 'a positive number', maxMemoryBytes);
  }
  return maxMemoryBytes;
}

/** Rounds a size up to the next allocation boundary. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** The next multiple of 8: the floats that a row of `cols` columns occupies. */
export function padded(cols: number): number {
  return Math.ceil(cols / PANEL_COLUMNS) * PANEL_COLUMNS;
}

/** Bytes of a (rows, cols) float32 matrix with its padding. */
export function matrixBytes(rows: number, cols: number): number {
  return rows * padded(cols) * 4;
}

/** A row-major float32 matrix in linear memory. `stride` is the number of bytes from one row to the next. */
export interface Matrix {
  readonly address: number;
  readonly rows: number;
  readonly cols: number;
  readonly stride: number;
}

/** Rows `from` to `to` of a matrix. */
export function rowsOf({ address, cols, stride }: Matrix, from: number, to: number): Matrix {
  return { address: address + from * stride, rows: to - from, cols, stride };
}

/** Columns `from` to `to` of a matrix. Unless `to` is a multiple of 8, the padding of the last panel holds the next columns. */
export function columnsOf({ address, rows, stride }: Matrix, from: number, to: number): Matrix {
  return { address: address + from * 4, rows, cols: to - from, stride };
}

/**
 * A range of memory that is planned before it exists: first every address is assigned, then the whole range is claimed at
 * once. So a forward grows the memory at most once, and a lack of memory is an error before its first kernel runs.
 */
export class Region {
  readonly start: number;
  #end: number;

  constructor(start: number) {
    this.start = aligned(start);
    this.#end = this.start;
  }

  /** The first byte after what was assigned. */
  get end(): number {
    return this.#end;
  }

  /** Assigns `bytes` more and returns their address. */
  take(bytes: number): number {
    const address = this.#end;
    this.#end += aligned(bytes);
    return address;
  }

  /** Assigns a matrix. */
  matrix(rows: number, cols: number): Matrix {
    return { address: this.take(matrixBytes(rows, cols)), rows, cols, stride: padded(cols) * 4 };
  }
}

/** `shared` among threads; `javascript` for kernels in JavaScript, which take an ArrayBuffer; `plain` otherwise. */
export type MemoryKind = 'plain' | 'shared' | 'javascript';

export class LinearMemory {
  readonly wasm: WebAssembly.Memory;
  readonly kind: MemoryKind;
  readonly maxBytes: number;
  #top = 0;

  /** @param maxBytes the largest size of this memory */
  constructor(maxBytes: number, kind: MemoryKind = 'plain') {
    this.kind = kind;
    if (kind === 'javascript') {
      this.maxBytes = Math.min(maxBytes, MAX_JAVASCRIPT_BYTES);
      this.wasm = arrayBufferMemory();
    } else {
      this.maxBytes = maxBytes;
      const maximum = Math.min(MAX_PAGES, Math.max(1, Math.ceil(maxBytes / PAGE_BYTES)));
      this.wasm = new WebAssembly.Memory({ initial: 1, maximum, shared: kind === 'shared' });
    }
  }

  /** Bytes in use. */
  get used(): number {
    return this.#top;
  }

  /** Bytes of the memory, in use or not: WebAssembly memory never shrinks. */
  get bytes(): number {
    return this.wasm.buffer.byteLength;
  }

  /** An empty region above everything in use. */
  region(): Region {
    return new Region(this.#top);
  }

  /** Puts a region in use; the next `claim` provides its memory. */
  reserve(region: Region): void {
    this.#top = region.end;
  }

  /**
   * Puts a region in use; grows the memory at most once. Views taken before must not be used afterwards.
   *
   * @throws ERR_MEMORY with the bytes wanted and allowed; nothing has changed then
   */
  claim(region: Region): void {
    const wanted = region.end;
    if (!(wanted <= this.maxBytes)) throw outOfMemory(wanted, this.maxBytes);
    if (wanted > this.bytes) {
      try {
        this.wasm.grow(Math.ceil((wanted - this.bytes) / PAGE_BYTES));
      } catch (cause) {
        throw outOfMemory(wanted, this.maxBytes, cause);
      }
    }
    this.#top = wanted;
  }

  /**
   * Checks the size of a forward's output. It lies in JavaScript's memory, but the same limit holds.
   *
   * @throws ERR_MEMORY
   */
  checkOutput(bytes: number): void {
    if (!(bytes <= this.maxBytes)) throw outOfMemory(bytes, this.maxBytes);
  }

  /** Frees what was claimed since `used` had this value. */
  release(used: number): void {
    this.#top = used;
  }

  /** A view of `length` floats, valid until the next `claim`. */
  f32(address: number, length: number): Float32Array {
    return new Float32Array(this.wasm.buffer, address, length);
  }

  /** The numbers of a matrix, copied without its padding. */
  read({ address, rows, cols, stride }: Matrix, target = new Float32Array(rows * cols), offset = 0): Float32Array {
    const row = stride / 4;
    const source = this.f32(address, (rows - 1) * row + cols);
    if (row === cols) {
      target.set(source, offset);
    } else {
      for (let i = 0; i < rows; i++) target.set(source.subarray(i * row, i * row + cols), offset + i * cols);
    }
    return target;
  }

  /** Writes the numbers of a matrix and leaves its padding as it is. */
  write({ address, rows, cols, stride }: Matrix, source: Float32Array): void {
    const row = stride / 4;
    const target = this.f32(address, rows * row);
    if (row === cols) {
      target.set(source);
    } else {
      for (let i = 0; i < rows; i++) target.set(source.subarray(i * cols, (i + 1) * cols), i * row);
    }
  }

  /** A view of `length` integers, valid until the next `claim`. */
  i32(address: number, length: number): Int32Array {
    return new Int32Array(this.wasm.buffer, address, length);
  }
}

/** One page. It can grow once kernels are instantiated over it: they replace `grow`. */
function arrayBufferMemory(): WebAssembly.Memory {
  const grow = () => {
    throw new RangeError('no kernels have this memory yet');
  };
  return { buffer: new ArrayBuffer(PAGE_BYTES), grow } as Partial<WebAssembly.Memory> as WebAssembly.Memory;
}

function outOfMemory(wanted: number, allowed: number, cause?: unknown): AlbertError {
  const message = `"memory" expected at most ${allowed} bytes, got a need of ${wanted}; maxMemoryBytes sets the limit`;
  return new AlbertError('ERR_MEMORY', message, { cause });
}
