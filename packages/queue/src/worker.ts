/** A worker: takes jobs from the queue, one for each of its threads. */
import { AlbertError } from 'albert-wasm';
import { Worker, type WorkerOptions } from 'bullmq';
import { type Connection, connect } from './connection.js';
import { QUEUE } from './jobs.js';
import { rootsOf } from './roots.js';

export interface ShardWorkerOptions
  extends Pick<WorkerOptions, 'lockDuration' | 'stalledInterval' | 'maxStalledCount'> {
  readonly connection: Connection;
  readonly queue?: string;
  /**
   * The directory, or directories, that jobs may read: files of lines, and models named by a path. A client that can write to
   * the queue can have any file in them read as lines.
   */
  readonly input: string | readonly string[];
  /** The directory, or directories, under which jobs may write rows; each run in a directory that `enqueue` has claimed for it. */
  readonly output: string | readonly string[];
  /** URLs and Hub ids that jobs may name as their model; default: none. */
  readonly models?: readonly string[];
  /** The number of jobs that run at once, each with its own thread and model; default: 1. */
  readonly concurrency?: number;
  /** Called for a connection that breaks, which is retried until it succeeds, and for a job that fails. */
  readonly onError?: (error: Error) => void;
}

/**
 * Starts a worker; its `close()` waits for the running jobs and then ends it.
 *
 * @throws ERR_INPUT for invalid roots; ERR_SOURCE if Redis does not answer
 */
export async function startWorker({
  connection,
  queue = QUEUE,
  concurrency = 1,
  input,
  output,
  models,
  onError = complain,
  ...options
}: ShardWorkerOptions): Promise<Worker> {
  const roots = rootsOf({ input, output, models });
  const redis = await connect(connection, null);
  const worker = new Worker(queue, new URL('./processor.js', import.meta.url), {
    // A lost machine costs a part one of these attempts; a part that crashes its workers must fail in the end.
    maxStalledCount: 3,
    ...options,
    connection: redis,
    concurrency,
    useWorkerThreads: true,
    // Without the program's flags: a thread needs no preloads, and refuses some flags.
    workerThreadsOptions: { execArgv: [], workerData: { roots } },
  });
  worker.on('error', onError);
  worker.on('closed', () => redis.disconnect());
  worker.on('failed', (job, cause) =>
    onError(new AlbertError('ERR_INTERNAL', `${job?.name} ${job?.id}: ${cause.message}`, { cause })),
  );
  await worker.waitUntilReady();
  return worker;
}

/** Untrusted names must not act on a terminal: the library's error escapes them. */
function complain({ message }: Error): void {
  process.stderr.write(`${new AlbertError('ERR_INTERNAL', `albert-wasm shards: ${message}`).message}\n`);
}
