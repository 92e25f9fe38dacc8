/** The lines of a byte stream with their offsets; only as many as are asked for are in memory. */
import { AlbertError } from './errors.js';

/** A line as it lies in its input, without its end. */
export interface Line {
  /** The byte of the input at which it begins. */
  readonly offset: number;
  /** Counted from 1, from where reading began. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** More than two texts at the tokenizer's limit of 1 Mi UTF-16 units, with six bytes per unit if JSON escapes it. */
export const MAX_LINE_BYTES = 16 << 20;

/** The most lines, and their bytes, that are answered together: they are in memory beside the stream's own chunk. */
const BATCH_LINES = 32;
const BATCH_BYTES = 1 << 20;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Cuts chunks into lines that end with LF or CRLF, in batches of those that have arrived: a line does not wait for later ones to
 * arrive, and the next chunk is asked for when all lines of this one are answered.
 *
 * A line longer than {@link MAX_LINE_BYTES} is cut to a length that {@link decodeLine} still refuses, whether or not its last byte
 * is a CR; the rest is skipped.
 *
 * @param offset the byte of the input at which the first chunk begins
 * @param limit the byte of the input from which on no line may begin; a line that begins before it is read to its end
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  offset = 0,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Line[]> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let batch: Line[] = [];
  let batchBytes = 0;
  let begin = offset;
  let number = 0;
  const hold = (part: Uint8Array) => {
    const kept = part.subarray(0, Math.max(0, MAX_LINE_BYTES + 2 - held));
    if (kept.length > 0) parts.push(kept);
    held += kept.length;
  };
  const take = () => {
    const bytes = parts.length === 1 ? (parts[0] as Uint8Array) : joined(parts);
    batch.push({ offset: begin, number: ++number, bytes: bytes.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes });
    batchBytes += bytes.length;
    [parts, held] = [[], 0];
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1 && begin < limit; end = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, end));
      take();
      from = end + 1;
      begin = offset + from;
      if (batch.length === BATCH_LINES || batchBytes >= BATCH_BYTES) {
        yield batch;
        [batch, batchBytes] = [[], 0];
      }
    }
    if (batch.length > 0) yield batch;
    [batch, batchBytes] = [[], 0];
    if (begin >= limit) return;
    hold(chunk.subarray(from));
    offset += chunk.length;
  }
  if (held > 0) {
    take();
    yield batch;
  }
}

/** Whether a line holds nothing but ASCII's white space. */
export function isBlank({ offset, bytes }: Line): boolean {
  const marked = offset === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return bytes.subarray(marked ? 3 : 0).every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= RETURN));
}

/** The parts of a line as one array of bytes. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/**
 * A line's text, without the byte order mark that some editors put before a file's first line.
 *
 * @throws ERR_TOO_LONG past {@link MAX_LINE_BYTES}, ERR_INPUT for invalid UTF-8: a replaced character would make another text
 */
export function decodeLine({ offset, bytes }: Pick<Line, 'offset' | 'bytes'>): string {
  if (bytes.length > MAX_LINE_BYTES) {
    throw new AlbertError('ERR_TOO_LONG', `"line" expected at most ${MAX_LINE_BYTES} bytes, got more`);
  }
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw new AlbertError('ERR_INPUT', '"line" expected valid UTF-8', { cause });
  }
  return offset === 0 && text.startsWith('\ufeff') ? text.slice(1) : text;
}
