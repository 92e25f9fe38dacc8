/** What Node offers and a browser does not: files. Chosen by the `#platform` import; `web.ts` is its twin. */
import { mkdir, readFile as readBytes, rename, stat, writeFile as writeBytes } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

import { AlbertError } from '../errors.js';
import { fetchBytes } from './fetch.js';

/** Reads a `file:` or `http(s):` URL whole. `undefined` when there is no such file. */
export async function readFile(url: URL, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  if (url.protocol !== 'file:') return fetchBytes(url, signal);
  try {
    // Not a Buffer: its `slice` is a view where an array's is a copy.
    const { buffer, byteOffset, length } = await readBytes(url, { signal });
    return new Uint8Array(buffer, byteOffset, length);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ABORT_ERR') throw new AlbertError('ERR_ABORTED', 'the operation was aborted', { cause });
    throw new AlbertError('ERR_SOURCE', `cannot read ${url.href}: ${message}`, { cause });
  }
}

/** The URL of a directory path, with its closing slash; `undefined` when there is no such directory. */
export async function directoryUrl(path: string): Promise<URL | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ? pathToFileURL(path.endsWith('/') ? path : `${path}/`) : undefined;
}

/**
 * Writes files into a directory, each to a temporary name first, so that a failure leaves no half-written
 * file under a real name.
 */
export async function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    const target = (name: string) =>
      new URL(name, pathToFileURL(directory.endsWith('/') ? directory : `${directory}/`));
    for (const [name, bytes] of files) await writeBytes(target(`${name}.incomplete`), bytes);
    for (const name of files.keys()) await rename(target(`${name}.incomplete`), target(name));
  } catch (cause) {
    throw new AlbertError('ERR_SOURCE', `cannot write to ${directory}: ${(cause as Error).message}`, { cause });
  }
}
