/** A worker from its TypeScript source: Node 20 hands a worker's first file to no loader. */
import { register } from 'tsx/esm/api';

register();
await import('../src/engine/worker.ts');
