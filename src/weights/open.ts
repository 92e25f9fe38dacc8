/** Finds a model's weights in a source and reads them: which file by name, which format by its bytes. */
import { type Bytes, closeBytes, sliceBytes } from '../bytes.js';
import { AlbertError, mismatch, throwIfAborted } from '../errors.js';
import type { OpenedSource } from '../source.js';
import { type Checkpoint, MAX_NAME_BYTES, MAX_TENSORS, type StoredTensor } from './checkpoint.js';
import { decodeFlaxMsgpack } from './flax-msgpack.js';
import { JsonCursor } from './json-cursor.js';
import { decodeSafetensors, MAX_HEADER_BYTES, openSafetensors } from './safetensors.js';

const SAFETENSORS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const FLAX = 'flax_model.msgpack';

export interface OpenCheckpointOptions {
  readonly signal?: AbortSignal;
  /** Called after each file that was opened, with its size in bytes. */
  onFile?(file: string, bytes: number): void;
}

/** A checkpoint whose files stay open until it is closed. */
export type OpenedCheckpoint = Checkpoint & { close(): Promise<void> };

/**
 * Opens the checkpoint of a source: `model.safetensors`, else the shards that `model.safetensors.index.json` lists,
 * else `flax_model.msgpack`. Of safetensors files on disk only the headers are read; their tensors follow when asked for.
 *
 * @throws ERR_SOURCE when there is none, or a shard is missing
 * @throws ERR_CHECKPOINT when a file is not what it should be
 * @throws ERR_ABORTED
 */
export async function openCheckpoint(
  source: OpenedSource,
  options: OpenCheckpointOptions = {},
): Promise<OpenedCheckpoint> {
  const files: Bytes[] = [];
  const close = async () => {
    for (const file of files) await closeBytes(file);
  };
  const open = async (name: string): Promise<Bytes | undefined> => {
    throwIfAborted(options.signal);
    const file = await source.openFile(name, options.signal);
    if (file !== undefined) files.push(file);
    throwIfAborted(options.signal);
    if (file !== undefined) options.onFile?.(name, file.length);
    return file;
  };
  try {
    return { ...(await readFirst(open, source.name)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Open = (file: string) => Promise<Bytes | undefined>;

/** The first of the names under which weights come. */
async function readFirst(open: Open, sourceName: string): Promise<Checkpoint> {
  const single = await open(SAFETENSORS);
  if (single !== undefined) return readCheckpoint(single, SAFETENSORS);
  const index = await open(INDEX);
  if (index !== undefined) return readShards(index, open, sourceName);
  const flax = await open(FLAX);
  if (flax !== undefined) return readCheckpoint(flax, FLAX);
  throw mismatch('ERR_SOURCE', 'weights', `${SAFETENSORS}, ${INDEX} or ${FLAX}`, 'none of them', sourceName);
}

/** What is read of a file to tell what it is. */
const START_BYTES = 64;

/** What arrives in place of weights when a download goes wrong, or another framework's file under our name. */
const STRANGERS: readonly (readonly [start: RegExp, what: string])[] = [
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer: the weights themselves were not fetched'],
  [/^\s*<(!|html|\?xml|head|body)/i, 'a web page'],
  [/^\s*\{/, 'JSON text'],
  [/^PK/, 'a zip archive, as PyTorch saves it'],
  [/^\x89HDF/, 'an HDF5 file, as TensorFlow saves it'],
];

/** Reads a file of either format, by what its first bytes say. */
async function readCheckpoint(file: Bytes, name: string): Promise<Checkpoint> {
  const start = await sliceBytes(file, 0, START_BYTES);
  if (!beginsAsSafetensors(start)) {
    refuseStrangers(start, name);
    const first = start[0] as number;
    if ((first >= 0x80 && first < 0x90) || first === 0xde || first === 0xdf) {
      return decodeFlaxMsgpack(await sliceBytes(file), name);
    }
  }
  return readSafetensors(file, name);
}

function readSafetensors(file: Bytes, name: string): Checkpoint | Promise<Checkpoint> {
  return file instanceof Uint8Array ? decodeSafetensors(file, name) : openSafetensors(file, name);
}

/**
 * A header's length in bytes 0 to 7, then its brace. No length reaches 2^32, so that bytes 4 to 7 are zero; a msgpack
 * map may begin with the same byte as a length, but none of text, msgpack and archives has four NULs before a brace.
 */
function beginsAsSafetensors(bytes: Uint8Array): boolean {
  return bytes[8] === 0x7b && bytes.subarray(4, 8).every((byte) => byte === 0);
}

/** @throws ERR_CHECKPOINT for what is neither format, with a name for it where it has one */
function refuseStrangers(bytes: Uint8Array, file: string): void {
  const start = String.fromCharCode(...bytes);
  const stranger = STRANGERS.find(([pattern]) => pattern.test(start));
  const got = bytes.length === 0 ? 'an empty file' : stranger?.[1];
  if (got) throw mismatch('ERR_CHECKPOINT', 'weights', 'safetensors or Flax msgpack', got, file);
}

/** Reads each shard once and gathers the tensors in the order of the index. */
async function readShards(index: Bytes, open: Open, sourceName: string): Promise<Checkpoint> {
  if (index.length > MAX_HEADER_BYTES)
    throw mismatch('ERR_CHECKPOINT', 'index', `at most ${MAX_HEADER_BYTES} bytes`, index.length, INDEX);
  const weightMap = readIndex(await sliceBytes(index));
  const shards = new Map<string, Checkpoint>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, file] of weightMap) {
    let shard = shards.get(file);
    if (shard === undefined) {
      const bytes = await open(file);
      if (bytes === undefined)
        throw mismatch('ERR_SOURCE', file, `to exist, as ${INDEX} lists it`, 'no file', sourceName);
      const start = await sliceBytes(bytes, 0, START_BYTES);
      if (!beginsAsSafetensors(start)) refuseStrangers(start, file);
      shards.set(file, (shard = await readSafetensors(bytes, file)));
    }
    const tensor = shard.tensors.get(name);
    if (tensor === undefined) throw mismatch('ERR_CHECKPOINT', name, `to be in ${file}, as ${INDEX} says`, 'no tensor');
    tensors.set(name, tensor);
  }
  const metadata = Object.fromEntries([...shards.values()].flatMap((shard) => Object.entries(shard.metadata)));
  return { format: 'safetensors', tensors, metadata };
}

/** The index's `weight_map`: the shard of each tensor. */
function readIndex(bytes: Uint8Array): ReadonlyMap<string, string> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AlbertError('ERR_CHECKPOINT', `"index" expected valid UTF-8 at ${INDEX}`, { cause });
  }
  const json = new JsonCursor(text, INDEX);
  const weightMap = new Map<string, string>();
  json.object('index', (key) => {
    if (key !== 'weight_map') return json.skip(key);
    json.object(key, (name) => {
      const file = json.string(name);
      // The name goes into a URL: no slash, no dots that climb, nothing percent-encoded, no query.
      if (file.length > MAX_NAME_BYTES || !/^\w(\.?[\w-])*$/.test(file))
        throw mismatch('ERR_CHECKPOINT', name, 'a plain file name', file, INDEX);
      weightMap.set(name, file);
    });
  });
  json.end('index');
  if (weightMap.size === 0) throw mismatch('ERR_CHECKPOINT', 'weight_map', 'the shard of each tensor', 'none', INDEX);
  if (weightMap.size > MAX_TENSORS)
    throw mismatch('ERR_CHECKPOINT', 'weight_map', `at most ${MAX_TENSORS} tensors`, weightMap.size, INDEX);
  return weightMap;
}
