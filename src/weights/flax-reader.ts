/** Walks the tree of a Flax checkpoint. It knows the format; the wire is `msgpack.ts`. */
import { mismatch } from '../ground/errors.js';
import {
  DTYPE_BYTES,
  elementCount,
  MAX_NAME_BYTES,
  MAX_RANK,
  MAX_TENSORS,
  type StoredDtype,
  type StoredTensor,
} from './checkpoint.js';
import { CHUNKED, COMPLEX, MAX_DEPTH, NDARRAY, NUMPY_NAMES, NUMPY_SCALAR } from './flax-format.js';
import { MsgpackReader, type Token } from './msgpack.js';

/** The most keys that a tree can need: one per tensor on every level. */
const MAX_KEYS = MAX_TENSORS * MAX_DEPTH;

const DTYPES = new Map(Object.entries(NUMPY_NAMES).map(([dtype, name]) => [name, dtype as StoredDtype]));

export class FlaxReader {
  readonly #tensors = new Map<string, StoredTensor<Uint8Array>>();
  readonly #msgpack: MsgpackReader;
  readonly #file: string;
  #keys = 0;

  constructor(bytes: Uint8Array, file: string) {
    this.#msgpack = new MsgpackReader(bytes, file);
    this.#file = file;
  }

  read(): ReadonlyMap<string, StoredTensor<Uint8Array>> {
    const root = this.#msgpack.next('tree');
    if (root.kind !== 'map') throw mismatch('ERR_CHECKPOINT', 'tree', 'a map of parameters', root.kind, this.#file);
    this.#map('', root.size, 1);
    if (this.#msgpack.bytesLeft > 0)
      throw mismatch('ERR_CHECKPOINT', 'tree', 'nothing after it', `${this.#msgpack.bytesLeft} bytes`, this.#file);
    return this.#tensors;
  }

  /** Reads the members of a map whose size has been read. */
  #map(path: string, size: number, depth: number): void {
    if (depth > MAX_DEPTH) throw this.#fault(path, `at most ${MAX_DEPTH} nested maps`, 'one more');
    const seen = new Set<string>();
    for (let i = 0; i < size; i++) {
      const key = this.#key(path, seen);
      if (key === CHUNKED && i === 0 && depth > 1) {
        this.#add(path, this.#chunked(path, size));
        return;
      }
      const name = depth === 1 ? key : `${path}/${key}`;
      if (new TextEncoder().encode(name).length > MAX_NAME_BYTES)
        throw this.#fault('tensor name', `at most ${MAX_NAME_BYTES} bytes`, name);
      const value = this.#msgpack.next(name);
      if (value.kind === 'map') this.#map(name, value.size, depth + 1);
      else this.#add(name, this.#leaf(name, value));
    }
  }

  #add(name: string, tensor: StoredTensor<Uint8Array>): void {
    // Keys may hold a slash, so two paths can be one name.
    if (this.#tensors.has(name)) throw this.#fault(name, 'to come once', 'a second tensor');
    if (this.#tensors.size === MAX_TENSORS) throw this.#fault('tree', `at most ${MAX_TENSORS} tensors`, name);
    this.#tensors.set(name, tensor);
  }

  #key(path: string, seen: Set<string>): string {
    const token = this.#msgpack.next(path || 'tree');
    if (token.kind !== 'string') throw this.#fault(path, 'keys that are strings', token.kind);
    if (token.text.length > MAX_NAME_BYTES)
      throw this.#fault(path, `keys of at most ${MAX_NAME_BYTES} bytes`, token.text);
    if (seen.has(token.text)) throw this.#fault(path, 'every key once', token.text);
    if (++this.#keys > MAX_KEYS) throw this.#fault('tree', `at most ${MAX_KEYS} keys`, token.text);
    seen.add(token.text);
    return token.text;
  }

  #leaf(name: string, token: Token): StoredTensor<Uint8Array> {
    if (token.kind !== 'extension') throw this.#fault(name, 'an array', token.kind);
    if (token.type !== NDARRAY && token.type !== NUMPY_SCALAR)
      throw this.#fault(name, 'an array', token.type === COMPLEX ? 'a complex number' : `extension ${token.type}`);
    const tensor = this.#array(name, token.bytes);
    if (token.type === NUMPY_SCALAR && tensor.shape.length > 0)
      throw this.#fault(name, 'a scalar of rank 0', tensor.shape);
    return tensor;
  }

  /** The payload of an array: [shape, dtype name, values]. */
  #array(name: string, payload: Uint8Array): StoredTensor<Uint8Array> {
    const msgpack = new MsgpackReader(payload, `${this.#file}, array`);
    const triple = msgpack.next(name);
    if (triple.kind !== 'array' || triple.size !== 3) throw this.#fault(name, '[shape, dtype, values]', triple.kind);
    const shape = this.#shape(name, msgpack);
    const dtypeName = msgpack.next(name);
    const dtype = dtypeName.kind === 'string' ? DTYPES.get(dtypeName.text) : undefined;
    if (dtype === undefined) {
      const got = dtypeName.kind === 'string' ? dtypeName.text : dtypeName.kind;
      throw this.#fault(name, `a dtype of ${[...DTYPES.keys()].join(', ')}`, got);
    }
    const values = msgpack.next(name);
    if (values.kind !== 'binary') throw this.#fault(name, 'values as binary data', values.kind);
    if (msgpack.bytesLeft > 0) throw this.#fault(name, 'nothing after its values', `${msgpack.bytesLeft} bytes`);
    return this.#checked({ name, dtype, shape, bytes: values.bytes });
  }

  #shape(name: string, msgpack: MsgpackReader): number[] {
    const announced = msgpack.next(name);
    if (announced.kind !== 'array') throw this.#fault(name, 'a shape', announced.kind);
    if (announced.size > MAX_RANK) throw this.#fault(name, `at most ${MAX_RANK} dimensions`, announced.size);
    return Array.from({ length: announced.size }, () => this.#dim(name, msgpack.next(name)));
  }

  #dim(name: string, token: Token): number {
    if (token.kind !== 'integer') throw this.#fault(name, 'dimensions that are integers', token.kind);
    return token.value;
  }

  #checked(tensor: StoredTensor<Uint8Array>): StoredTensor<Uint8Array> {
    const { name, dtype, shape, bytes } = tensor;
    const expected = (elementCount(shape) ?? Number.NaN) * DTYPE_BYTES[dtype];
    if (!Number.isSafeInteger(expected)) throw this.#fault(name, 'a shape that can be counted', shape);
    if (expected !== bytes.length)
      throw this.#fault(name, `${expected} bytes for ${NUMPY_NAMES[dtype]} of [${shape.join(', ')}]`, bytes.length);
    return tensor;
  }

  /** `{ __msgpack_chunked_array__: true, shape: { '0': … }, chunks: { '0': array, … } }`; the first key has been read. */
  #chunked(name: string, size: number): StoredTensor<Uint8Array> {
    const mark = this.#msgpack.next(name);
    if (mark.kind !== 'true' || size !== 3) throw this.#fault(name, `${CHUNKED}, shape and chunks`, `${size} members`);
    const shape: number[] = [];
    this.#tuple(name, 'shape', MAX_RANK, (token) => shape.push(this.#dim(name, token)));
    const chunks: StoredTensor<Uint8Array>[] = [];
    this.#tuple(name, 'chunks', MAX_TENSORS, (token) => chunks.push(this.#leaf(name, token)));
    const dtype = chunks[0]?.dtype;
    if (dtype === undefined) throw this.#fault(name, 'one chunk or more', 0);
    for (const chunk of chunks) {
      if (chunk.dtype !== dtype) throw this.#fault(name, `chunks of ${dtype}`, chunk.dtype);
      if (chunk.shape.length !== 1) throw this.#fault(name, 'chunks of rank 1', chunk.shape);
    }
    return this.#checked({ name, dtype, shape, bytes: joined(chunks.map((chunk) => chunk.bytes)) });
  }

  /** A tuple as Flax stores it: a map from '0', '1', … to the items. */
  #tuple(name: string, key: string, most: number, each: (token: Token) => void): void {
    const seen = new Set<string>();
    if (this.#key(name, seen) !== key) throw this.#fault(name, `"${key}" in a chunked array`, [...seen][0]);
    const map = this.#msgpack.next(name);
    if (map.kind !== 'map') throw this.#fault(name, `${key} as a map`, map.kind);
    if (map.size > most) throw this.#fault(name, `${key} of at most ${most} items`, map.size);
    const indices = new Set<string>();
    for (let i = 0; i < map.size; i++) {
      const index = this.#key(name, indices);
      if (index !== String(i)) throw this.#fault(name, `${key} in order, "${i}" next`, index);
      each(this.#msgpack.next(name));
    }
  }

  #fault(title: string, expected: string, got: unknown) {
    return mismatch('ERR_CHECKPOINT', title || 'tree', expected, got, this.#msgpack.location());
  }
}

/** The parts one after another; a single part stays a view. Together they are no longer than the file. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
