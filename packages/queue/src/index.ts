/** `@albert-wasm/queue`: the shards of a file, over BullMQ and Redis, on as many machines as share a disk. */
export type { Connection } from './connection.js';
export { type EnqueueOptions, enqueue, type Progress, type Run } from './enqueue.js';
export type { Counts, Work } from './jobs.js';
export type { Success } from './output.js';
export { type ShardWorkerOptions, startWorker } from './worker.js';
