/** Writes PyTorch's files as PyTorch does, and as it never would. */
import { crc32 } from 'node:zlib';
import { DTYPE_BYTES, type StoredDtype } from '../../src/weights/checkpoint.js';

/** What Python would pickle. */
export type Python =
  | null
  | boolean
  | number
  | bigint
  | string
  | { readonly tuple: readonly Python[] }
  | { readonly list: readonly Python[] }
  | { readonly dict: readonly (readonly [Python, Python])[] }
  /** `module name` */
  | { readonly global: string }
  | { readonly call: Python; readonly args: readonly Python[]; readonly state?: Python }
  | { readonly persistent: Python }
  /** Opcodes as they are. */
  | { readonly raw: readonly number[] };

const ascii = (text: string) => [...new TextEncoder().encode(text)];
const le = (value: number | bigint, bytes: number) =>
  Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));

/** A pickle of protocol 2, or of 4 with its frames, short strings and memo. */
export function pickle(value: Python, protocol = 2): Uint8Array {
  const body = [...opcodes(value, protocol), 0x2e];
  const frame = protocol >= 4 ? [0x95, ...le(body.length, 8)] : [];
  return Uint8Array.from([0x80, protocol, ...frame, ...body]);
}

function opcodes(value: Python, protocol: number): number[] {
  const of = (inner: Python) => opcodes(inner, protocol);
  if (value === null) return [0x4e];
  if (typeof value === 'boolean') return [value ? 0x88 : 0x89];
  if (typeof value === 'bigint') return [0x8a, 10, ...le(value, 10)];
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) {
      const float = new DataView(new ArrayBuffer(8));
      float.setFloat64(0, value);
      return [0x47, ...new Uint8Array(float.buffer)];
    }
    if (value >= 0 && value < 256) return [0x4b, value];
    if (value >= 0 && value < 65536) return [0x4d, ...le(value, 2)];
    return Math.abs(value) < 2 ** 31 ? [0x4a, ...le(value, 4)] : [0x8a, 8, ...le(value, 8)];
  }
  if (typeof value === 'string') {
    const bytes = ascii(value);
    return protocol >= 4 && bytes.length < 256
      ? [0x8c, bytes.length, ...bytes, 0x94]
      : [0x58, ...le(bytes.length, 4), ...bytes, ...(protocol >= 4 ? [0x94] : [0x71, 7])];
  }
  if ('raw' in value) return [...value.raw];
  if ('tuple' in value) {
    const items = value.tuple.flatMap(of);
    if (value.tuple.length === 0) return [0x29];
    return value.tuple.length <= 3 ? [...items, 0x84 + value.tuple.length] : [0x28, ...items, 0x74];
  }
  if ('list' in value) return [0x5d, 0x28, ...value.list.flatMap(of), 0x65];
  if ('dict' in value) return [0x7d, 0x28, ...value.dict.flatMap(([key, item]) => [...of(key), ...of(item)]), 0x75];
  if ('global' in value) {
    const [module = '', name = ''] = value.global.split(' ');
    return protocol >= 4 ? [...of(module), ...of(name), 0x93] : [0x63, ...ascii(`${module}\n${name}\n`)];
  }
  if ('persistent' in value) return [...of(value.persistent), 0x51];
  const state = value.state === undefined ? [] : [...of(value.state), 0x62];
  return [...of(value.call), ...of({ tuple: value.args }), 0x52, ...state];
}

export const STORAGE_CLASSES: Readonly<Partial<Record<StoredDtype, string>>> = {
  F32: 'torch FloatStorage',
  F16: 'torch HalfStorage',
  BF16: 'torch BFloat16Storage',
  F64: 'torch DoubleStorage',
  I64: 'torch LongStorage',
  I32: 'torch IntStorage',
  I16: 'torch ShortStorage',
  I8: 'torch CharStorage',
  U8: 'torch ByteStorage',
  BOOL: 'torch BoolStorage',
};

export interface TorchStorage {
  readonly key: string;
  readonly dtype: StoredDtype;
  readonly bytes: Uint8Array;
  /** In place of the class of its dtype. */
  readonly type?: string;
  /** In place of the elements that it has. */
  readonly count?: number;
}

export interface TorchTensor {
  readonly name: string;
  readonly storage: TorchStorage;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
  readonly offset?: number;
  /** As a Parameter of the model, not a plain tensor. */
  readonly parameter?: boolean;
}

const ORDERED: Python = { call: { global: 'collections OrderedDict' }, args: [] };

/** A tensor as `torch.save` pickles it. `older` has one element more in its storage's id. */
export function tensorObject(tensor: TorchTensor, older = false): Python {
  const { storage, shape, offset = 0, parameter = false } = tensor;
  const { key, dtype, bytes, count = bytes.length / DTYPE_BYTES[dtype] } = storage;
  const type: Python = { global: storage.type ?? (STORAGE_CLASSES[dtype] as string) };
  const id: Python[] = ['storage', type, key, 'cpu', count, ...(older ? [null] : [])];
  const strides = tensor.strides ?? shape.map((_, i) => shape.slice(i + 1).reduce((product, dim) => product * dim, 1));
  const args = [{ persistent: { tuple: id } }, offset, { tuple: shape }, { tuple: strides }, false, ORDERED];
  const view: Python = { call: { global: 'torch._utils _rebuild_tensor_v2' }, args };
  return parameter ? { call: { global: 'torch._utils _rebuild_parameter' }, args: [view, true, ORDERED] } : view;
}

/** The state of a model with these tensors: an OrderedDict with its modules' versions as an attribute. */
export function stateDict(tensors: readonly TorchTensor[], older = false): Python {
  return { dict: tensors.map((tensor) => [tensor.name, tensorObject(tensor, older)] as const) };
}

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** Bytes between the record's head and the content, as PyTorch aligns it. */
  readonly padding?: number;
}

/** A zip archive of stored entries, with records of 64 bits where asked for. */
export function zip(entries: readonly ZipEntry[], zip64 = false): Uint8Array {
  const parts: ArrayLike<number>[] = [];
  const directory: number[][] = [];
  let at = 0;
  for (const { name, bytes, method = 0, flags = 0x800, padding = 0 } of entries) {
    const [title, crc] = [ascii(name), le(crc32(bytes), 4)];
    const common = [...le(flags, 2), ...le(method, 2), 0, 0, 0, 0, ...crc];
    const sizes = [...le(bytes.length, 4), ...le(bytes.length, 4)];
    const head = [...le(0x04034b50, 4), 20, 0, ...common, ...sizes, ...le(title.length, 2), ...le(padding, 2)];
    parts.push(head, title, new Uint8Array(padding).fill(0x5a), bytes);
    const wide = [1, 0, 24, 0, ...le(bytes.length, 8), ...le(bytes.length, 8), ...le(at, 8)];
    const extra = zip64 ? wide : [];
    const narrow = [...sizes, ...le(title.length, 2), ...le(extra.length, 2), ...new Array(10).fill(0), ...le(at, 4)];
    const hidden = [...new Array(8).fill(0xff), ...narrow.slice(8, 22), 255, 255, 255, 255];
    directory.push([...le(0x02014b50, 4), 20, 0, 20, 0, ...common, ...(zip64 ? hidden : narrow), ...title, ...extra]);
    at += head.length + title.length + padding + bytes.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const counts = (bytes: number) => [...le(entries.length, bytes), ...le(entries.length, bytes)];
  const end64 = [
    ...[...le(0x06064b50, 4), ...le(44, 8), 30, 3, 45, 0, ...new Array(8).fill(0), ...counts(8)],
    ...[...le(size, 8), ...le(at, 8)],
    ...[...le(0x07064b50, 4), ...new Array(4).fill(0), ...le(at + size, 8), 1, 0, 0, 0],
  ];
  const end = [...le(0x06054b50, 4), 0, 0, 0, 0, ...counts(2), ...le(size, 4), ...le(at, 4), 0, 0];
  const all = [...parts, ...directory, ...(zip64 ? [end64] : []), end];
  const archive = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let to = 0;
  for (const part of all) {
    archive.set(part, to);
    to += part.length;
  }
  return archive;
}

/** The storages of tensors, each once. */
function storagesOf(tensors: readonly TorchTensor[]): TorchStorage[] {
  return [...new Map(tensors.map(({ storage }) => [storage.key, storage])).values()];
}

/** A file of today: `archive/data.pkl` and `archive/data/KEY`. */
export function torchZip(tensors: readonly TorchTensor[], object = stateDict(tensors), protocol = 2): Uint8Array {
  const records = storagesOf(tensors).map(({ key, bytes }) => ({ name: `archive/data/${key}`, bytes, padding: 5 }));
  return zip([
    { name: 'archive/data.pkl', bytes: pickle(object, protocol) },
    { name: 'archive/byteorder', bytes: new TextEncoder().encode('little') },
    ...records,
    { name: 'archive/version', bytes: new TextEncoder().encode('3\n') },
  ]);
}

export const MAGIC = 0x1950a86a20f9469cfc6cn;

/** A file from before 1.6. */
export function torchOlder(
  tensors: readonly TorchTensor[],
  object = stateDict(tensors, true),
  changes: { protocol?: number; littleEndian?: boolean; keys?: readonly Python[]; magic?: Python } = {},
): Uint8Array {
  const storages = storagesOf(tensors);
  const { protocol = 2, littleEndian = true, magic = MAGIC, keys = storages.map(({ key }) => key) } = changes;
  const machine: Python = {
    dict: [
      ['protocol_version', 1001],
      ['little_endian', littleEndian],
      ['type_sizes', { dict: [['long', 4]] }],
    ],
  };
  const pickles = [magic, 1001, machine, object, { list: keys }].map((value) => pickle(value, protocol));
  const records = storages.flatMap(({ dtype, bytes }) => [
    Uint8Array.from(le(bytes.length / DTYPE_BYTES[dtype], 8)),
    bytes,
  ]);
  return Uint8Array.from(Buffer.concat([...pickles, ...records]));
}
