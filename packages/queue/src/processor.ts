/**
 * Processes a job in a worker thread. A forward blocks this thread until it is done; another thread renews the job's lock, so a
 * job does not count as stalled while its model is busy.
 */
import { workerData } from 'node:worker_threads';
import type { SandboxedJob } from 'bullmq';
import type { Roots } from './roots.js';
import { doJob } from './work.js';

export default function process(job: SandboxedJob<unknown>): Promise<object> {
  const { roots } = workerData as { roots: Roots };
  return doJob(job, roots);
}
