/** Tensors: numbers with a shape, which models return and callers may pass. */
import { mismatch } from './errors.js';
import { ownArray } from './realm.js';

/** The type of a tensor's numbers. */
export type TensorDtype = 'float32' | 'int32' | 'int64';
/** A tensor's numbers, row-major. */
export type TensorData = Float32Array | Int32Array | BigInt64Array;

/** Nested arrays of numbers: the plain JavaScript form of a tensor. */
export type NestedNumbers = number | bigint | NestedNumbers[];

/** A row-major array of numbers and its shape. The data belong to the owner of the tensor. */
export class Tensor<D extends TensorData = TensorData> {
  readonly data: D;
  readonly shape: readonly number[];

  /** @throws ERR_INPUT if the shape does not match the number of elements */
  constructor(data: D, shape: readonly number[]) {
    const own = ownArray(data, 'Float32Array', 'Int32Array', 'BigInt64Array');
    if (own === undefined) {
      throw mismatch('ERR_INPUT', 'data', 'a Float32Array, an Int32Array or a BigInt64Array', data);
    }
    if (!Array.isArray(shape)) throw mismatch('ERR_INPUT', 'shape', 'an array of dimensions', shape);
    const size = shape.reduce((product, dim) => product * dim, 1);
    if (size !== data.length || shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0)) {
      throw mismatch('ERR_INPUT', 'shape', `a shape of ${data.length} elements`, [...shape]);
    }
    this.data = own as D;
    this.shape = Object.freeze([...shape]);
  }

  /** The type of the numbers. */
  get dtype(): TensorDtype {
    if (this.data instanceof Float32Array) return 'float32';
    return this.data instanceof Int32Array ? 'int32' : 'int64';
  }

  /** The same numbers as nested arrays; a tensor of rank 0 is a bare number. */
  tolist(): NestedNumbers {
    let offset = 0;
    const build = (axis: number): NestedNumbers => {
      if (axis === this.shape.length) return this.data[offset++] as number | bigint;
      return Array.from({ length: this.shape[axis] as number }, () => build(axis + 1));
    };
    return build(0);
  }
}
