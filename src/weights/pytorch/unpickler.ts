/**
 * An interpreter of the opcodes in PyTorch's pickles. It builds values; it imports nothing and calls nothing.
 * Opcodes: https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
import { mismatch } from '../../ground/errors.js';
import { Dict, kindOf, List, Name, nameOf, type Storage, storageOf, type Value } from './values.js';

/** A checkpoint of 4,096 tensors takes 150,000; each puts at most one value somewhere, so that memory is bounded too. */
const MAX_OPERATIONS = 2 ** 19;

const MAX_PROTOCOL = 5;

/** The bytes end within the pickle. */
export class EndOfBytes extends Error {}

export class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  readonly #memo = new Map<number, Value>();
  /** Those that the pickle mentions, by key. */
  readonly storages = new Map<string, Storage>();
  /** What is below the last mark, and below the marks before it. */
  #marks: Value[][] = [];
  #stack: Value[] = [];
  #operations = 0;
  #opcodeAt = 0;
  /** The position after the last byte read. */
  position: number;

  /** @param where for messages: the file, or the entry of an archive */
  constructor(bytes: Uint8Array, where: string, position = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#where = where;
    this.position = position;
  }

  /**
   * Runs one pickle to its end.
   *
   * @throws EndOfBytes, ERR_CHECKPOINT
   */
  load(): Value {
    while (this.#operations++ < MAX_OPERATIONS) {
      this.#opcodeAt = this.position;
      const opcode = this.#take(1)[0] as number;
      if (opcode === STOP) {
        const value = this.#pop();
        if (this.#stack.length > 0 || this.#marks.length > 0) throw this.#fault('one value at its end', 'more');
        return value;
      }
      const run = OPCODES.get(opcode);
      if (run === undefined)
        throw this.#fault('an opcode that PyTorch writes', `0x${opcode.toString(16).padStart(2, '0')}`);
      run(this);
    }
    throw this.#fault(`at most ${MAX_OPERATIONS} operations`, 'more');
  }

  protocol(version: number): void {
    if (version > MAX_PROTOCOL) throw this.#fault(`protocol ${MAX_PROTOCOL} or less`, version);
  }

  push(value: Value): void {
    this.#stack.push(value);
  }

  mark(): void {
    this.#marks.push(this.#stack);
    this.#stack = [];
  }

  /** The values above the last mark, which goes. */
  popMarked(): Value[] {
    const marked = this.#stack;
    const below = this.#marks.pop();
    if (below === undefined) throw this.#fault('a mark', 'none');
    this.#stack = below;
    return marked;
  }

  popTuple(length: number): Value[] {
    const items = Array.from({ length }, () => this.#pop());
    return items.reverse();
  }

  memoize(index = this.#memo.size): void {
    this.#memo.set(index, this.#top());
  }

  recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#fault('a value that was remembered', index);
    this.#stack.push(value);
  }

  append(items: readonly Value[]): void {
    const list = this.#top();
    if (!(list instanceof List)) throw this.#fault('a list to append to', kindOf(list));
    for (const item of items) list.items.push(item);
  }

  setItems(items: readonly Value[]): void {
    const dict = this.#top();
    if (!(dict instanceof Dict)) throw this.#fault('a dict to add to', kindOf(dict));
    if (items.length % 2 === 1) throw this.#fault('a value for each key', 'none');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i] as Value;
      if (dict.entries.has(key)) throw this.#fault('every key once', typeof key === 'string' ? key : kindOf(key));
      dict.entries.set(key, items[i + 1] as Value);
    }
  }

  global(module: Value, name: Value): void {
    if (typeof module !== 'string' || typeof name !== 'string')
      throw this.#fault('a name of two strings', `${kindOf(module)} and ${kindOf(name)}`);
    this.push(nameOf(module, name, this.#location()));
  }

  /** What a call of one of the listed functions would return. */
  reduce(): void {
    const [name, args] = this.popTuple(2) as [Value, Value];
    if (!(name instanceof Name && name.rebuild !== undefined))
      throw this.#fault('a function that rebuilds tensors', name instanceof Name ? name.name : kindOf(name));
    if (!Array.isArray(args)) throw this.#fault(`arguments of ${name.name}`, kindOf(args));
    const made = name.rebuild(args);
    if (made === undefined) throw this.#fault(`arguments of ${name.name}`, `(${args.map(kindOf).join(', ')})`);
    this.push(made);
  }

  /** Attributes of a dict, such as the versions of a model's modules: they say nothing about tensors. */
  build(): void {
    this.#pop();
    const target = this.#top();
    if (!(target instanceof Dict)) throw this.#fault('attributes of a dict', kindOf(target));
  }

  /** A storage, the same for the same key. */
  persistent(): void {
    const storage = storageOf(this.#pop(), this.#location());
    const known = this.storages.get(storage.key) ?? storage;
    if (known.dtype !== storage.dtype || known.count !== storage.count)
      throw this.#fault(
        `${known.count} elements of ${known.dtype} in storage ${storage.key}`,
        `${storage.count} of ${storage.dtype}`,
      );
    this.storages.set(storage.key, known);
    this.push(known);
  }

  u8(): number {
    return this.#take(1)[0] as number;
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  u64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8), true));
  }

  /** Python's floats are big-endian. */
  f64(): number {
    return this.#view.getFloat64(this.#skip(8), false);
  }

  /** An integer of `length` bytes, two's complement. */
  long(length: number): number | bigint {
    const bytes = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
    value = BigInt.asIntN(length * 8, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  text(length: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#take(length));
    } catch (cause) {
      if (cause instanceof EndOfBytes) throw cause;
      throw this.#fault('a string of valid UTF-8', 'other bytes');
    }
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position);
    if (end < 0) throw new EndOfBytes();
    const text = this.text(end - this.position);
    this.position++;
    return text;
  }

  #pop(): Value {
    const value = this.#stack.pop();
    if (value === undefined) throw this.#fault('a value on the stack', 'none');
    return value;
  }

  #top(): Value {
    const value = this.#stack.at(-1);
    if (value === undefined) throw this.#fault('a value on the stack', 'none');
    return value;
  }

  #take(length: number): Uint8Array {
    const begin = this.#skip(length);
    return this.#bytes.subarray(begin, begin + length);
  }

  /** Skips bytes that must exist. @returns where they begin */
  #skip(length: number): number {
    const begin = this.position;
    if (length > this.#bytes.length - begin) throw new EndOfBytes();
    this.position = begin + length;
    return begin;
  }

  #location(): string {
    return `${this.#where}, byte ${this.#opcodeAt}`;
  }

  #fault(expected: string, got: unknown) {
    return mismatch('ERR_CHECKPOINT', 'pickle', expected, got, this.#location());
  }
}

const STOP = 0x2e;

/** By their codes: what pickle's protocols 2 to 5 write for dicts of tensors, and the strings of Python 2. */
const OPCODES: ReadonlyMap<number, (machine: Unpickler) => void> = new Map<number, (machine: Unpickler) => void>([
  [0x80, (m) => m.protocol(m.u8())], // PROTO
  [0x95, (m) => void m.u64()], // FRAME
  [0x28, (m) => m.mark()], // MARK
  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4b, (m) => m.push(m.u8())], // BININT1
  [0x4d, (m) => m.push(m.u16())], // BININT2
  [0x4a, (m) => m.push(m.i32())], // BININT
  [0x8a, (m) => m.push(m.long(m.u8()))], // LONG1
  [0x47, (m) => m.push(m.f64())], // BINFLOAT
  [0x55, (m) => m.push(m.text(m.u8()))], // SHORT_BINSTRING
  [0x54, (m) => m.push(m.text(m.u32()))], // BINSTRING
  [0x8c, (m) => m.push(m.text(m.u8()))], // SHORT_BINUNICODE
  [0x58, (m) => m.push(m.text(m.u32()))], // BINUNICODE
  [0x8d, (m) => m.push(m.text(m.u64()))], // BINUNICODE8
  [0x29, (m) => m.push([])], // EMPTY_TUPLE
  [0x85, (m) => m.push(m.popTuple(1))], // TUPLE1
  [0x86, (m) => m.push(m.popTuple(2))], // TUPLE2
  [0x87, (m) => m.push(m.popTuple(3))], // TUPLE3
  [0x74, (m) => m.push(m.popMarked())], // TUPLE
  [0x5d, (m) => m.push(new List())], // EMPTY_LIST
  [0x61, (m) => m.append(m.popTuple(1))], // APPEND
  [0x65, (m) => m.append(m.popMarked())], // APPENDS
  [0x7d, (m) => m.push(new Dict())], // EMPTY_DICT
  [0x73, (m) => m.setItems(m.popTuple(2))], // SETITEM
  [0x75, (m) => m.setItems(m.popMarked())], // SETITEMS
  [0x71, (m) => m.memoize(m.u8())], // BINPUT
  [0x72, (m) => m.memoize(m.u32())], // LONG_BINPUT
  [0x94, (m) => m.memoize()], // MEMOIZE
  [0x68, (m) => m.recall(m.u8())], // BINGET
  [0x6a, (m) => m.recall(m.u32())], // LONG_BINGET
  [0x63, (m) => m.global(m.line(), m.line())], // GLOBAL
  [0x93, (m) => m.global(...(m.popTuple(2) as [Value, Value]))], // STACK_GLOBAL
  [0x51, (m) => m.persistent()], // BINPERSID
  [0x52, (m) => m.reduce()], // REDUCE
  [0x62, (m) => m.build()], // BUILD
]);
