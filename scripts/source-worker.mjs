/** A worker from its TypeScript source: Node 20 hands a worker's first file to no loader. */
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
const FILES = {
  threads: '../src/engine/helper.ts',
  model: '../src/model/runners/worker/entry.ts',
  training: '../src/training/worker/entry.ts',
};
await import(FILES[workerData.kind]);
