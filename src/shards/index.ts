/** `albert-wasm/shards`: large files of lines in slices, on one machine or many (Node only). */
export { cutFile, type Shard } from './cut.js';
export type { ErrorRow, LineTasks } from './formats.js';
export { type LineCall, processShard, type ShardRow } from './process-shard.js';
