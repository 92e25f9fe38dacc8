/** A CSV's records as inputs: a task reads some columns, and the others come back with the answer. */
import { AlbertError } from '../entry/index.js';
import { readRecords, splitRecord } from '../ground/csv.js';
import { decodeLine, isBlank, type Line } from '../ground/lines.js';
import type { LineFormat } from '../shards/formats.js';
import type { LineOptions } from './options.js';
import type { Inputs, TaskInput } from './task-input.js';

/** The most characters of a header that an error shows. */
const SHOWN = 300;

/** @throws ERR_INPUT for a header without the columns, or with the same name twice */
export async function openCsv<Input, Result>(
  chunks: AsyncIterable<Uint8Array>,
  { file = 'standard input', column, header = true, delimiter = ',' }: LineOptions,
  format: LineFormat<Input, Result>,
  { columns, fields }: TaskInput,
): Promise<Inputs<Input>> {
  const batches = readRecords(chunks, delimiter);
  const records = await firstRecords(batches);
  const first = header ? records.shift() : records[0];
  if (first === undefined) {
    if (header)
      throw new AlbertError('ERR_INPUT', `${file}: expected a CSV with a line of column names, got an empty one`);
    return { batches, parse: () => ({ input: format.input({}), others: {} }) };
  }
  const names = columnNames(first, header, delimiter);
  const chosen = (column ?? columns).map((wanted) => columnAt(names, wanted));
  const others = names.map((name, i) => ({ name, i })).filter(({ i }) => !chosen.includes(i));
  return {
    batches: rest(records, batches),
    parse(record) {
      const values = splitRecord(record, delimiter);
      if (values.length !== names.length) {
        throw new AlbertError(
          'ERR_INPUT',
          `expected ${names.length} fields as in the first line, got ${values.length}`,
        );
      }
      return {
        input: format.input(fields(chosen.map((i) => values[i] as string))),
        others: Object.fromEntries(others.map(({ name, i }) => [name, values[i]])),
      };
    },
  };
}

/** The first batch that has a record which is not blank, from that record on. */
async function firstRecords(batches: AsyncGenerator<Line[]>): Promise<Line[]> {
  for (;;) {
    const { value, done } = await batches.next();
    if (done) return [];
    const from = value.findIndex((record) => !isBlank(record));
    if (from !== -1) return value.slice(from);
  }
}

async function* rest(records: Line[], batches: AsyncGenerator<Line[]>): AsyncGenerator<Line[]> {
  if (records.length > 0) yield records;
  yield* batches;
}

/** The names of the columns; a column without a name is named by its number, as are all without a header. */
function columnNames(first: Line, header: boolean, delimiter: string): string[] {
  try {
    const fields = splitRecord(decodeLine(first), delimiter);
    const names = fields.map((name, i) => (header && name !== '' ? name : `column${i + 1}`));
    const indices = new Map<string, number>();
    for (const [i, name] of names.entries()) {
      const before = indices.get(name);
      indices.set(name, i);
      if (before === undefined) continue;
      const both = `columns ${before + 1} and ${i + 1}`;
      throw new AlbertError('ERR_INPUT', `expected a name of its own for each column, got ${quote(name)} for ${both}`);
    }
    return names;
  } catch (cause) {
    if (!(cause instanceof AlbertError)) throw cause;
    throw new AlbertError(cause.code, `line ${first.number}: ${cause.message}`, { cause });
  }
}

/** A column by its name, or by its number from 1 if no column has that name. */
function columnAt(names: readonly string[], wanted: string): number {
  const named = names.indexOf(wanted);
  if (named !== -1) return named;
  const number = /^\d+$/.test(wanted) ? Number(wanted) : 0;
  if (number >= 1 && number <= names.length) return number - 1;
  const all = names.map(quote).join(', ');
  const shown = all.length > SHOWN ? `${all.slice(0, SHOWN)}…` : all;
  throw new AlbertError(
    'ERR_INPUT',
    `"--column" expected a column's name (${shown}) or a number from 1 to ${names.length}, got ${quote(wanted)}`,
  );
}

function quote(name: string): string {
  return JSON.stringify(name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name);
}
