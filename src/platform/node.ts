/** What Node offers and a browser does not: files. Chosen by the `#platform` import; `web.ts` is its twin. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile as readBytes, rename, rm, stat, writeFile as writeBytes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { AlbertError, mismatch } from '../errors.js';
import { fetchFile } from '../http/fetch-file.js';
import { openRepository } from '../hub/node/repository.js';
import type { OpenedHub } from '../hub/settings.js';
import { progressReporter, type SourceOptions } from '../source-options.js';

/** Reads a `file:` or `http(s):` URL whole. `undefined` when there is no such file. */
export async function readFile(url: URL, options: SourceOptions = {}): Promise<Uint8Array | undefined> {
  const { signal } = options;
  const file = basename(url.pathname);
  if (url.protocol !== 'file:') return (await fetchFile(url, file, { ...options, ifRange: true }))?.bytes;
  try {
    // Not a Buffer: its `slice` is a view where an array's is a copy.
    const { buffer, byteOffset, length } = await readBytes(url, { signal });
    progressReporter(options, 'read', file)(length, length);
    return new Uint8Array(buffer, byteOffset, length);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ABORT_ERR') throw new AlbertError('ERR_ABORTED', 'the operation was aborted', { cause });
    throw new AlbertError('ERR_SOURCE', `cannot read ${url.href}: ${message}`, { cause });
  }
}

/** Opens a repository of the Hub: its files are read from the cache on disk. */
export async function openHub(id: string, options: SourceOptions): Promise<OpenedHub> {
  const { commit, locate } = await openRepository(id, options, process.env);
  return {
    commit,
    async readFile(file, signal = options.signal) {
      const path = await locate(file, signal);
      return path === undefined ? undefined : readFile(pathToFileURL(path), { ...options, signal });
    },
  };
}

/** The URL of a directory path, with its closing slash; `undefined` when there is no such directory. */
export async function directoryUrl(path: string): Promise<URL | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ? pathToFileURL(path.endsWith('/') ? path : `${path}/`) : undefined;
}

/**
 * Writes files into a directory, each to a temporary name first, so that a failure leaves no half-written
 * file under a real name.
 *
 * @param rivals files that must not be there
 * @throws ERR_SOURCE
 */
export async function writeFiles(
  target: string | URL,
  files: ReadonlyMap<string, Uint8Array>,
  rivals: readonly string[],
): Promise<void> {
  const directory = target instanceof URL ? fileURLToPath(target) : target;
  // A name of its own for each call: two may write into one directory.
  const suffix = `${randomUUID()}.incomplete`;
  for (const rival of rivals) {
    const found = await stat(join(directory, rival)).catch(() => undefined);
    if (found !== undefined) throw mismatch('ERR_SOURCE', 'directory', `no ${rival} beside the new files`, directory);
  }
  try {
    await mkdir(directory, { recursive: true });
    for (const [name, bytes] of files) await writeBytes(join(directory, `${name}.${suffix}`), bytes);
    for (const name of files.keys()) await rename(join(directory, `${name}.${suffix}`), join(directory, name));
  } catch (cause) {
    await Promise.all([...files.keys()].map((name) => rm(join(directory, `${name}.${suffix}`), { force: true }))).catch(
      () => {},
    );
    throw new AlbertError('ERR_SOURCE', `cannot write to ${directory}: ${(cause as Error).message}`, { cause });
  }
}

/** Lets timers, input and output have their turn. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
