/** Rows of training data: the lines of JSON lines, or the records of a CSV or TSV with a header, each with its place. */

import { readRecords, splitRecord } from '../../ground/csv.js';
import { AlbertError, mismatch, within } from '../../ground/errors.js';
import { decodeLine, isBlank, type Line, readLines } from '../../ground/lines.js';

/** How training data are written. */
export type DataFormat = 'jsonl' | 'csv' | 'tsv';

/** One example as it is written. */
export interface Row {
  /** Its keys; of a CSV, the columns. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** For messages: `train.jsonl line 3`. */
  readonly where: string;
  /** Of a CSV: the place of the names of its columns. */
  readonly header?: string;
  /** Whether every field is a text, because the format has nothing else. */
  readonly written: boolean;
}

const FORMATS: Readonly<Record<string, DataFormat>> = {
  json: 'jsonl',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
};

/** The format that a file's extension names; otherwise JSON lines. */
export function formatOf(name: string): DataFormat {
  const [, extension = ''] = /\.([a-z]+)$/i.exec(name) ?? [];
  return FORMATS[extension.toLowerCase()] ?? 'jsonl';
}

/**
 * Reads all rows.
 *
 * @param name of the file, for messages
 * @throws ERR_INPUT with the line that is malformed, ERR_TOO_LONG
 */
export async function readRows(chunks: AsyncIterable<Uint8Array>, format: DataFormat, name: string): Promise<Row[]> {
  if (format === 'jsonl') return readJsonLines(chunks, name);
  if (format === 'csv' || format === 'tsv') return readTable(chunks, name, format === 'csv' ? ',' : '\t');
  throw mismatch('ERR_INPUT', 'format', 'jsonl, csv or tsv', format);
}

async function readJsonLines(chunks: AsyncIterable<Uint8Array>, name: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const line of eachLine(readLines(chunks))) {
    const where = `${name} line ${line.number}`;
    const parse = () => {
      const text = decodeLine(line);
      if (rows.length === 0 && text.trimStart().startsWith('[')) throw arrayOfExamples();
      return parseObject(text);
    };
    rows.push({ where, written: false, fields: within(where, parse) });
  }
  return rows;
}

/** Of a file that is one JSON array. */
function arrayOfExamples(): AlbertError {
  const advice = "write each example as an object on a line of its own; jq -c '.[]' does so";
  return new AlbertError('ERR_INPUT', `expected JSON lines, got a JSON array: ${advice}`);
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AlbertError('ERR_INPUT', `expected a line of JSON: ${(cause as Error).message}`, { cause });
  }
  return checkObject(value);
}

/** @throws ERR_INPUT unless an example is an object */
export function checkObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw mismatch('ERR_INPUT', 'example', 'an object', value);
  }
  return value as Record<string, unknown>;
}

async function readTable(chunks: AsyncIterable<Uint8Array>, name: string, delimiter: string): Promise<Row[]> {
  const rows: Row[] = [];
  let columns: string[] | undefined;
  let header = '';
  for await (const record of eachLine(readRecords(chunks, delimiter))) {
    const where = `${name} line ${record.number}`;
    within(where, () => {
      const values = splitRecord(decodeLine(record), delimiter);
      if (columns === undefined) {
        columns = checkHeader(values, delimiter);
        header = where;
      } else rows.push({ where, header, written: true, fields: fieldsOf(columns, values) });
    });
  }
  return rows;
}

/** The names of the columns, without spaces around them. */
function checkHeader(written: readonly string[], delimiter: string): string[] {
  if (written.length === 1 && /[;,\t]/.test(written[0] as string)) {
    const separator = delimiter === ',' ? 'a comma' : 'a tab';
    throw mismatch('ERR_INPUT', 'header', `${separator} between the names of columns`, written[0]);
  }
  const names = written.map((name) => name.trim());
  const seen = new Set<string>();
  const twice = names.find((column) => seen.has(column) || !seen.add(column));
  if (twice !== undefined) throw mismatch('ERR_INPUT', 'header', 'a name of its own for each column', twice);
  return names;
}

function fieldsOf(columns: readonly string[], values: readonly string[]): Record<string, string> {
  if (values.length !== columns.length) {
    throw new AlbertError('ERR_INPUT', `expected ${columns.length} fields as in the header, got ${values.length}`);
  }
  return Object.fromEntries(columns.map((column, i) => [column, values[i] as string]));
}

async function* eachLine(batches: AsyncIterable<readonly Line[]>): AsyncGenerator<Line> {
  for await (const batch of batches) yield* batch.filter((line) => !isBlank(line));
}
