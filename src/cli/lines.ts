/** Inputs of the command line as bytes: standard input, a file, or a shard of one. */
import { fstatSync } from 'node:fs';
import { AlbertError } from '../index.js';
import { cutFile, readBytes, readShard } from '../shards/cut.js';
import { decodeLine, type Line, MAX_LINE_BYTES, readLines } from '../shards/read-lines.js';
import type { LineOptions } from './options.js';

/**
 * The lines of a file, of the shard of a file or of standard input, in batches; read as they are answered.
 *
 * @throws ERR_SOURCE for what cannot be read
 */
export async function* openLines({ file, shard }: LineOptions): AsyncGenerator<Line[]> {
  if (file === undefined) yield* readLines(standardInput());
  else if (shard === undefined) yield* readLines(readBytes(file));
  else {
    const shards = await cutFile(file, shard.count);
    yield* readShard(shards[shard.index - 1] as (typeof shards)[number]);
  }
}

/** A whole file, or all of standard input. @throws ERR_SOURCE when it cannot be read, ERR_TOO_LONG, ERR_INPUT for no UTF-8 */
export async function readText(file?: string): Promise<string> {
  const name = file ?? 'standard input';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of file === undefined ? standardInput() : readBytes(file)) {
    length += chunk.length;
    chunks.push(chunk);
    // What has come is refused for its length.
    if (length > MAX_LINE_BYTES) break;
  }
  try {
    return decodeLine({ offset: 0, bytes: Buffer.concat(chunks) });
  } catch (cause) {
    throw new AlbertError((cause as AlbertError).code, `${name}: ${(cause as Error).message}`, { cause });
  }
}

/** What comes on standard input. @throws ERR_SOURCE for a directory, which Node reads as nothing, and what breaks off */
async function* standardInput(): AsyncGenerator<Uint8Array> {
  if (fstatSync(0).isDirectory()) throw unreadable(new Error('it is a directory'));
  try {
    yield* process.stdin;
  } catch (cause) {
    throw cause instanceof AlbertError ? cause : unreadable(cause as Error);
  }
}

function unreadable(cause: Error): AlbertError {
  return new AlbertError('ERR_SOURCE', `cannot read standard input: ${cause.message}`, { cause });
}
