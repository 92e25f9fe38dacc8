/** Runs a task over arguments or lines: a table on a terminal, JSON lines in a pipe. */
import { AlbertError, type CallOptions, type Pipeline } from '../index.js';
import { answerLines } from '../shards/answer-lines.js';
import { openLines } from './lines.js';
import type { LineOptions } from './options.js';
import { print, table } from './table.js';
import { usageError } from './usage.js';

/** One input's answer: an object for a pipe, rows for a terminal. */
export interface Answer {
  readonly json: object;
  readonly rows: readonly (readonly string[])[];
}

export interface Work<Input, Result, Call extends CallOptions> {
  /** From the arguments; where there are none, each line is an input. */
  readonly inputs: readonly Input[];
  readonly parse: (line: string) => Input;
  readonly open: () => Promise<Pipeline<Result, Call, Input>>;
  readonly call: Call;
  readonly show: (input: Input, result: Result) => Answer;
}

/** Rows of a table at most: its columns are measured over them, and no more are kept. */
const TABLE_ROWS = 1000;

export async function run<Input, Result, Call extends CallOptions>(
  { inputs, parse, open, call, show }: Work<Input, Result, Call>,
  options: LineOptions,
): Promise<void> {
  checkUsage(inputs.length, options);
  const task = await open();
  let shown: (readonly string[])[] = [];
  const flush = async () => {
    const rows = shown;
    shown = [];
    if (rows.length > 0) await print(table(rows));
  };
  const output = async (input: Input, result: Result) => {
    const { json, rows } = show(input, result);
    if (!process.stdout.isTTY || options.jsonl) return print(JSON.stringify(json));
    shown.push(...rows);
    if (shown.length >= TABLE_ROWS) await flush();
  };
  try {
    if (inputs.length > 0) {
      const results = await task(inputs, call).catch(() => undefined);
      // Where one of them is at fault, those before it are answered all the same.
      for (const [i, input] of inputs.entries()) await output(input, results?.[i] ?? (await task(input, call)));
      return;
    }
    let count = 0;
    for await (const answer of answerLines(openLines(options), { task, call, parse })) {
      count++;
      if ('error' in answer) {
        const place = options.shard === undefined ? `line ${count}` : `byte ${answer.line.offset}`;
        const { code, message } = answer.error;
        throw new AlbertError(code, `${place}: ${message}`, { cause: answer.error });
      }
      await output(answer.input, answer.result);
    }
  } finally {
    await flush();
    await task.dispose();
  }
}

/** @throws CommanderError with exit code 2 */
function checkUsage(inputs: number, { file, shard }: LineOptions): void {
  if (shard !== undefined && (file === undefined || inputs > 0)) {
    throw usageError('--shard takes a part of the lines of a --file');
  }
  if (file !== undefined && inputs > 0) {
    throw usageError('take what to read from arguments or from a --file, not from both');
  }
  if (inputs === 0 && file === undefined && process.stdin.isTTY) {
    throw usageError('give it as arguments or as lines');
  }
}
