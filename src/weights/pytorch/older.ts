/**
 * PyTorch's files before 1.6: pickles of a magic number, a protocol, the machine that wrote the file, the object and the keys of
 * the storages, then of each storage the count of its elements and their bytes.
 */
import { type Bytes, sliceBytes } from '../../ground/bytes.js';
import { mismatch } from '../../ground/errors.js';
import { DTYPE_BYTES } from '../checkpoint.js';
import { MAX_PICKLE_BYTES, type Stored } from './stored.js';
import { EndOfBytes, Unpickler } from './unpickler.js';
import { Dict, kindOf, List, type Storage, type Value } from './values.js';
import type { Stretch } from './zip.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** How much of a file is read at first: the pickles of ALBERT take 5 KB. */
const START_BYTES = 2 ** 16;

/** @throws ERR_CHECKPOINT */
export async function readOlder(file: Bytes, name: string): Promise<Stored> {
  const { root, keys, storages, end } = await readPickles(file, name);
  const stretches = await findStorages(file, name, keys, storages, end);
  return { root, find: async ({ key }) => stretches.get(key) };
}

interface Pickles {
  readonly root: Value;
  /** In the order in which their bytes follow. */
  readonly keys: readonly Value[];
  /** The storages that the object mentions. */
  readonly storages: ReadonlyMap<string, Storage>;
  readonly end: number;
}

/** The pickles' length is known once they are read: if too little of the file was read, twice as much is. */
async function readPickles(file: Bytes, name: string): Promise<Pickles> {
  for (let length = START_BYTES; ; length *= 2) {
    try {
      return parsePickles(await sliceBytes(file, 0, Math.min(length, file.length)), name);
    } catch (error) {
      if (!(error instanceof EndOfBytes)) throw error;
      if (length >= file.length)
        throw mismatch('ERR_CHECKPOINT', 'pickle', 'five complete pickles', `the end at byte ${file.length}`, name);
      if (length >= MAX_PICKLE_BYTES)
        throw mismatch('ERR_CHECKPOINT', 'pickles', `at most ${MAX_PICKLE_BYTES} bytes`, 'more', name);
    }
  }
}

function parsePickles(bytes: Uint8Array, name: string): Pickles {
  const wrong = (title: string, expected: string, got: Value) =>
    mismatch('ERR_CHECKPOINT', title, expected, typeof got === 'number' ? got : kindOf(got), name);
  let position = 0;
  const load = () => {
    const unpickler = new Unpickler(bytes, name, position);
    const value = unpickler.load();
    position = unpickler.position;
    return { value, storages: unpickler.storages };
  };
  const next = () => load().value;
  const magic = next();
  if (magic !== MAGIC) throw wrong('pickle', `PyTorch's number 0x${MAGIC.toString(16)} before its object`, magic);
  const protocol = next();
  if (protocol !== PROTOCOL) throw wrong('protocol', String(PROTOCOL), protocol);
  const machine = next();
  if (!(machine instanceof Dict)) throw wrong('machine', 'a dict', machine);
  if (machine.entries.get('little_endian') !== true)
    throw mismatch('ERR_CHECKPOINT', 'little_endian', 'True', 'anything else', name);
  const { value: root, storages } = load();
  const keys = next();
  if (!(keys instanceof List)) throw wrong('storage keys', 'a list', keys);
  return { root, keys: keys.items, storages, end: position };
}

/** Each storage has as many elements as the object says, and the last ends with the file. */
async function findStorages(
  file: Bytes,
  name: string,
  keys: readonly Value[],
  storages: ReadonlyMap<string, Storage>,
  end: number,
): Promise<ReadonlyMap<string, Stretch>> {
  const stretches = new Map<string, Stretch>();
  let at = end;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    const title = `storage ${typeof key === 'string' ? key : kindOf(key)}`;
    const wrong = (expected: string, got: unknown) => mismatch('ERR_CHECKPOINT', title, expected, got, name);
    if (storage === undefined) throw wrong('to be one of a tensor', 'one that no tensor uses');
    if (stretches.has(storage.key)) throw wrong('to come once', 'twice');
    const begin = at + 8;
    if (begin > file.length) throw wrong('a count of elements', `the end at byte ${file.length}`);
    const head = await sliceBytes(file, at, begin);
    const count = new DataView(head.buffer, head.byteOffset).getBigUint64(0, true);
    if (count !== BigInt(storage.count)) throw wrong(`${storage.count} elements`, count);
    const length = storage.count * DTYPE_BYTES[storage.dtype];
    at = begin + length;
    if (!(at <= file.length)) throw wrong(`${length} bytes`, file.length - begin);
    stretches.set(storage.key, { begin, length });
  }
  if (at !== file.length)
    throw mismatch('ERR_CHECKPOINT', 'file', `${at} bytes, the end of its storages`, file.length, name);
  return stretches;
}
