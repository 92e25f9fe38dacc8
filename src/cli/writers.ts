/** Answers as a table, lines of JSON, one JSON array, or CSV. */
import { AlbertError } from '../entry/index.js';
import { formatRecord } from '../ground/csv.js';
import { printableText } from '../ground/printable.js';
import { renamed } from '../shards/formats.js';
import { type OutputOptions, outputFormat } from './options.js';
import { openFile, type Sink, standardOutput } from './output.js';
import { table } from './table.js';

/** One input's answer in each format. */
export interface Answer {
  /** The row in JSON, with the caller's keys in front. */
  readonly json: object;
  /** Rows of a table. */
  readonly rows: readonly (readonly string[])[];
  /** Only called if CSV is written. */
  csv(): CsvAnswer;
}

export interface CsvAnswer {
  /** The names of our columns; the first answer's are the file's. */
  readonly columns: readonly string[];
  /** What is the same in each row. */
  readonly input: object;
  /** One row per label, entity or word. An input without any has one row all the same. */
  readonly records: readonly object[];
  /** The caller's keys: columns in front of ours. */
  readonly others?: Readonly<Record<string, unknown>>;
}

interface Writer {
  /** @throws ERR_INPUT for an answer that the format cannot hold; ERR_SOURCE for a file that cannot be written */
  add(answer: Answer): Promise<void>;
  /** @param whole whether all answers are written; if not, a file is discarded */
  end(whole: boolean): Promise<void>;
}

/** A format: pieces of text, and what comes after the last. */
interface Format {
  text(answer: Answer): string;
  /** @param whole false if an error ends it: then only what is open is closed */
  rest(whole: boolean): string;
}

/** @throws ERR_INPUT for an output that is one of the inputs or not a regular file; ERR_SOURCE for one that cannot be written */
function openWriter(options: OutputOptions, inputs: readonly (string | undefined)[]): Writer {
  const format = FORMATS[outputFormat(options)](options.delimiter ?? ',');
  const sink: Sink = options.output === undefined ? standardOutput : openFile(options.output, inputs);
  const write = async (text: string) => (text === '' ? undefined : sink.write(text));
  return {
    add: async (answer) => write(format.text(answer)),
    async end(whole) {
      if (!whole && !sink.lasting) return sink.discard();
      try {
        await write(format.rest(whole));
        await sink.finish();
      } catch (error) {
        await sink.discard();
        throw error;
      }
    },
  };
}

/**
 * Runs `work` and writes its answers; a file gets its name when `work` has ended without an error.
 *
 * @throws ERR_INPUT for an output that is one of the inputs or not a regular file; ERR_SOURCE for one that cannot be written; what `work` throws
 */
export async function writeAnswers(
  options: OutputOptions,
  inputs: readonly (string | undefined)[],
  work: (writer: Pick<Writer, 'add'>) => Promise<void>,
): Promise<void> {
  const writer = openWriter(options, inputs);
  let whole = false;
  try {
    await work(writer);
    whole = true;
  } finally {
    await writer.end(whole);
  }
}

const FORMATS = { jsonl: jsonLines, json: jsonArray, csv, table: tables };

/** JSON, escaped so that it does not control a terminal; a reader of JSON sees no difference. */
export function toJson(value: object): string {
  return printableText(JSON.stringify(value));
}

function jsonLines(): Format {
  return { text: ({ json }) => `${toJson(json)}\n`, rest: () => '' };
}

function jsonArray(): Format {
  let before = '[\n';
  return {
    text({ json }) {
      const text = `${before}${toJson(json)}`;
      before = ',\n';
      return text;
    },
    rest: (whole) => (before === ',\n' ? '\n]\n' : whole ? '[]\n' : ''),
  };
}

/** The columns of all are those of the first answer. */
function csv(delimiter: string): Format {
  let names: string[] | undefined;
  return {
    text(answer) {
      const { columns, input, records, others = {} } = answer.csv();
      const kept = renamed(others, columns);
      const begun = names !== undefined;
      names ??= [...Object.keys(kept), ...columns];
      const lines = (records.length > 0 ? records : [{}]).map((record) => {
        const row: Record<string, unknown> = { ...kept, ...input, ...record };
        const extra = Object.keys(row).find((name) => !names?.includes(name));
        if (extra === undefined) return names?.map((name) => row[name]);
        throw new AlbertError(
          'ERR_INPUT',
          `"${extra}" expected one of the columns that the first answer has, ${names?.join(', ')}; --format jsonl has no columns`,
        );
      });
      return (begun ? lines : [names, ...lines]).map((line) => `${formatRecord(line ?? [], delimiter)}\n`).join('');
    },
    rest: () => '',
  };
}

/** The most rows of a table: its columns are measured over them, and no more are kept. */
const TABLE_ROWS = 1000;

function tables(): Format {
  let rows: (readonly string[])[] = [];
  const flush = () => {
    const text = rows.length > 0 ? `${table(rows)}\n` : '';
    rows = [];
    return text;
  };
  return {
    text(answer) {
      rows.push(...answer.rows);
      return rows.length >= TABLE_ROWS ? flush() : '';
    },
    rest: flush,
  };
}
