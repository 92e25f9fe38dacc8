/**
 * A worker thread's program. A forward holds its thread until it is done; the thread that renews the job's lock is another,
 * so that no job is taken for stalled because its model is busy.
 */
import { workerData } from 'node:worker_threads';
import type { SandboxedJob } from 'bullmq';
import type { Roots } from './roots.js';
import { doJob } from './work.js';

export default function process(job: SandboxedJob<unknown>): Promise<object> {
  const { roots } = workerData as { roots: Roots };
  return doJob(job, roots);
}
