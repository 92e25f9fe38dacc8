/** The forms in which labels come, read into flat lists: arrays, typed arrays, tensors. */
import { mismatch } from '../ground/errors.js';
import type { NestedNumbers, Tensor } from '../ground/tensor.js';

/** Numbers of any kind, flat. */
type Numbers = readonly (number | bigint)[] | Int32Array | BigInt64Array | Float32Array | Float64Array;

/** Numbers with a shape, without nesting. */
interface ShapedNumbers {
  readonly data: Numbers;
  readonly shape: readonly number[];
}

/** Nested as the inputs are; a list of inputs has a list of labels, one entry for each. */
export type LabelValues = readonly (NestedNumbers | Numbers | ShapedNumbers)[] | Numbers | ShapedNumbers | Tensor;

/** Flat values, and the name of each one's place. */
interface Located {
  readonly values: ArrayLike<unknown>;
  where(i: number): string;
}

/** One number for each of `count` examples. @throws ERR_INPUT for another shape */
export function numbersOf(title: string, labels: LabelValues | undefined, count: number): Located {
  const flat = flatOf(labels);
  if (flat === undefined || !hasShape(flat.shape, [count])) {
    throw mismatch('ERR_INPUT', title, `${count} numbers, one per example`, flat?.shape ?? labels);
  }
  const nested = flat.shape.length === 2;
  return { values: flat.values, where: (i) => (nested ? `[${i}, 0]` : `[${i}]`) };
}

/** A row for each example, of these lengths. @throws ERR_INPUT for another shape */
export function rowsOf(title: string, labels: LabelValues | undefined, lengths: readonly number[]): Located {
  const offsets = [0];
  for (const length of lengths) offsets.push((offsets.at(-1) as number) + length);
  const where = (i: number) => {
    const row = offsets.findIndex((offset) => offset > i) - 1;
    return `[${row}, ${i - (offsets[row] as number)}]`;
  };
  const rows = partsOf(labels, lengths);
  if (rows.length !== lengths.length) {
    throw mismatch('ERR_INPUT', title, `${lengths.length} rows, one per sequence`, labels);
  }
  const values = rows.flatMap((row, i) => {
    const flat = flatOf(row);
    if (flat === undefined || !hasShape(flat.shape, [lengths[i] as number])) {
      throw mismatch('ERR_INPUT', title, `rows of ${lengths[i]} numbers`, flat?.shape ?? row, `[${i}]`);
    }
    return Array.from<unknown>(flat.values);
  });
  return { values, where };
}

/** The rows of labels. A single row may come without nesting. */
function partsOf(labels: unknown, lengths: readonly number[]): readonly unknown[] {
  if (Array.isArray(labels)) return lengths.length === 1 && typeof labels[0] !== 'object' ? [labels] : labels;
  const flat = flatOf(labels);
  if (flat === undefined) return [];
  const { values, shape } = flat;
  if (shape.length === 1) return [values];
  const [rows = 0, cols = 0] = shape;
  const cells = Array.from<unknown>(values);
  return shape.length === 2 ? Array.from({ length: rows }, (_, i) => cells.slice(i * cols, (i + 1) * cols)) : [];
}

/** Whether this is the shape, or the shape with an axis of 1 before or after it. */
function hasShape(shape: readonly number[], [count]: readonly [number]): boolean {
  if (shape.length === 1) return shape[0] === count;
  return shape.length === 2 && shape.includes(1) && (shape[0] as number) * (shape[1] as number) === count;
}

/** Values that have a shape: of an array, a typed array or a tensor, or of an array of one-element or one whole array. */
function flatOf(value: unknown): { values: ArrayLike<unknown>; shape: readonly number[] } | undefined {
  if (isNumbers(value)) return { values: value, shape: [value.length] };
  if (Array.isArray(value)) {
    if (value.every((cell) => typeof cell !== 'object')) return { values: value, shape: [value.length] };
    const rows: readonly unknown[] = value.map((row) => (isNumbers(row) || Array.isArray(row) ? row : undefined));
    if (rows.some((row) => row === undefined)) return undefined;
    const [first] = rows as [ArrayLike<unknown>];
    if (rows.some((row) => (row as ArrayLike<unknown>).length !== first.length)) return undefined;
    return { values: rows.flatMap((row) => Array.from(row as ArrayLike<unknown>)), shape: [rows.length, first.length] };
  }
  if (typeof value !== 'object' || value === null || !('data' in value) || !('shape' in value)) return undefined;
  const { data, shape } = value;
  if (!Array.isArray(shape) || !(isNumbers(data) || Array.isArray(data))) return undefined;
  const size = shape.reduce((product: number, dim: unknown) => product * Number(dim), 1);
  return size === data.length ? { values: data, shape } : undefined;
}

/** Whether a value is a typed array. */
function isNumbers(value: unknown): value is ArrayLike<unknown> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}
