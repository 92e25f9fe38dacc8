/** Slices of a file at byte offsets, each with the lines that begin in it: together every line once. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { AlbertError } from '../entry/index.js';
import { mismatch } from '../ground/errors.js';
import { type Line, readLines } from '../ground/lines.js';

/** The lines of a file that begin at a byte from `start` to before `end`. */
export interface Shard {
  /** A path, or a `file:` URL. */
  readonly uri: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Cuts a file into `count` slices of equal size, give or take a byte.
 *
 * @throws ERR_SOURCE for a file that cannot be read or is not a regular file; ERR_INPUT for an invalid count
 */
export async function cutFile(uri: string, count: number): Promise<Shard[]> {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw mismatch('ERR_INPUT', 'count', 'an integer from 1', count);
  }
  const handle = await openRegular(uri);
  try {
    const { size } = await handle.stat();
    // A slice's number times the bytes of a large file may pass 2^53.
    const cut = (i: number) => Number((BigInt(size) * BigInt(i)) / BigInt(count));
    return Array.from({ length: count }, (_, i) => ({ uri, start: cut(i), end: cut(i + 1) }));
  } finally {
    await handle.close();
  }
}

/**
 * The lines of a shard, in batches.
 *
 * @throws ERR_SOURCE for a file that cannot be read or is not a regular file
 */
export async function* readShard({ uri, start, end }: Shard): AsyncGenerator<Line[]> {
  if (start >= end) return;
  const handle = await openRegular(uri);
  // A line begins at `start` only if the byte before it ends one: the rest of a line of another slice is skipped.
  const from = Math.max(0, start - 1);
  const stream = handle.createReadStream({ start: from, autoClose: false });
  try {
    let passed = start === 0;
    for await (const batch of readLines(stream, from, end)) {
      const lines = passed ? batch : batch.slice(1);
      passed = true;
      if (lines.length > 0) yield lines;
    }
  } catch (cause) {
    throw unreadable(uri, cause);
  } finally {
    await handle.close();
  }
}

/** The bytes of a file of any kind, in chunks. @throws ERR_SOURCE when it cannot be read */
export async function* readBytes(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function openRegular(uri: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(uri.startsWith('file:') ? fileURLToPath(uri) : uri);
  } catch (cause) {
    throw unreadable(uri, cause);
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new AlbertError('ERR_SOURCE', `"file" expected a regular file, to read it in slices, got ${uri}`);
}

function unreadable(file: string, cause: unknown): unknown {
  // What a consumer throws passes through a generator too.
  if (cause instanceof AlbertError) return cause;
  return new AlbertError('ERR_SOURCE', `cannot read ${file}: ${(cause as Error).message}`, { cause });
}
