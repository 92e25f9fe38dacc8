/** What is in the queue: places of lines and what to do with them, never a text. */
import { createHash } from 'node:crypto';
import type { PipelineOptions } from 'albert-wasm';
import type { LineCall, LineTasks, Shard } from 'albert-wasm/shards';

/** The queue's name unless another is given. */
export const QUEUE = 'albert-wasm';

/** The jobs of a queue, by their names. */
export const PART = 'part';
export const SUCCESS = 'success';

/** What is done with each line: all of it can be written as JSON. */
export interface Work<T extends keyof LineTasks = keyof LineTasks> {
  readonly task: T;
  /**
   * A directory, a URL or a Hub id that each worker can read, and is allowed to: a path under its `input`, or one of its `models`.
   * Default: the small model of the task.
   */
  readonly model?: string;
  readonly options?: {
    readonly load?: Pick<PipelineOptions, 'dtype' | 'threads' | 'revision'>;
    readonly call?: Omit<LineCall<T>, 'signal' | 'onProgress'>;
  };
}

/** One part: a shard's lines into a file of rows. */
export interface PartJob extends Shard, Work {
  /** Counted from 0. */
  readonly part: number;
  readonly parts: number;
  readonly run: string;
  /** A directory that all workers share. */
  readonly output: string;
}

/** What is left when all parts are written. */
export type SuccessJob = Pick<PartJob, 'run' | 'parts' | 'output'>;

/** What a part, or the whole run, came to. */
export interface Counts {
  readonly rows: number;
  /** Rows that say why there is no answer. */
  readonly errors: number;
}

/** The same work on the same file in the same parts has the same id, whoever puts it in and however often. */
export function runId(what: object): string {
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 32);
}

/** Of a job. A part's id is its run's and its number. */
export function partId(run: string, part: number): string {
  return `${run}-${part}`;
}
