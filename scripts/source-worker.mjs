/** A worker from its TypeScript source: Node 20 hands a worker's first file to no loader. */
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import(workerData.kind === 'threads' ? '../src/engine/helper.ts' : '../src/model/runners/worker/entry.ts');
