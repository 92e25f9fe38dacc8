/** A tensor whose elements are not contiguous: transposed, every second column, or repeated. */
import type { TensorFile } from '../checkpoint.js';

/** The most bytes read of a file at once. */
const BLOCK_BYTES = 2 ** 20;

/**
 * The fewest bytes gathered at once, if the tensor has as many. A model asks for a few rows at a time, and the rows of a
 * transposed matrix are spread over all of its bytes: a quarter of a large matrix is gathered at once, so it is read four times.
 */
const MIN_GATHERED_BYTES = 2 ** 20;
const PARTS = 4;

export interface Strided {
  readonly file: TensorFile;
  /** Byte of the first element. */
  readonly begin: number;
  /** Bytes per element. */
  readonly size: number;
  readonly shape: readonly number[];
  /** Elements from one index to the next, per dimension; never negative. */
  readonly strides: readonly number[];
}

/** One direction of a matrix: how many elements, and the bytes from one to the next, in the file and where they are gathered. */
interface Axis {
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

const NOTHING = { first: 0, bytes: new Uint8Array(0) };

/** The elements of a tensor as if they lay row-major in a file of their own. */
export class StridedFile implements TensorFile {
  readonly #tensor: Strided;
  /** All dimensions but the last two, or the last one. */
  readonly #outer: readonly (readonly [count: number, stride: number])[];
  readonly #rows: readonly [count: number, stride: number];
  readonly #columns: readonly [count: number, stride: number];
  readonly #rowBytes: number;
  readonly #bytes: number;
  /** The buffer for reads of the file. */
  #block = new Uint8Array(0);
  /** Settles when the newest read has: reads share the window and the block. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The rows gathered last, from `first` on. */
  #window: { readonly first: number; readonly bytes: Uint8Array<ArrayBuffer> } = NOTHING;

  constructor(tensor: Strided) {
    this.#tensor = tensor;
    const dims = tensor.shape.map((count, i) => [count, (tensor.strides[i] as number) * tensor.size] as const);
    // A vector is a matrix of one column, so that it is read in parts like any other.
    this.#columns = (dims.length > 1 ? dims.pop() : undefined) ?? [1, tensor.size];
    this.#rows = dims.pop() ?? [1, tensor.size];
    this.#outer = dims;
    this.#rowBytes = this.#columns[0] * tensor.size;
    this.#bytes = dims.reduce((product, [count]) => product * count, this.#rows[0] * this.#rowBytes);
  }

  /** @throws ERR_SOURCE when the file cannot be read */
  read(target: Uint8Array, offset: number): Promise<void> {
    const turn = this.#turn.then(() => this.#read(target, offset));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #read(target: Uint8Array, offset: number): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const at = offset + filled;
      let { first, bytes } = this.#window;
      if (at < first * this.#rowBytes || at >= first * this.#rowBytes + bytes.length) {
        first = Math.floor(at / this.#rowBytes);
        bytes = await this.#gather(first);
        this.#window = { first, bytes };
      }
      const part = bytes.subarray(at - first * this.#rowBytes).subarray(0, target.length - filled);
      target.set(part, filled);
      filled += part.length;
    }
    // No read continues from the end: not every tensor of a checkpoint may keep a window.
    if (offset + target.length === this.#bytes) [this.#window, this.#block] = [NOTHING, NOTHING.bytes];
  }

  /** Rows from one on, as many as are gathered at once; a row's index counts through the outer dimensions. */
  async #gather(first: number): Promise<Uint8Array<ArrayBuffer>> {
    const { begin, size } = this.#tensor;
    const most = Math.max(1, Math.floor(Math.max(MIN_GATHERED_BYTES, this.#bytes / PARTS) / this.#rowBytes));
    const row = first % this.#rows[0];
    const count = Math.min(most, this.#rows[0] - row);
    let at = begin + row * this.#rows[1];
    let slab = Math.floor(first / this.#rows[0]);
    for (const [length, stride] of [...this.#outer].reverse()) {
      at += (slab % length) * stride;
      slab = Math.floor(slab / length);
    }
    const old = this.#window.bytes;
    // What was gathered before is overwritten: the next rows want as much room, the last ones less.
    this.#window = NOTHING;
    const bytes = count * this.#rowBytes;
    const gathered = bytes <= old.buffer.byteLength ? new Uint8Array(old.buffer, 0, bytes) : new Uint8Array(bytes);
    const rows: Axis = { count, from: this.#rows[1], to: this.#rowBytes };
    const columns: Axis = { count: this.#columns[0], from: this.#columns[1], to: size };
    // In the order of the file.
    if (rows.from < columns.from) await this.#copy(gathered, at, columns, rows);
    else await this.#copy(gathered, at, rows, columns);
    return gathered;
  }

  /** Copies a matrix, the axis of longer steps outside, through blocks of the file. */
  async #copy(gathered: Uint8Array<ArrayBuffer>, at: number, outer: Axis, inner: Axis): Promise<void> {
    const { file, size } = this.#tensor;
    const inners = Math.min(inner.count, stepsWithin(BLOCK_BYTES - size, inner.from));
    const innerBytes = (inners - 1) * inner.from + size;
    const outers = inners < inner.count ? 1 : Math.min(outer.count, stepsWithin(BLOCK_BYTES - innerBytes, outer.from));
    const blockBytes = (outers - 1) * outer.from + innerBytes;
    if (this.#block.length < blockBytes) this.#block = new Uint8Array(blockBytes);
    const block = this.#block;
    // Elements of 8 bytes are copied as two of 4: as numbers, a signalling NaN could come out quiet.
    const unit = Math.min(size, 4);
    const [Units, perElement] = [unit === 4 ? Uint32Array : unit === 2 ? Uint16Array : Uint8Array, size / unit];
    const source = new Units(block.buffer, 0, Math.floor(block.length / unit));
    const target = new Units(gathered.buffer, 0, gathered.length / unit);
    const [fromStep, toStep] = [inner.from / unit, inner.to / unit];
    for (let o = 0; o < outer.count; o += outers) {
      for (let i = 0; i < inner.count; i += inners) {
        const [os, is] = [Math.min(outers, outer.count - o), Math.min(inners, inner.count - i)];
        const bytes = (os - 1) * outer.from + (is - 1) * inner.from + size;
        await file.read(block.subarray(0, bytes), at + o * outer.from + i * inner.from);
        for (let y = 0; y < os; y++) {
          let from = (y * outer.from) / unit;
          let to = ((o + y) * outer.to + i * inner.to) / unit;
          for (let x = 0; x < is; x++, from += fromStep, to += toStep) {
            for (let u = 0; u < perElement; u++) target[to + u] = source[from + u] as number;
          }
        }
      }
    }
  }
}

/** How many elements begin at most `bytes` after the first one, which counts too. */
function stepsWithin(bytes: number, stride: number): number {
  return stride === 0 ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor(bytes / stride)) + 1;
}
