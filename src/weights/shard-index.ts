/** The index of a checkpoint in shards: `model.safetensors.index.json` and its kind. */
import { AlbertError, mismatch } from '../ground/errors.js';
import { MAX_NAME_BYTES, MAX_TENSORS } from './checkpoint.js';
import { JsonCursor } from './json-cursor.js';

/**
 * The index's `weight_map`: the shard of each tensor.
 *
 * @param file for messages
 * @throws ERR_CHECKPOINT
 */
export function readShardIndex(bytes: Uint8Array, file: string): ReadonlyMap<string, string> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AlbertError('ERR_CHECKPOINT', `"index" expected valid UTF-8 at ${file}`, { cause });
  }
  const json = new JsonCursor(text, file);
  const weightMap = new Map<string, string>();
  json.object('index', (key) => {
    if (key !== 'weight_map') return json.skip(key);
    json.object(key, (name) => {
      const shard = json.string(name);
      // The name goes into a URL: no slash, no dots that climb, nothing percent-encoded, no query.
      if (shard.length > MAX_NAME_BYTES || !/^\w(\.?[\w-])*$/.test(shard))
        throw mismatch('ERR_CHECKPOINT', name, 'a plain file name', shard, file);
      weightMap.set(name, shard);
    });
  });
  json.end('index');
  if (weightMap.size === 0) throw mismatch('ERR_CHECKPOINT', 'weight_map', 'the shard of each tensor', 'none', file);
  if (weightMap.size > MAX_TENSORS)
    throw mismatch('ERR_CHECKPOINT', 'weight_map', `at most ${MAX_TENSORS} tensors`, weightMap.size, file);
  return weightMap;
}
