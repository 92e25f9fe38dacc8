/**
 * The class of a value, whichever realm made it. Test runners give a program its own globals: a value from Node itself or from a
 * worker's message is then not an `instanceof` them.
 */

/** The classes of callers' values. */
interface Kinds {
  readonly ArrayBuffer: ArrayBuffer;
  readonly Error: Error;
  readonly Object: object;
  readonly Map: ReadonlyMap<string, never>;
  readonly URL: URL;
  readonly Uint8Array: Uint8Array;
  readonly Float32Array: Float32Array;
  readonly Int32Array: Int32Array;
  readonly BigInt64Array: BigInt64Array;
}

const ARRAYS = { Float32Array, Int32Array, BigInt64Array };

/** Whether a value is an instance of the class with this name, or of a class that extends it. */
export function isA<K extends keyof Kinds>(kind: K, value: unknown): value is Kinds[K] {
  return Object.prototype.toString.call(value) === `[object ${kind}]`;
}

/** A typed array of one of these kinds as one of this realm, over the same memory; `undefined` for anything else. */
export function ownArray<K extends keyof typeof ARRAYS>(value: unknown, ...kinds: K[]): Kinds[K] | undefined {
  const kind = kinds.find((kind) => isA(kind, value));
  if (kind === undefined) return undefined;
  const array = value as Kinds[K];
  const { buffer, byteOffset, length } = array;
  return array instanceof ARRAYS[kind]
    ? array
    : (new ARRAYS[kind](buffer as ArrayBuffer, byteOffset, length) as Kinds[K]);
}
