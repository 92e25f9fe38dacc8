/**
 * What a checkpoint's pickle may contain: plain values, dicts, tensors over storages. A name outside the list below is refused;
 * no name is ever looked up or called.
 */
import { mismatch } from '../../ground/errors.js';
import type { StoredDtype } from '../checkpoint.js';

/** Tuples are arrays, lists are not: nothing here reads a list. */
export type Value = null | boolean | number | bigint | string | readonly Value[] | List | Dict | Name | Storage | View;

export class List {
  readonly items: Value[] = [];
}

export class Dict {
  readonly entries = new Map<Value, Value>();
}

/** Contiguous numbers of one dtype: a record of the file. */
export class Storage {
  /**
   * @param key by which the file finds it
   * @param count elements
   */
  constructor(
    readonly key: string,
    readonly dtype: StoredDtype,
    readonly count: number,
  ) {}
}

/** A tensor as the pickle describes it, unchecked: elements of a storage from `offset` on. */
export class View {
  constructor(
    readonly storage: Storage,
    readonly offset: Value,
    readonly shape: Value,
    readonly strides: Value,
  ) {}
}

/** A name of the list. */
export class Name {
  /**
   * @param name as Python writes it
   * @param dtype of a class of storages
   * @param rebuild returns what Python's function of this name would; absent for a name that is only mentioned
   */
  constructor(
    readonly name: string,
    readonly dtype?: StoredDtype,
    readonly rebuild?: (args: readonly Value[]) => Value | undefined,
  ) {}
}

const STORAGES: Readonly<Record<string, StoredDtype>> = {
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.DoubleStorage': 'F64',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
  'torch.storage.UntypedStorage': 'U8',
  'torch.storage._UntypedStorage': 'U8',
};

const DTYPES = [
  'float32',
  'float',
  'float16',
  'half',
  'bfloat16',
  'float64',
  'double',
  'int64',
  'long',
  'int32',
  'int',
];
const MORE_DTYPES = ['int16', 'short', 'int8', 'uint8', 'bool'];

/** Functions, by what they would return; `undefined` for arguments that they do not take. */
const FUNCTIONS: Readonly<Record<string, (args: readonly Value[]) => Value | undefined>> = {
  'collections.OrderedDict': ({ length }) => (length === 0 ? new Dict() : undefined),
  // (storage, offset, size, stride, requires_grad, backward_hooks[, metadata])
  'torch._utils._rebuild_tensor_v2': ([storage, offset = null, shape = null, strides = null]) =>
    storage instanceof Storage ? new View(storage, offset, shape, strides) : undefined,
  // (data, requires_grad, backward_hooks)
  'torch._utils._rebuild_parameter': ([data]) => (data instanceof View ? data : undefined),
  'torch.Size': ([shape]) => (Array.isArray(shape) ? shape : undefined),
};

const NAMES: ReadonlyMap<string, Name> = new Map(
  [
    ...Object.entries(STORAGES).map(([name, dtype]) => new Name(name, dtype)),
    ...[...DTYPES, ...MORE_DTYPES].map((name) => new Name(`torch.${name}`)),
    ...Object.entries(FUNCTIONS).map(([name, rebuild]) => new Name(name, undefined, rebuild)),
  ].map((name) => [name.name, name]),
);

/** @throws ERR_CHECKPOINT for a name that no checkpoint of tensors needs */
export function nameOf(module: string, name: string, where: string): Name {
  const known = NAMES.get(`${module}.${name}`);
  if (known !== undefined) return known;
  throw mismatch(
    'ERR_CHECKPOINT',
    'pickle',
    'only the names that tensors need, since any other runs code when Python loads it',
    `${module}.${name}`,
    where,
  );
}

/** What a persistent id stands for: ('storage', class, key, location, elements[, view]). */
export function storageOf(id: Value, where: string): Storage {
  // Never a value itself in a message: a tuple of tuples may be without end.
  const wrong = (expected: string, got: string) => mismatch('ERR_CHECKPOINT', 'storage', expected, got, where);
  if (!Array.isArray(id) || id[0] !== 'storage') throw wrong("('storage', class, key, location, elements)", kindOf(id));
  const [, type = null, key = null, , count = null, view = null] = id as readonly Value[];
  if (!(type instanceof Name && type.dtype !== undefined)) throw wrong('a class of storages', kindOf(type));
  if (typeof key !== 'string') throw wrong('a key that is a string', kindOf(key));
  if (!isCount(count)) throw wrong('a count of elements', String(typeof count === 'number' ? count : kindOf(count)));
  if (view !== null) throw wrong('a storage of its own', 'a part of another');
  return new Storage(key, type.dtype, count);
}

/** Whether this is an integer from 0 to 2^53 - 1. */
export function isCount(value: Value): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A word for a value of any kind. */
export function kindOf(value: Value): string {
  if (value === null) return 'None';
  if (Array.isArray(value)) return 'a tuple';
  if (value instanceof List) return 'a list';
  if (value instanceof Dict) return 'a dict';
  if (value instanceof View) return 'a tensor';
  if (value instanceof Storage) return 'a storage';
  return value instanceof Name ? value.name : `a ${typeof value}`;
}
