/** Runs a task over arguments or lines. */
import { AlbertError, type CallOptions, type Pipeline } from '../entry/index.js';
import { answerLines } from '../shards/answer-lines.js';
import { fullRow, type LineFormat, type ParsedLine } from '../shards/formats.js';
import { openInputs } from './inputs.js';
import { type LineOptions, tellWhyNotWide } from './options.js';
import type { TaskInput } from './task-input.js';
import { checkUsage } from './usage.js';
import { type Answer, type CsvAnswer, writeAnswers } from './writers.js';

/** One input's answer. */
export interface Shown {
  /** The row in JSON; default: the task's row. */
  readonly json?: object;
  readonly rows: Answer['rows'];
  csv(): CsvAnswer;
}

export interface Work<Input, Result, Call extends CallOptions> {
  readonly format: LineFormat<Input, Result>;
  readonly input: TaskInput;
  /** Inputs from the arguments; without any, each line is an input. */
  readonly given: readonly ParsedLine<Input>[];
  readonly open: () => Promise<Pipeline<Result, Call, Input>>;
  readonly call: Call;
  readonly show: (input: Input, result: Result) => Shown;
  /** Another file that is read. */
  readonly reads?: string | undefined;
}

type Add<Input, Result> = (one: ParsedLine<Input>, result: Result) => Promise<void>;

export async function run<Input, Result, Call extends CallOptions>(
  { format, input: kind, given, open, call, show, reads }: Work<Input, Result, Call>,
  options: LineOptions,
): Promise<void> {
  checkUsage(given.length, options, kind);
  await writeAnswers(options, [options.file, reads], async (writer) => {
    const add = ({ input, others }: ParsedLine<Input>, result: Result) => {
      const { json, rows, csv } = show(input, result);
      const row = fullRow(others, json ?? format.row(input, result), format);
      return writer.add({ json: row, rows, csv: () => ({ others, ...csv() }) });
    };
    if (given.length > 0) await answerGiven(add);
    else await answerAll(add);
  });

  async function answerGiven(add: Add<Input, Result>): Promise<void> {
    await using task = await open();
    const inputs = given.map(({ input }) => input);
    const results = await task(inputs, call).catch(() => undefined);
    // If one of them is at fault, those before it are answered all the same.
    for (const [i, one] of given.entries()) await add(one, results?.[i] ?? (await task(one.input, call)));
    tellWhyNotWide(task.model.info());
  }

  async function answerAll(add: Add<Input, Result>): Promise<void> {
    const { batches, parse } = await openInputs(options, format, kind);
    await using task = await open();
    for await (const answer of answerLines(batches, { task, call, parse })) {
      const { offset, number } = answer.line;
      const where = options.shard === undefined ? `line ${number}` : `byte ${offset}`;
      const fault = (error: AlbertError) => new AlbertError(error.code, `${where}: ${error.message}`, { cause: error });
      if ('error' in answer) throw fault(answer.error);
      await add(answer, answer.result).catch((error) => {
        throw error instanceof AlbertError && error.code === 'ERR_INPUT' ? fault(error) : error;
      });
    }
    tellWhyNotWide(task.model.info());
  }
}
