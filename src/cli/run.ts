/** Runs a task over arguments or lines. */
import { AlbertError, type CallOptions, type Pipeline } from '../index.js';
import { answerLines } from '../shards/answer-lines.js';
import { fullRow, type LineFormat, type ParsedLine } from '../shards/formats.js';
import { openInputs } from './inputs.js';
import { inputFormat, type LineOptions, outputFormat } from './options.js';
import type { TaskInput } from './task-input.js';
import { usageError } from './usage.js';
import { type Answer, type CsvAnswer, openWriter } from './writers.js';

/** One input's answer. */
export interface Shown {
  /** What JSON says; the task's row unless given. */
  readonly json?: object;
  readonly rows: Answer['rows'];
  csv(): CsvAnswer;
}

export interface Work<Input, Result, Call extends CallOptions> {
  readonly format: LineFormat<Input, Result>;
  readonly input: TaskInput;
  /** From the arguments; where there are none, each line is an input. */
  readonly given: readonly ParsedLine<Input>[];
  readonly open: () => Promise<Pipeline<Result, Call, Input>>;
  readonly call: Call;
  readonly show: (input: Input, result: Result) => Shown;
  /** Further files that are read. */
  readonly reads?: string | undefined;
}

export async function run<Input, Result, Call extends CallOptions>(
  { format, input: kind, given, open, call, show, reads }: Work<Input, Result, Call>,
  options: LineOptions,
): Promise<void> {
  checkUsage(given.length, options, kind);
  const writer = await openWriter(options, [options.file, reads]);
  const add = ({ input, others }: ParsedLine<Input>, result: Result) => {
    const { json, rows, csv } = show(input, result);
    const row = fullRow(others, json ?? format.row(input, result), format);
    return writer.add({ json: row, rows, csv: () => ({ others, ...csv() }) });
  };
  let whole = false;
  try {
    if (given.length > 0) await answerGiven();
    else await answerAll();
    whole = true;
  } finally {
    await writer.end(whole);
  }

  async function answerGiven(): Promise<void> {
    await using task = await open();
    const inputs = given.map(({ input }) => input);
    const results = await task(inputs, call).catch(() => undefined);
    // Where one of them is at fault, those before it are answered all the same.
    for (const [i, one] of given.entries()) await add(one, results?.[i] ?? (await task(one.input, call)));
  }

  async function answerAll(): Promise<void> {
    const { batches, parse } = await openInputs(options, format, kind);
    await using task = await open();
    for await (const answer of answerLines(batches, { task, call, parse })) {
      const { offset, number } = answer.line;
      const place = options.shard === undefined ? `line ${number}` : `byte ${offset}`;
      const fault = (error: AlbertError) => new AlbertError(error.code, `${place}: ${error.message}`, { cause: error });
      if ('error' in answer) throw fault(answer.error);
      await add(answer, answer.result).catch((error) => {
        throw error instanceof AlbertError && error.code === 'ERR_INPUT' ? fault(error) : error;
      });
    }
  }
}

/** @throws CommanderError with exit code 2 */
function checkUsage(given: number, options: LineOptions, kind: TaskInput): void {
  const { file, shard, column, header, delimiter } = options;
  if (shard !== undefined && (file === undefined || given > 0)) {
    throw usageError('--shard takes a part of the lines of a --file');
  }
  if (file !== undefined && given > 0) {
    throw usageError('take what to read from arguments or from a --file, not from both');
  }
  const csv = inputFormat(options, kind) === 'csv';
  if (!csv && (column !== undefined || header === false)) {
    throw usageError('--column and --no-header are for CSV that is read, not for other formats');
  }
  if (delimiter !== undefined && !csv && outputFormat(options) !== 'csv') {
    throw usageError('--delimiter is for CSV, which is neither read nor written here');
  }
  if (csv) checkCsv(given, options, kind);
  if (given === 0 && file === undefined && process.stdin.isTTY) {
    throw usageError('give it as arguments or as lines');
  }
}

function checkCsv(given: number, { column, shard }: LineOptions, { columns, least, most }: TaskInput): void {
  if (given > 0) throw usageError('CSV comes from a --file or standard input, not from arguments');
  if (shard !== undefined) throw usageError('--shard cuts a file at line ends, which a CSV may have within its fields');
  const count = (column ?? columns).length;
  if (count >= least && count <= most) return;
  const wanted =
    least === most
      ? `${least} of`
      : most === Number.POSITIVE_INFINITY
        ? `${least} or more of`
        : `${least} to ${most} of`;
  throw usageError(`this command reads ${wanted} the columns of a CSV, got ${count}: give each with --column`);
}
