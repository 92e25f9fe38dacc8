/** What `rare.ts` loads on demand. One module, so that a bundler makes one file of it. */
import { type Bytes, sliceBytes } from '../ground/bytes.js';
import type { Checkpoint } from './checkpoint.js';
import { decodeFlaxMsgpack } from './flax-msgpack.js';

export { noWeights } from './no-weights.js';
export { readPytorch } from './pytorch/read.js';

export async function readFlax(file: Bytes, name: string): Promise<Checkpoint> {
  return decodeFlaxMsgpack(await sliceBytes(file), name);
}
