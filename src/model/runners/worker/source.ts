/** A source's files for a worker: read on the thread that has the caller's options, and sent piece by piece. */

import { type Bytes, closeBytes, type FileBytes } from '../../../ground/bytes.js';
import type { Answer, Calls, Handlers } from '../../../ground/calls.js';
import type { OpenedSource } from '../../../ground/source.js';
import type { Checkpoint, StoredTensor, TensorBytes, TensorFile } from '../../../weights/checkpoint.js';
import type { RareReaders } from '../../../weights/formats.js';

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

/** The worker's view of a source, which it reads by calls. */
export function remoteSource(name: string, calls: Calls): OpenedSource {
  return {
    name,
    readFile: (file, signal) => calls.call('readFile', file, { signal }),
    async openFile(file, signal) {
      const opened = await calls.call<OpenFile | undefined>('openFile', file, { signal });
      return opened && new RemoteFile(opened, calls);
    },
  };
}

class RemoteFile implements FileBytes {
  readonly id: number;
  readonly length: number;
  readonly #calls: Calls;

  constructor({ file, length }: OpenFile, calls: Calls) {
    this.id = file;
    this.length = length;
    this.#calls = calls;
  }

  async read(target: Uint8Array, offset: number): Promise<void> {
    const piece: Piece = { file: this.id, begin: offset, end: offset + target.length };
    target.set(await this.#calls.call<Uint8Array>('readPiece', piece));
  }

  close(): Promise<void> {
    return this.#calls.call('closeFile', this.id);
  }
}

/** A checkpoint in a message: each tensor's bytes are those of a file that is open on the other side. */
type SentCheckpoint = Omit<Checkpoint, 'tensors'> & {
  readonly tensors: readonly (Omit<StoredTensor, 'bytes' | 'columns'> & {
    readonly bytes: SentStretch;
    readonly columns?: SentStretch;
  })[];
};

type SentStretch = OpenFile & { readonly begin: number };

/** Which reader is to read which file. */
interface Reading {
  readonly reader: 'readFlax' | 'readPytorch';
  readonly file: number;
  readonly name: string;
}

/** Readers that run on the other side, so that the code of a format is loaded there, and once. */
export function remoteReaders(calls: Calls): RareReaders {
  const read = (reader: Reading['reader']) => async (file: Bytes, name: string) => {
    const reading: Reading = { reader, file: (file as RemoteFile).id, name };
    const { tensors, ...rest } = await calls.call<SentCheckpoint>('readCheckpoint', reading);
    const at = (sent: SentStretch) => ({ ...sent, file: new RemoteFile(sent, calls) });
    const located = tensors.map(({ bytes, columns, ...tensor }) => {
      const located: StoredTensor = { ...tensor, bytes: at(bytes), ...(columns && { columns: at(columns) }) };
      return [tensor.name, located] as const;
    });
    return { ...rest, tensors: new Map(located) };
  };
  return {
    readFlax: read('readFlax'),
    readPytorch: read('readPytorch'),
    noWeights: (_source, names) => calls.call('noWeights', names),
  };
}

/** The files that a source has open for a worker. */
export class ServedSource {
  readonly #source: OpenedSource;
  readonly #readers: RareReaders;
  readonly #signal: AbortSignal | undefined;
  readonly #open = new Map<number, Bytes>();
  /** What the tensors of a checkpoint that was read on this side are read from. */
  readonly #read = new Map<number, Uint8Array | TensorFile>();
  readonly #ids = new Map<Uint8Array | TensorFile, number>();
  #last = 0;
  /** What went wrong last, as it was thrown: a worker sends back a likeness. */
  fault: unknown;

  constructor(source: OpenedSource, readers: RareReaders, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#readers = readers;
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
    noWeights: (names: readonly string[]) =>
      this.#guard(async () => {
        throw await this.#readers.noWeights(this.#source, names);
      }),
    readCheckpoint: ({ reader, file, name }: Reading) =>
      this.#guard(async () => {
        const { tensors, ...rest } = await this.#readers[reader](this.#opened(file), name);
        const sent = [...tensors.values()].map(({ bytes, columns, ...tensor }) => ({
          ...tensor,
          bytes: this.#sent(bytes),
          ...(columns && { columns: this.#sent(columns) }),
        }));
        return { value: { ...rest, tensors: sent } satisfies SentCheckpoint };
      }),
    readPiece: ({ file, begin, end }: Piece) =>
      this.#guard(async () => {
        const own = new Uint8Array(end - begin);
        const from = this.#read.get(file) ?? this.#opened(file);
        // Bytes in memory belong to the source: they are copied, not transferred.
        if (from instanceof Uint8Array) own.set(from.subarray(begin, end));
        else await from.read(own, begin);
        return { value: own, transfer: [own.buffer] };
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

  #sent(bytes: TensorBytes): SentStretch {
    const from = bytes instanceof Uint8Array ? bytes : bytes.file;
    const id = this.#ids.get(from) ?? ++this.#last;
    this.#ids.set(from, id);
    this.#read.set(id, from);
    return { file: id, begin: bytes instanceof Uint8Array ? 0 : bytes.begin, length: bytes.length };
  }

  #opened(file: number): Bytes {
    const bytes = this.#open.get(file);
    if (bytes === undefined) throw new TypeError(`file ${file} is not open`);
    return bytes;
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
