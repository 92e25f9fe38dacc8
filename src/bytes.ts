/** The ground floor's bytes: in memory, or of a file that is read in pieces. */

/** An open file: nothing of it is in memory but what was asked for. */
export interface FileBytes {
  readonly length: number;
  /**
   * Fills `target` with the bytes from `offset` on; it may lie in WebAssembly memory, shared or not, that does not grow meanwhile.
   *
   * @throws ERR_SOURCE, also when the file has become shorter than it was
   */
  read(target: Uint8Array, offset: number): Promise<void>;
  close(): Promise<void>;
}

export type Bytes = Uint8Array | FileBytes;

/** Closes what is open; bytes in memory need no closing. */
export async function closeBytes(bytes: Bytes | undefined): Promise<void> {
  if (bytes !== undefined && !(bytes instanceof Uint8Array)) await bytes.close();
}

/** The bytes from `begin` to `end` or to the last: a view where they are in memory, else a copy. */
export async function sliceBytes(bytes: Bytes, begin = 0, end = bytes.length): Promise<Uint8Array> {
  if (bytes instanceof Uint8Array) return bytes.subarray(begin, end);
  const slice = new Uint8Array(Math.min(end, bytes.length) - begin);
  await bytes.read(slice, begin);
  return slice;
}
