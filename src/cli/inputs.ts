/** Inputs of the command line: standard input, a file, or a shard of one, as lines of text, of JSON, or as CSV. */
import { fstatSync } from 'node:fs';
import { AlbertError } from '../entry/index.js';
import { decodeLine, type Line, MAX_LINE_BYTES, readLines } from '../ground/lines.js';
import { cutFile, readBytes, readShard } from '../shards/cut.js';
import { type LineFormat, type ParsedLine, parseLine } from '../shards/formats.js';
import { openCsv } from './csv-inputs.js';
import { inputFormat, type LineOptions } from './options.js';
import { type Inputs, type TaskInput, TEXT } from './task-input.js';

/** An input without the caller's keys: an argument, or a line of plain text. */
export function plainInput<Input>(input: Input): ParsedLine<Input> {
  return { input, others: {} };
}

/** Reads texts, whether arguments or lines: as they are, or as JSON. */
export function textReader<Input, Result>(
  options: LineOptions,
  format: LineFormat<Input, Result>,
): (text: string) => ParsedLine<Input> {
  // Where lines are plain, an input may be a string.
  return inputFormat(options, TEXT) === 'jsonl'
    ? (text) => parseLine(text, format)
    : (text) => plainInput(text as Input);
}

/**
 * The lines of a file, of the shard of a file or of standard input; read as they are answered. The header of a CSV is read at once.
 *
 * @throws ERR_SOURCE for an input that cannot be read; ERR_INPUT for a header without the columns that are asked for
 */
export async function openInputs<Input, Result>(
  options: LineOptions,
  format: LineFormat<Input, Result>,
  input: TaskInput,
): Promise<Inputs<Input>> {
  const kind = inputFormat(options, input);
  if (kind === 'csv') return openCsv(openBytes(options), options, format, input);
  const parse = (line: string) => (kind === 'jsonl' ? parseLine(line, format) : plainInput(line as Input));
  return { batches: openLines(options), parse };
}

async function* openLines(options: LineOptions): AsyncGenerator<Line[]> {
  const { file, shard } = options;
  if (file === undefined || shard === undefined) yield* readLines(openBytes(options));
  else {
    const shards = await cutFile(file, shard.count);
    yield* readShard(shards[shard.index - 1] as (typeof shards)[number]);
  }
}

/** The bytes of a file, or of standard input. */
export function openBytes({ file }: Pick<LineOptions, 'file'>): AsyncIterable<Uint8Array> {
  return file === undefined ? standardInput() : readBytes(file);
}

/** A whole file, or all of standard input. @throws ERR_SOURCE when it cannot be read, ERR_TOO_LONG, ERR_INPUT for bytes that are not UTF-8 */
export async function readText(file?: string): Promise<string> {
  const name = file ?? 'standard input';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of openBytes({ file } as LineOptions)) {
    length += chunk.length;
    chunks.push(chunk);
    // The input that has come is refused for its length.
    if (length > MAX_LINE_BYTES) break;
  }
  try {
    return decodeLine({ offset: 0, bytes: Buffer.concat(chunks) });
  } catch (cause) {
    throw new AlbertError((cause as AlbertError).code, `${name}: ${(cause as Error).message}`, { cause });
  }
}

/** The bytes of standard input. @throws ERR_SOURCE for a directory, which Node reads as nothing, and for input that breaks */
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
