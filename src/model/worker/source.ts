/** A source's files for a worker: read on the thread that has the caller's options, handed over piece by piece. */

import { type Bytes, closeBytes, sliceBytes } from '../../bytes.js';
import type { Answer, Calls, Handlers } from '../../calls.js';
import type { OpenedSource } from '../../source.js';

/** A file that is open on the other side. */
interface OpenFile {
  readonly file: number;
  readonly length: number;
}

interface Piece {
  readonly file: number;
  readonly begin: number;
  readonly end: number;
}

/** The worker's view of a source that lies behind calls. */
export function remoteSource(name: string, calls: Calls): OpenedSource {
  return {
    name,
    readFile: (file, signal) => calls.call('readFile', file, { signal }),
    async openFile(file, signal) {
      const opened = await calls.call<OpenFile | undefined>('openFile', file, { signal });
      if (opened === undefined) return undefined;
      return {
        length: opened.length,
        async read(target, offset) {
          const piece: Piece = { file: opened.file, begin: offset, end: offset + target.length };
          target.set(await calls.call<Uint8Array>('readPiece', piece));
        },
        close: () => calls.call('closeFile', opened.file),
      };
    },
  };
}

/** The files that a source has open for a worker. */
export class ServedSource {
  readonly #source: OpenedSource;
  readonly #signal: AbortSignal | undefined;
  readonly #open = new Map<number, Bytes>();
  #last = 0;
  /** What went wrong last, as it was thrown: a worker sends back a likeness. */
  fault: unknown;

  constructor(source: OpenedSource, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#signal = signal;
  }

  readonly handlers: Handlers = {
    readFile: (file: string) =>
      this.#guard(async () => {
        const bytes = await this.#source.readFile(file, this.#signal);
        return { value: bytes };
      }),
    openFile: (file: string) =>
      this.#guard(async () => {
        const bytes = await this.#source.openFile(file, this.#signal);
        if (bytes === undefined) return {};
        this.#open.set(++this.#last, bytes);
        return { value: { file: this.#last, length: bytes.length } satisfies OpenFile };
      }),
    readPiece: ({ file, begin, end }: Piece) =>
      this.#guard(async () => {
        const bytes = this.#open.get(file);
        if (bytes === undefined) throw new TypeError(`file ${file} is not open`);
        const piece = await sliceBytes(bytes, begin, end);
        // What is in memory is not ours to give away.
        const own = bytes instanceof Uint8Array ? piece.slice() : piece;
        return { value: own, transfer: [own.buffer as ArrayBuffer] };
      }),
    closeFile: (file: number) =>
      this.#guard(async () => {
        const bytes = this.#open.get(file);
        this.#open.delete(file);
        await closeBytes(bytes);
        return {};
      }),
  };

  /** Closes what a worker that is gone has left open. */
  async close(): Promise<void> {
    const files = [...this.#open.values()];
    this.#open.clear();
    for (const bytes of files) await closeBytes(bytes);
  }

  async #guard(handle: () => Promise<Answer>): Promise<Answer> {
    try {
      return await handle();
    } catch (error) {
      this.fault = error;
      throw error;
    }
  }
}
