/** A worker: takes jobs from the queue, one for each of its threads. */
import { Worker, type WorkerOptions } from 'bullmq';
import { type Connection, connect } from './connection.js';
import { QUEUE } from './jobs.js';

export interface ShardWorkerOptions
  extends Pick<WorkerOptions, 'lockDuration' | 'stalledInterval' | 'maxStalledCount'> {
  readonly connection: Connection;
  readonly queue?: string;
  /** Jobs at once, each with a thread and a model of its own; 1 unless given. */
  readonly concurrency?: number;
  /** Hears of connections that break, which are tried again until they hold, and of jobs that fail. */
  readonly onError?: (error: Error) => void;
}

/**
 * Starts a worker; `close()` lets its jobs end and then ends it.
 *
 * @throws ERR_SOURCE where Redis does not answer
 */
export async function startWorker({
  connection,
  queue = QUEUE,
  concurrency = 1,
  onError = (error) => process.stderr.write(`albert-wasm shards: ${error.message}\n`),
  ...options
}: ShardWorkerOptions): Promise<Worker> {
  const redis = await connect(connection, null);
  const worker = new Worker(queue, new URL('./processor.js', import.meta.url), {
    // A machine that is lost costs a part one attempt of these; a part that brings its worker down must come to an end.
    maxStalledCount: 3,
    ...options,
    connection: redis,
    concurrency,
    useWorkerThreads: true,
    // Without the program's flags: a thread needs none of its preloads, and refuses some.
    workerThreadsOptions: { execArgv: [] },
  });
  worker.on('error', onError);
  worker.on('closed', () => redis.disconnect());
  worker.on('failed', (job, error) =>
    onError(new Error(`${job?.name} ${job?.id}: ${error.message}`, { cause: error })),
  );
  await worker.waitUntilReady();
  return worker;
}
