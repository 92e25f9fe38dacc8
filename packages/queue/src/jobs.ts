/** The jobs of the queue: locations of lines and what to do with them, never a text. */
import { createHash } from 'node:crypto';
import type { PipelineOptions } from 'albert-wasm';
import type { LineCall, LineTasks, Shard } from 'albert-wasm/shards';

/** The default name of the queue. */
export const QUEUE = 'albert-wasm';

/** The jobs of a queue, by their names. */
export const PART = 'part';
export const SUCCESS = 'success';

/** What is done with each line; every value can be written as JSON. */
export interface Work<T extends keyof LineTasks = keyof LineTasks> {
  readonly task: T;
  /**
   * A directory, a URL or a Hub id that each worker can and may read: a path under its `input`, or one of its `models`.
   * Default: the small model of the task.
   */
  readonly model?: string;
  readonly options?: {
    readonly load?: Pick<PipelineOptions, 'dtype' | 'threads' | 'revision'>;
    readonly call?: Omit<LineCall<T>, 'signal' | 'onProgress'>;
  };
}

/** The job of one part: turns the lines of a shard into a file of rows. */
export interface PartJob extends Shard, Work {
  /** Counted from 0. */
  readonly part: number;
  readonly parts: number;
  readonly run: string;
  /** A directory that all workers share. */
  readonly output: string;
}

/** The job that closes a run, after all parts are written. */
export type SuccessJob = Pick<PartJob, 'run' | 'parts' | 'output'>;

/** The result of a part or of the whole run. */
export interface Counts {
  readonly rows: number;
  /** Rows that say why there is no answer. */
  readonly errors: number;
}

/** The id of a run: the same work on the same file in the same parts always has the same id. */
export function runId(what: object): string {
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 32);
}

/** The id of a part's job: the id of its run and its number. */
export function partId(run: string, part: number): string {
  return `${run}-${part}`;
}
