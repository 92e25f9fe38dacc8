/** Writes a tree of tensors, byte for byte as `flax.serialization.to_bytes` does. */
import { mismatch } from '../ground/errors.js';
import { DTYPE_BYTES } from './checkpoint.js';
import { CHUNKED, MAX_DEPTH, NDARRAY, NUMPY_NAMES } from './flax-format.js';
import { arrayHead, binaryHead, countBytes, extensionHead, mapHead, stringBytes, TRUE } from './msgpack.js';
import { checkedTensors, encodeFloats, type TensorToWrite, type WrittenDtype } from './tensor-to-write.js';

/** The size in bytes from which Flax cuts an array up. */
const CHUNK_BYTES = 2 ** 30;

type Tree = Map<string, Tree | TensorToWrite>;

/** A piece of the file: bytes as they are, or values still to be narrowed. */
type Part = Uint8Array | Float32Array;

/**
 * Writes a Flax checkpoint. The maps keep the order in which the tensors come.
 *
 * @param tensors names with `/` become nested maps
 * @param dtype of every tensor; F16 and BF16 round to nearest even
 * @param chunkBytes arrays of more bytes are cut into chunks of this size; Flax reads any size
 * @throws ERR_PARAMETER for tensors that no reader would accept, or a name that is a tensor and a map at once
 */
export function encodeFlaxMsgpack(
  tensors: Iterable<TensorToWrite>,
  dtype: WrittenDtype,
  chunkBytes: number = CHUNK_BYTES,
): Uint8Array {
  const parts: Part[] = [];
  pushMap(parts, treeOf(tensors), { dtype, chunkBytes });

  const sizes = parts.map((part) => (part instanceof Float32Array ? part.length * DTYPE_BYTES[dtype] : part.length));
  const file = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let offset = 0;
  for (const [i, part] of parts.entries()) {
    const target = file.subarray(offset, (offset += sizes[i] as number));
    if (part instanceof Float32Array) encodeFloats(part, dtype, target);
    else target.set(part);
  }
  return file;
}

function treeOf(tensors: Iterable<TensorToWrite>): Tree {
  const root: Tree = new Map();
  for (const tensor of checkedTensors(tensors).values()) {
    const keys = tensor.name.split('/');
    if (keys.length > MAX_DEPTH) throw mismatch('ERR_PARAMETER', tensor.name, `at most ${MAX_DEPTH} keys`, keys.length);
    const leaf = keys.pop() as string;
    let map = root;
    for (const key of keys) {
      let next = map.get(key);
      if (next === undefined) map.set(key, (next = new Map()));
      if (!(next instanceof Map)) throw mismatch('ERR_PARAMETER', tensor.name, `"${key}" to be a map`, 'a tensor');
      map = next;
    }
    if (map.has(leaf)) throw mismatch('ERR_PARAMETER', tensor.name, 'to be a tensor', 'a map');
    map.set(leaf, tensor);
  }
  return root;
}

interface Layout {
  readonly dtype: WrittenDtype;
  readonly chunkBytes: number;
}

function pushMap(parts: Part[], map: Tree, layout: Layout): void {
  parts.push(mapHead(map.size));
  for (const [key, value] of map) {
    parts.push(stringBytes(key));
    if (value instanceof Map) pushMap(parts, value, layout);
    else if (value.data.length * DTYPE_BYTES[layout.dtype] > layout.chunkBytes) pushChunked(parts, value, layout);
    else pushArray(parts, value.shape, value.data, layout.dtype);
  }
}

function pushChunked(parts: Part[], { shape, data }: TensorToWrite, { dtype, chunkBytes }: Layout): void {
  const length = Math.max(1, Math.floor(chunkBytes / DTYPE_BYTES[dtype]));
  parts.push(mapHead(3), stringBytes(CHUNKED), TRUE, stringBytes('shape'), mapHead(shape.length));
  for (const [axis, dim] of shape.entries()) parts.push(stringBytes(String(axis)), countBytes(dim));
  const chunks = Math.ceil(data.length / length);
  parts.push(stringBytes('chunks'), mapHead(chunks));
  for (let i = 0; i < chunks; i++) {
    const chunk = data.subarray(i * length, (i + 1) * length);
    parts.push(stringBytes(String(i)));
    pushArray(parts, [chunk.length], chunk, dtype);
  }
}

function pushArray(parts: Part[], shape: readonly number[], data: Float32Array, dtype: WrittenDtype): void {
  const valueBytes = data.length * DTYPE_BYTES[dtype];
  const heads = [arrayHead(3), arrayHead(shape.length), ...shape.map(countBytes)];
  heads.push(stringBytes(NUMPY_NAMES[dtype]), binaryHead(valueBytes));
  const payloadBytes = heads.reduce((sum, head) => sum + head.length, valueBytes);
  parts.push(extensionHead(NDARRAY, payloadBytes), ...heads, data);
}
