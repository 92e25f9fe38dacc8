/** A shard of a file through a pipeline, as rows. */

import type { CallOptions, Pipeline, Pipelines } from '../entry/index.js';
import { mismatch } from '../ground/errors.js';
import { answerLines } from './answer-lines.js';
import { readShard, type Shard } from './cut.js';
import { errorRow, FORMATS, fullRow, type LineFormat, type LineTasks, parseLine } from './formats.js';

export interface ShardRow {
  /** The byte of the file at which the line begins. */
  readonly offset: number;
  /** The line's answer as its command prints it, the caller's own keys of the line in front; or an {@link ErrorRow}. */
  readonly row: object;
  readonly failed: boolean;
}

/** The options of a call of a task's pipeline. */
export type LineCall<T extends keyof LineTasks> = NonNullable<Parameters<Pipelines[T]>[1]>;

/**
 * Answers the lines of a shard, in order: one row per line, also for a faulty line; none for a blank line. Only the next few
 * lines are in memory.
 *
 * @param pipe the task's pipeline; it is not disposed of
 * @throws ERR_INPUT for a task without a format of lines; ERR_SOURCE for a file that cannot be read; errors that the next line
 *   would meet too: ERR_DISPOSED, ERR_ABORTED, ERR_WORKER if no other worker is available
 */
export async function* processShard<T extends keyof LineTasks>(
  task: T,
  pipe: Pipelines[T],
  shard: Shard,
  options: LineCall<T> = {} as LineCall<T>,
): AsyncGenerator<ShardRow> {
  if (typeof task !== 'string' || !Object.hasOwn(FORMATS, task)) {
    throw mismatch('ERR_INPUT', 'task', Object.keys(FORMATS).join(', '), task);
  }
  const format = FORMATS[task] as LineFormat<unknown, unknown>;
  const work = {
    task: pipe as unknown as Pipeline<unknown, CallOptions, unknown>,
    call: options as CallOptions,
    parse: (line: string) => parseLine(line, format),
  };
  for await (const answer of answerLines(readShard(shard), work)) {
    const { line, others } = answer;
    const { offset } = line;
    if ('error' in answer) {
      const { code, message } = answer.error;
      yield { offset, row: errorRow({ code, message: `byte ${offset}: ${message}` }, others, format), failed: true };
    } else {
      yield { offset, row: fullRow(others, format.row(answer.input, answer.result), format), failed: false };
    }
  }
}
