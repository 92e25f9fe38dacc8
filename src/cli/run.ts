/** Runs a task over arguments or lines: a table on a terminal, JSON lines in a pipe. */
import { CommanderError } from 'commander';
import { AlbertError, type CallOptions, type Pipeline } from '../index.js';
import { readLines } from './lines.js';
import type { LineOptions } from './options.js';
import { print, table } from './table.js';

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

export async function run<Input, Result, Call extends CallOptions>(
  { inputs, parse, open, call, show }: Work<Input, Result, Call>,
  { file, jsonl }: LineOptions,
): Promise<void> {
  if (inputs.length === 0 && file === undefined && process.stdin.isTTY) {
    throw new CommanderError(2, 'albert-wasm.noText', 'error: give it as arguments or as lines (--help shows how)');
  }
  const task = await open();
  const shown: (readonly string[])[] = [];
  const output = ({ json, rows }: Answer) => {
    if (process.stdout.isTTY && !jsonl) shown.push(...rows);
    else print(JSON.stringify(json));
  };
  try {
    if (inputs.length > 0) {
      for await (const answer of each(inputs, (input) => input)) output(answer);
      return;
    }
    let line = 0;
    for await (const batch of readLines(file)) {
      try {
        for await (const answer of each(batch, parse)) {
          line++;
          output(answer);
        }
      } catch (error) {
        if (!(error instanceof AlbertError)) throw error;
        throw new AlbertError(error.code, `line ${line + 1}: ${error.message}`, { cause: error });
      }
    }
  } finally {
    if (shown.length > 0) print(table(shown));
    await task.dispose();
  }

  /** The answers of a batch; where it fails, what comes before the fault is answered all the same. */
  async function* each<T>(batch: readonly T[], inputOf: (item: T) => Input): AsyncGenerator<Answer> {
    const all = await together(batch, inputOf).catch(() => undefined);
    for (const [i, item] of batch.entries()) yield all?.[i] ?? (await alone(inputOf(item)));
  }

  async function together<T>(batch: readonly T[], inputOf: (item: T) => Input): Promise<Answer[]> {
    const batched = batch.map(inputOf);
    const results = await task(batched, call);
    return results.map((result, i) => show(batched[i] as Input, result));
  }

  async function alone(input: Input): Promise<Answer> {
    return show(input, await task(input, call));
  }
}
