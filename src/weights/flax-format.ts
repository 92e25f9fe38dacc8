/** What the Flax reader and writer share: the marks of `flax.serialization`. */
import type { StoredDtype } from './checkpoint.js';

/** Maps within maps. A tree of FlaxAlbert has 9. */
export const MAX_DEPTH = 16;

/** Extension types. */
export const NDARRAY = 1;
export const COMPLEX = 2;
export const NUMPY_SCALAR = 3;

/** NumPy's names of the dtypes. */
export const NUMPY_NAMES: Readonly<Record<StoredDtype, string>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  U16: 'uint16',
  U32: 'uint32',
  U64: 'uint64',
  BOOL: 'bool',
};

/** The key by which Flax marks an array that it cut up, since msgpack counts bytes in 32 bits. */
export const CHUNKED = '__msgpack_chunked_array__';
