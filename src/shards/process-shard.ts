/** A shard of a file through a pipeline, into rows. */
import { mismatch } from '../errors.js';
import type { AlbertError, CallOptions, Pipeline, Pipelines } from '../index.js';
import { answerLines } from './answer-lines.js';
import { readShard, type Shard } from './cut.js';
import { FORMATS, type LineFormat, type LineTasks } from './formats.js';

/** What is written of a line that has no answer. */
export interface ErrorRow {
  readonly error: { readonly code: string; readonly message: string };
}

export interface ShardRow {
  /** The byte of the file at which the line begins. */
  readonly offset: number;
  /** The line's answer as its command prints it, or an {@link ErrorRow}. */
  readonly row: object;
  readonly failed: boolean;
}

/** What the call of a task's pipeline takes. */
export type LineCall<T extends keyof LineTasks> = NonNullable<Parameters<Pipelines[T]>[1]>;

/**
 * Answers the lines of a shard, in order: each is one row, also where it is at fault. Nothing but the next few lines is in memory.
 *
 * @param pipe the task's pipeline; it is not disposed of
 * @throws ERR_INPUT for a task that has no lines; ERR_SOURCE for a file that cannot be read; and what the next line would
 *   meet as well: ERR_DISPOSED, ERR_ABORTED, ERR_WORKER where no other worker is to be had
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
  const { parse, row } = FORMATS[task] as LineFormat<unknown, unknown>;
  const work = {
    task: pipe as unknown as Pipeline<unknown, CallOptions, unknown>,
    call: options as CallOptions,
    parse,
  };
  for await (const answer of answerLines(readShard(shard), work)) {
    const { offset } = answer.line;
    if ('error' in answer) yield { offset, row: errorRow(offset, answer.error), failed: true };
    else yield { offset, row: row(answer.input, answer.result), failed: false };
  }
}

function errorRow(offset: number, { code, message }: AlbertError): ErrorRow {
  return { error: { code, message: `byte ${offset}: ${message}` } };
}
