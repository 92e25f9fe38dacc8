/** Bytes in memory, or of a file that is read in pieces. */

/** An open file: only what is read of it is in memory. */
export interface FileBytes {
  readonly length: number;
  /**
   * Fills `target` with the bytes from `offset` on. `target` may lie in WebAssembly memory, shared or not, if that does not grow
   * meanwhile.
   *
   * @throws ERR_SOURCE, also when the file has become shorter
   */
  read(target: Uint8Array, offset: number): Promise<void>;
  close(): Promise<void>;
}

export type Bytes = Uint8Array | FileBytes;

/** Closes an open file; does nothing for bytes in memory. */
export async function closeBytes(bytes: Bytes | undefined): Promise<void> {
  if (bytes !== undefined && !(bytes instanceof Uint8Array)) await bytes.close();
}

/** The bytes from `begin` to `end`, by default to the last: a view of bytes in memory, a copy of a file's. */
export async function sliceBytes(bytes: Bytes, begin = 0, end = bytes.length): Promise<Uint8Array> {
  if (bytes instanceof Uint8Array) return bytes.subarray(begin, end);
  const slice = new Uint8Array(Math.min(end, bytes.length) - begin);
  await bytes.read(slice, begin);
  return slice;
}
