/** Puts a file's shards into the queue, and waits for them. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AlbertError } from 'albert-wasm';
import { cutFile, type LineTasks } from 'albert-wasm/shards';
import { FlowProducer, type Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { checkCounts, checkWork, MAX_PARTS, unexpected } from './check.js';
import { type Connection, connect, refusal } from './connection.js';
import { type Counts, PART, type PartJob, partId, QUEUE, runId, SUCCESS, type Work } from './jobs.js';
import { locateModel } from './model.js';
import { claim, isWhole, type Success } from './output.js';

export interface EnqueueOptions<T extends keyof LineTasks> extends Work<T> {
  readonly connection: Connection;
  readonly queue?: string;
  /** A path that is the same on every worker's machine. */
  readonly file: string;
  /** The number of parts that the file is cut into: several per worker, so that none waits long for the last part. */
  readonly parts: number;
  /** A directory that all workers share; created if it is missing. */
  readonly output: string;
  /** How often a part is tried; default: 3. */
  readonly attempts?: number;
}

export interface Progress extends Counts {
  readonly done: number;
  readonly parts: number;
}

/** A run in the queue. */
export interface Run extends AsyncDisposable {
  readonly id: string;
  /** The number of finished parts, and the rows of these and of the running ones. @throws ERR_SOURCE if Redis does not answer */
  progress(): Promise<Progress>;
  /** Waits for `_SUCCESS`. @throws ERR_SOURCE if Redis does not answer; ERR_INTERNAL if a part failed every attempt */
  finished(options?: { onProgress?: (progress: Progress) => void; signal?: AbortSignal }): Promise<Success>;
  /** Closes the connection; the run goes on. */
  close(): Promise<void>;
}

const POLL_MS = 500;

/**
 * Cuts a file and puts its parts into the queue. The same call again finds the same run; after a failure it tries what is missing.
 *
 * @throws ERR_INPUT for work that no worker accepts; ERR_SOURCE if Redis does not answer, if the file cannot be cut, or if the
 *   directory belongs to another run, finished or not; ERR_INTERNAL if the run has failed but some of its parts are still running
 */
export async function enqueue<T extends keyof LineTasks>(options: EnqueueOptions<T>): Promise<Run> {
  const { task, model, parts, attempts = 3, queue: name = QUEUE } = options;
  // Work that no worker would accept is refused here.
  const given = checkWork({ task, model, options: options.options as Work['options'] });
  if (parts > MAX_PARTS) throw unexpected('parts', `an integer from 1 to ${MAX_PARTS}`, parts);
  const [uri, output] = [resolve(options.file), resolve(options.output)];
  const shards = await cutFile(uri, parts);
  const { size, mtimeMs } = await stat(uri);
  const located = given.model === undefined ? undefined : await locateModel(given.model);
  const work: Work = { ...given, ...(located && { model: located.model }) };
  const id = runId({ uri, size, mtimeMs, output, parts, ...work, ...located });
  await makeOutput(output);
  await claim(output, id);
  const whole = await isWhole(output, { run: id, parts });
  const redis = await connect(options.connection, 1);
  const queue = new Queue(name, { connection: redis });
  const flows = new FlowProducer({ connection: redis });
  // Each request reports its own failure.
  queue.on('error', () => {});
  flows.on('error', () => {});
  const run = new QueuedRun(id, parts, queue, flows, redis);
  try {
    const known = await queue.getJob(id);
    // A parent that has failed cannot wait for its children again, and one that has succeeded stays so when its rows are deleted.
    // Parts whose rows exist are only counted.
    const over = (await known?.isFailed()) || (!whole && (await known?.isCompleted()));
    if (over) await known?.remove({ removeChildren: true });
    await flows.add({
      name: SUCCESS,
      queueName: name,
      data: { run: id, parts, output },
      opts: { jobId: id },
      children: shards.map((shard, part) => ({
        name: PART,
        queueName: name,
        data: { ...shard, part, parts, run: id, output, ...work } satisfies PartJob,
        opts: {
          jobId: partId(id, part),
          attempts,
          backoff: { type: 'exponential', delay: 1000 },
          failParentOnFailure: true,
        },
      })),
    });
    return run;
  } catch (cause) {
    await run.close();
    throw refusal(redis, cause);
  }
}

/** @throws ERR_SOURCE */
async function makeOutput(path: string): Promise<void> {
  try {
    await makeDirectory(path);
  } catch (cause) {
    throw new AlbertError('ERR_SOURCE', `cannot write to ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** As in `albert-wasm`: Node's own `recursive` never returns where an existing directory refuses new ones with ENOENT. */
async function makeDirectory(path: string): Promise<void> {
  const refusal = await refusalOf(path);
  if (refusal === undefined) return;
  const above = dirname(path);
  if (refusal.code !== 'ENOENT' || above === path) throw refusal;
  await makeDirectory(above);
  const again = await refusalOf(path);
  if (again !== undefined) throw again;
}

/** Why a directory could not be made; `undefined` if it exists now. */
async function refusalOf(path: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    const found = await stat(path).catch(() => undefined);
    return found?.isDirectory() ? undefined : (error as NodeJS.ErrnoException);
  }
}

/** The number that a job reports; 0 if it is none. */
function countIn(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : 0;
}

class QueuedRun implements Run {
  constructor(
    readonly id: string,
    readonly parts: number,
    readonly queue: Queue,
    readonly flows: FlowProducer,
    readonly redis: Redis,
  ) {}

  async progress(): Promise<Progress> {
    const all = await this.#parts();
    const counts = all.map((job) => (job?.returnvalue ?? job?.progress) as Partial<Counts> | undefined);
    const sum = (key: keyof Counts) => counts.reduce((total, part) => total + countIn(part?.[key]), 0);
    const done = all.filter((job) => job?.returnvalue != null).length;
    return { parts: this.parts, done, rows: sum('rows'), errors: sum('errors') };
  }

  async finished({ onProgress, signal }: Parameters<Run['finished']>[0] = {}): Promise<Success> {
    for (;;) {
      // Polled: a listener would not learn that Redis is gone.
      const job = await this.#ask(() => this.queue.getJob(this.id));
      if (job === undefined)
        throw new AlbertError('ERR_SOURCE', `the queue ${this.queue.name} has lost the run ${this.id}`);
      onProgress?.(await this.progress());
      if (job.returnvalue != null) {
        const { run, parts, ...counts } = job.returnvalue;
        return { run: this.id, parts: this.parts, ...checkCounts(counts) };
      }
      if (await this.#ask(() => job.isFailed())) {
        const parts = await this.#parts();
        const part = parts.findIndex((job) => job?.failedReason);
        const why = part === -1 ? job.failedReason : `part ${part}: ${parts[part]?.failedReason}`;
        throw new AlbertError('ERR_INTERNAL', `the run ${this.id} has failed: ${why}`);
      }
      await sleep(POLL_MS, undefined, { signal }).catch((cause) => {
        throw new AlbertError('ERR_ABORTED', 'the operation was aborted', { cause });
      });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.queue.close(), this.flows.close()]).catch(() => {});
    this.redis.disconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #parts(): Promise<(Job | undefined)[]> {
    const ids = Array.from({ length: this.parts }, (_, part) => partId(this.id, part));
    return this.#ask(() => Promise.all(ids.map((id) => this.queue.getJob(id))));
  }

  async #ask<R>(question: () => Promise<R>): Promise<R> {
    try {
      return await question();
    } catch (cause) {
      throw refusal(this.redis, cause);
    }
  }
}
