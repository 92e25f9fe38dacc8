/**
 * Flax checkpoints, read and written as `flax.serialization` does: nested maps whose leaves are extension 1, itself
 * the msgpack of [shape, dtype name, values]. Names are the keys joined by `/`.
 * Format: https://github.com/google/flax/blob/main/flax/serialization.py
 */
import type { Checkpoint } from './checkpoint.js';
import { FlaxReader } from './flax-reader.js';

export { encodeFlaxMsgpack } from './flax-writer.js';

/**
 * Reads a Flax checkpoint. The tensors are views of `bytes`, except for arrays stored in several chunks, which are joined.
 * A NumPy scalar is a tensor of rank 0; a leaf that is not an array is refused, since no model has one among its parameters.
 *
 * @param file for messages
 * @throws ERR_CHECKPOINT for any departure from the format, naming the path in the tree
 */
export function decodeFlaxMsgpack(bytes: Uint8Array, file: string): Checkpoint<Uint8Array> {
  const reader = new FlaxReader(bytes, file);
  return { format: 'flax_msgpack', naming: 'flax', tensors: reader.read(), metadata: {} };
}
