/**
 * The directory of a zip archive whose entries are stored as they are, which is all that PyTorch writes.
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { type Bytes, sliceBytes } from '../../ground/bytes.js';
import { AlbertError, mismatch } from '../../ground/errors.js';

interface Entry {
  readonly name: string;
  /** Where its record begins in the file. */
  readonly at: number;
  /** Bytes of its content. */
  readonly length: number;
}

/** Bytes of the file from `begin` on. */
export interface Stretch {
  readonly begin: number;
  readonly length: number;
}

const END = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
/** Instead of a number that is in a record of 64 bits. */
const IN_64_BITS = 0xffff_ffff;
const ENCRYPTED = 0x2041;

/** Tensors, those of an optimizer, and a few more. */
const MAX_ENTRIES = 2 ** 14;
const MAX_DIRECTORY_BYTES = 2 ** 22;

export class ZipArchive {
  readonly #file: Bytes;
  readonly #name: string;
  /** By name; each with the byte where the next one begins. */
  readonly #entries: ReadonlyMap<string, Entry & { readonly limit: number }>;

  private constructor(file: Bytes, name: string, entries: ReadonlyMap<string, Entry & { readonly limit: number }>) {
    this.#file = file;
    this.#name = name;
    this.#entries = entries;
  }

  /**
   * Reads the directory.
   *
   * @param name of the file, for messages
   * @throws ERR_CHECKPOINT for any departure from the format, a compressed or encrypted entry, two of one name, two that overlap
   */
  static async open(file: Bytes, name: string): Promise<ZipArchive> {
    const directory = await findDirectory(file, name);
    const bytes = await sliceBytes(file, directory.begin, directory.begin + directory.length);
    const inOrder = readDirectory(bytes, directory.count, name).sort((a, b) => a.at - b.at);
    const entries = new Map<string, Entry & { readonly limit: number }>();
    for (const [i, entry] of inOrder.entries()) {
      if (entries.has(entry.name)) throw mismatch('ERR_CHECKPOINT', 'zip archive', 'every name once', entry.name, name);
      const limit = inOrder[i + 1]?.at ?? directory.begin;
      checkEnd(entry.name, entry.at + LOCAL_BYTES + entry.length, limit, name);
      entries.set(entry.name, { ...entry, limit });
    }
    return new ZipArchive(file, name, entries);
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Where the content of an entry lies; `undefined` if there is no entry of this name. @throws ERR_CHECKPOINT */
  async find(entryName: string): Promise<Stretch | undefined> {
    const entry = this.#entries.get(entryName);
    if (entry === undefined) return undefined;
    const head = viewOf(await sliceBytes(this.#file, entry.at, entry.at + LOCAL_BYTES));
    if (head.getUint32(0, true) !== LOCAL)
      throw mismatch('ERR_CHECKPOINT', entryName, `a record at byte ${entry.at}`, 'none', this.#name);
    const begin = entry.at + LOCAL_BYTES + head.getUint16(26, true) + head.getUint16(28, true);
    checkEnd(entryName, begin + entry.length, entry.limit, this.#name);
    return { begin, length: entry.length };
  }
}

/** @throws ERR_CHECKPOINT for an entry that runs into the next, or out of the file */
function checkEnd(entryName: string, end: number, limit: number, file: string): void {
  if (!(end <= limit)) throw mismatch('ERR_CHECKPOINT', entryName, `to end by byte ${limit}`, `byte ${end}`, file);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The directory is at the end of the file, before one or three records that say where it begins. */
async function findDirectory(file: Bytes, name: string): Promise<Stretch & { readonly count: number }> {
  const wrong = (expected: string, got: unknown) => mismatch('ERR_CHECKPOINT', 'zip archive', expected, got, name);
  const tailAt = Math.max(0, file.length - END_BYTES - MAX_COMMENT_BYTES - LOCATOR64_BYTES - END64_BYTES);
  const tail = viewOf(await sliceBytes(file, tailAt));
  let end = tail.byteLength - END_BYTES;
  const endsHere = () =>
    tail.getUint32(end, true) === END && tail.getUint16(end + 20, true) === tail.byteLength - END_BYTES - end;
  while (end >= 0 && !endsHere()) end--;
  if (end < 0) throw wrong('a directory at its end, as whole files have', 'none');

  const one = [tail.getUint16(end + 10, true), tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  let [count, length, begin] = one as [number, number, number];
  let directoryEnd = tailAt + end;
  const locator = end - LOCATOR64_BYTES;
  if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR64) {
    const at = Number(tail.getBigUint64(locator + 8, true));
    if (at + END64_BYTES > tailAt + locator) throw wrong(`a record of 64 bits before byte ${tailAt + locator}`, at);
    const record = viewOf(await sliceBytes(file, at, at + END64_BYTES));
    if (record.getUint32(0, true) !== END64) throw wrong(`a record of 64 bits at byte ${at}`, 'none');
    const wide = [32, 40, 48].map((offset) => Number(record.getBigUint64(offset, true)));
    const agrees = wide.every((value, i) => value === one[i] || one[i] === (i === 0 ? 0xffff : IN_64_BITS));
    if (!agrees) throw wrong('records of 32 and 64 bits that agree', `${one.join(', ')} and ${wide.join(', ')}`);
    [count, length, begin] = wide as [number, number, number];
    directoryEnd = at;
  }
  if (count > MAX_ENTRIES) throw wrong(`at most ${MAX_ENTRIES} entries`, count);
  if (length > MAX_DIRECTORY_BYTES) throw wrong(`a directory of at most ${MAX_DIRECTORY_BYTES} bytes`, length);
  if (begin + length !== directoryEnd)
    throw wrong(`a directory that ends at byte ${directoryEnd}`, `byte ${begin + length}`);
  return { begin, length, count };
}

function readDirectory(bytes: Uint8Array, count: number, file: string): Entry[] {
  const view = viewOf(bytes);
  const entries: Entry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const wrong = (expected: string, got: unknown) =>
      mismatch('ERR_CHECKPOINT', 'zip archive', expected, got, `${file}, entry ${i}`);
    if (bytes.length - at < CENTRAL_BYTES || view.getUint32(at, true) !== CENTRAL) throw wrong('an entry', 'none');
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true)) as [
      number,
      number,
      number,
    ];
    const nameAt = at + CENTRAL_BYTES;
    const next = nameAt + nameBytes + extraBytes + commentBytes;
    if (next > bytes.length) throw wrong('a whole entry', `${bytes.length - at} bytes`);
    const name = decodeName(bytes.subarray(nameAt, nameAt + nameBytes), file);
    const method = view.getUint16(at + 10, true);
    if (method !== 0) throw wrong(`${name} to be stored`, `compression method ${method}`);
    if ((view.getUint16(at + 8, true) & ENCRYPTED) !== 0) throw wrong(`${name} to be readable`, 'encryption');
    const extra = viewOf(bytes.subarray(nameAt + nameBytes, nameAt + nameBytes + extraBytes));
    const numbers = [24, 20, 42].map((offset) => view.getUint32(at + offset, true));
    const [length, stored, offset] = in64Bits(numbers, extra);
    if (length === undefined || stored === undefined || offset === undefined)
      throw wrong(`the numbers of ${name} in 64 bits`, 'fewer');
    if (length !== stored) throw wrong(`${length} bytes of ${name}, since it is not compressed`, stored);
    entries.push({ name, at: offset, length });
    at = next;
  }
  if (at !== bytes.length)
    throw mismatch('ERR_CHECKPOINT', 'zip archive', `${at} bytes of entries`, bytes.length, file);
  return entries;
}

/** Sizes and offset of an entry; those that are too large for 32 bits are in an extra field. */
function in64Bits(numbers: readonly number[], extra: DataView): (number | undefined)[] {
  let [at, end] = [0, 0];
  for (let field = 0; field + 4 <= extra.byteLength; ) {
    const length = extra.getUint16(field + 2, true);
    if (extra.getUint16(field, true) === 1) [at, end] = [field + 4, Math.min(field + 4 + length, extra.byteLength)];
    field += 4 + length;
  }
  return numbers.map((number) => {
    if (number !== IN_64_BITS) return number;
    if (end - at < 8) return undefined;
    at += 8;
    return Number(extra.getBigUint64(at - 8, true));
  });
}

function decodeName(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new AlbertError('ERR_CHECKPOINT', `"zip archive" expected names of valid UTF-8 at ${file}`, { cause });
  }
}
