/** Finds a model's weights in a source and reads them: which file by name, which format by its bytes. */

import { throwIfAborted } from '../ground/abort.js';
import { type Bytes, closeBytes, sliceBytes } from '../ground/bytes.js';
import { mismatch } from '../ground/errors.js';
import type { OpenedSource } from '../ground/source.js';
import type { Checkpoint, StoredTensor } from './checkpoint.js';
import { FORMATS, formatOf, type RareReaders, STRICTEST, type WeightFormat } from './formats.js';
import { withCurrentNames } from './names.js';
import { MAX_HEADER_BYTES } from './safetensors.js';
import { readShardIndex } from './shard-index.js';

export interface OpenCheckpointOptions extends RareReaders {
  readonly signal?: AbortSignal;
  /** Called after each file that was opened, with its size in bytes. */
  onFile?(file: string, bytes: number): void;
}

/** A checkpoint whose files stay open until it is closed. */
export type OpenedCheckpoint = Checkpoint & { close(): Promise<void> };

/**
 * Opens the checkpoint of a source: `model.safetensors`, else the shards that `model.safetensors.index.json` lists,
 * else `flax_model.msgpack`, else `pytorch_model.bin` or its shards. Of safetensors and PyTorch's files on disk only the
 * headers are read; their tensors follow when asked for.
 *
 * @throws ERR_SOURCE when there is none, or a shard is missing
 * @throws ERR_CHECKPOINT when a file is not what it should be
 * @throws ERR_ABORTED
 */
export async function openCheckpoint(source: OpenedSource, options: OpenCheckpointOptions): Promise<OpenedCheckpoint> {
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
    return { ...withCurrentNames(await readFirst(open, source, options)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Open = (file: string) => Promise<Bytes | undefined>;

/** The first of the names under which weights come. */
async function readFirst(open: Open, source: OpenedSource, readers: RareReaders): Promise<Checkpoint> {
  const names: string[] = [];
  for (const format of FORMATS) {
    names.push(...[format.file, format.index ?? []].flat());
    const single = await open(format.file);
    if (single !== undefined) return readCheckpoint(single, format.file, readers);
    const index = format.index === undefined ? undefined : await open(format.index);
    if (index !== undefined) return readShards(index, format, open, source.name, readers);
  }
  throw await readers.noWeights(source, names);
}

/** The bytes of a file that are read to tell its format. */
const START_BYTES = 64;

/** What arrives instead of weights when a download goes wrong, or another framework's file under our name. */
const STRANGERS: readonly (readonly [start: RegExp, what: string])[] = [
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer: the weights themselves were not fetched'],
  [/^\s*<(!|html|\?xml|head|body)/i, 'a web page'],
  [/^\s*\{/, 'JSON text'],
  [/^\x89HDF/, 'an HDF5 file, as TensorFlow saves it'],
];

/** Reads a file of any format, which its first bytes tell. */
async function readCheckpoint(file: Bytes, name: string, readers: RareReaders): Promise<Checkpoint> {
  const start = await sliceBytes(file, 0, START_BYTES);
  if (STRICTEST.begins(start)) return STRICTEST.read(file, name, readers);
  refuseStrangers(start, name);
  return (formatOf(start) ?? STRICTEST).read(file, name, readers);
}

/** @throws ERR_CHECKPOINT for a file that is known not to be weights, naming what it is */
function refuseStrangers(bytes: Uint8Array, file: string): void {
  const start = String.fromCharCode(...bytes);
  const stranger = STRANGERS.find(([pattern]) => pattern.test(start));
  const got = bytes.length === 0 ? 'an empty file' : stranger?.[1];
  if (got) throw mismatch('ERR_CHECKPOINT', 'weights', 'safetensors, Flax msgpack or a file of PyTorch', got, file);
}

/** The shards of one index: each stays open while the model loads, and together they are no larger than one file may be. */
const MAX_SHARDS = 512;
const MAX_SHARD_BYTES = 2 ** 32;

/** Reads each shard once and gathers the tensors in the order of the index. */
async function readShards(
  index: Bytes,
  format: WeightFormat,
  open: Open,
  sourceName: string,
  readers: RareReaders,
): Promise<Checkpoint> {
  const indexName = format.index as string;
  if (index.length > MAX_HEADER_BYTES)
    throw mismatch('ERR_CHECKPOINT', 'index', `at most ${MAX_HEADER_BYTES} bytes`, index.length, indexName);
  const weightMap = readShardIndex(await sliceBytes(index), indexName);
  const shards = new Map<string, Checkpoint>();
  const tensors = new Map<string, StoredTensor>();
  let total = 0;
  for (const [name, file] of weightMap) {
    let shard = shards.get(file);
    if (shard === undefined) {
      const bytes = await open(file);
      if (bytes === undefined)
        throw mismatch('ERR_SOURCE', file, `to exist, as ${indexName} lists it`, 'no file', sourceName);
      total += bytes.length;
      if (shards.size === MAX_SHARDS || total > MAX_SHARD_BYTES) {
        const most = `at most ${MAX_SHARDS} shards of 4 GiB together`;
        throw mismatch('ERR_CHECKPOINT', 'weight_map', most, total, indexName);
      }
      shards.set(file, (shard = await readCheckpoint(bytes, file, readers)));
      if (shard.naming !== format.naming)
        throw mismatch('ERR_CHECKPOINT', file, `a shard of ${indexName}`, `a file of ${shard.format}`);
    }
    const tensor = shard.tensors.get(name);
    if (tensor === undefined)
      throw mismatch('ERR_CHECKPOINT', name, `to be in ${file}, as ${indexName} says`, 'no tensor');
    tensors.set(name, tensor);
  }
  const metadata = Object.fromEntries([...shards.values()].flatMap((shard) => Object.entries(shard.metadata)));
  const [{ format: name, naming }] = [...shards.values()] as [Checkpoint];
  return { format: name, naming, tensors, metadata };
}
