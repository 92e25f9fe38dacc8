/**
 * CSV by RFC 4180, read as a stream and written. Our own: the small libraries that stream do not keep a record's position in the
 * file, and do not bound the memory that a quote without an end takes.
 *
 * Read: fields with quotes, delimiters and newlines in quotes; records that end with CRLF, LF or CR; a byte order mark in front.
 * A quote within a field that does not begin with one is a character, as in Python's csv and in spreadsheets.
 */
import { AlbertError } from './errors.js';
import { joined, type Line, MAX_LINE_BYTES } from './lines.js';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;
const MARK = [0xef, 0xbb, 0xbf];

/** As for lines: the most records that are answered together, and their bytes. */
const BATCH_RECORDS = 32;
const BATCH_BYTES = 1 << 20;

/** Where in a field the reader is. After a quote within quotes the field ends, or a quote is doubled. */
type State = 'start' | 'bare' | 'quoted' | 'after quote';

/**
 * Cuts chunks into records, in batches of those that have arrived; each is a line whose number is that of its first line.
 * A record beyond {@link MAX_LINE_BYTES} is cut to a length that `decodeLine` still refuses; the rest is skipped.
 *
 * @param delimiter one ASCII character
 */
export async function* readRecords(chunks: AsyncIterable<Uint8Array>, delimiter: string): AsyncGenerator<Line[]> {
  const separator = delimiter.charCodeAt(0);
  let state: State = 'start';
  let parts: Uint8Array[] = [];
  let held = 0;
  let batch: Line[] = [];
  let batchBytes = 0;
  /** The input's byte at which the chunk begins. */
  let offset = 0;
  /** The byte and the line at which the record begins. */
  let begin = 0;
  let beginLine = 1;
  let newlines = 0;
  let afterReturn = false;
  const hold = (part: Uint8Array) => {
    const kept = part.subarray(0, Math.max(0, MAX_LINE_BYTES + 1 - held));
    if (kept.length > 0) parts.push(kept);
    held += kept.length;
  };
  const take = () => {
    const bytes = parts.length === 1 ? (parts[0] as Uint8Array) : joined(parts);
    batch.push({ offset: begin, number: beginLine, bytes });
    batchBytes += bytes.length;
    [parts, held, state] = [[], 0, 'start'];
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      const second = byte === NEWLINE && afterReturn;
      afterReturn = byte === RETURN;
      if ((byte === NEWLINE && !second) || byte === RETURN) newlines++;
      if (state === 'quoted') {
        if (byte === QUOTE) state = 'after quote';
      } else if (byte === NEWLINE || byte === RETURN) {
        // The CR of this CRLF has ended the record.
        if (!second) {
          hold(chunk.subarray(from, i));
          take();
        }
        [from, begin, beginLine] = [i + 1, offset + i + 1, newlines + 1];
        if (batch.length === BATCH_RECORDS || batchBytes >= BATCH_BYTES) {
          yield batch;
          [batch, batchBytes] = [[], 0];
        }
      } else if (byte === separator) state = 'start';
      else if (byte === QUOTE && state !== 'bare') state = 'quoted';
      else if (state === 'start' && !(offset + i < MARK.length && byte === MARK[offset + i])) state = 'bare';
    }
    if (batch.length > 0) yield batch;
    [batch, batchBytes] = [[], 0];
    hold(chunk.subarray(from));
    offset += chunk.length;
  }
  if (held > 0) {
    take();
    yield batch;
  }
}

/** The fields of a record. @throws ERR_INPUT for a quote without an end, or with text after its end */
export function splitRecord(record: string, delimiter: string): string[] {
  const fields: string[] = [];
  for (let at = 0; ; at++) {
    if (record[at] === '"') {
      let text = '';
      let from = at + 1;
      let quote = record.indexOf('"', from);
      // A doubled quote is one character.
      for (; quote !== -1 && record[quote + 1] === '"'; quote = record.indexOf('"', from)) {
        text += record.slice(from, quote + 1);
        from = quote + 2;
      }
      const where = `field ${fields.length + 1}`;
      if (quote === -1)
        throw new AlbertError('ERR_INPUT', `${where}: expected a quote at its end, got none in the file`);
      at = quote + 1;
      if (at < record.length && record[at] !== delimiter) {
        throw new AlbertError('ERR_INPUT', `${where}: expected ${JSON.stringify(delimiter)} after its closing quote`);
      }
      fields.push(text + record.slice(from, quote));
    } else {
      const end = record.indexOf(delimiter, at);
      fields.push(record.slice(at, end === -1 ? undefined : end));
      at = end === -1 ? record.length : end;
    }
    if (at >= record.length) return fields;
  }
}

/**
 * A record, without its end. Texts are not changed, even if a spreadsheet would take one for a formula. Values other than texts,
 * numbers and booleans are JSON.
 *
 * @throws ERR_INPUT for half a character of UTF-16, which UTF-8 cannot hold
 */
export function formatRecord(values: readonly unknown[], delimiter: string): string {
  return values.map((value) => quoted(cell(value), delimiter)).join(delimiter);
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (!/\p{Cs}/u.test(text)) return text;
  throw new AlbertError(
    'ERR_INPUT',
    `expected well-formed text, to write it as CSV, got ${JSON.stringify(text.slice(0, 80))}`,
  );
}

function quoted(text: string, delimiter: string): string {
  return /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
}
