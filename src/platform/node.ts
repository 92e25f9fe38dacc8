/** What Node offers and a browser does not: files. Chosen by the `#platform` import; `web.ts` is its twin. */
import { randomUUID } from 'node:crypto';
import {
  type FileHandle,
  mkdir,
  open,
  readFile as readBytes,
  rename,
  rm,
  stat,
  writeFile as writeBytes,
} from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import type { Bytes, FileBytes } from '../bytes.js';
import { AlbertError, mismatch, throwIfAborted } from '../errors.js';
import { fetchFile } from '../http/fetch-file.js';
import { openRepository } from '../hub/node/repository.js';
import type { OpenedHub } from '../hub/settings.js';
import { progressReporter, type SourceOptions } from '../source-options.js';
import { startWorkerAt } from './node-worker.js';
import type { WorkerHandle, WorkerListener } from './worker.js';

/**
 * Reads a `file:`, `http(s):` or `data:` URL whole. `undefined` when there is no such file.
 *
 * @param file its name, for limits and progress
 */
export async function readFile(
  url: URL,
  options: SourceOptions = {},
  file = basename(url.pathname),
): Promise<Uint8Array | undefined> {
  const { signal } = options;
  if (url.protocol !== 'file:') return (await fetchFile(url, file, { ...options, ifRange: true }))?.bytes;
  let bytes: Uint8Array;
  try {
    // Not a Buffer: its `slice` is a view where an array's is a copy.
    const { buffer, byteOffset, length } = await readBytes(url, { signal });
    bytes = new Uint8Array(buffer, byteOffset, length);
  } catch (cause) {
    if ((cause as Error).name === 'AbortError')
      throw new AlbertError('ERR_ABORTED', 'the operation was aborted', { cause });
    return absentOr(url, cause);
  }
  progressReporter(options, 'read', file)(bytes.length, bytes.length);
  return bytes;
}

/** Opens a `file:` URL to be read in pieces; any other is read whole. `undefined` when there is no such file. */
export async function openFile(
  url: URL,
  options: SourceOptions = {},
  file = basename(url.pathname),
): Promise<Bytes | undefined> {
  if (url.protocol !== 'file:') return readFile(url, options, file);
  throwIfAborted(options.signal);
  let handle: FileHandle;
  try {
    handle = await open(url);
  } catch (cause) {
    return absentOr(url, cause);
  }
  let bytes: Bytes;
  try {
    const found = await handle.stat();
    if (found.isFile()) bytes = new OpenFile(url, handle, found.size);
    else {
      // Named pipes and the like have no size: they are read to their end, and directories not at all.
      const { buffer, byteOffset, length } = await handle.readFile();
      bytes = new Uint8Array(buffer, byteOffset, length);
    }
  } catch (cause) {
    await handle.close();
    throw unreadable(url, cause);
  }
  if (bytes instanceof Uint8Array) await handle.close();
  try {
    progressReporter(options, 'read', file)(bytes.length, bytes.length);
  } catch (error) {
    if (!(bytes instanceof Uint8Array)) await handle.close();
    throw error;
  }
  return bytes;
}

class OpenFile implements FileBytes {
  readonly length: number;
  readonly #url: URL;
  readonly #handle: FileHandle;

  constructor(url: URL, handle: FileHandle, length: number) {
    this.#url = url;
    this.#handle = handle;
    this.length = length;
  }

  async read(target: Uint8Array, offset: number): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const { bytesRead } = await this.#handle
        .read(target, filled, target.length - filled, offset + filled)
        .catch((cause) => {
          throw unreadable(this.#url, cause);
        });
      if (bytesRead === 0) throw unreadable(this.#url, new Error(`it ends at byte ${offset + filled}`));
      filled += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Nothing for a file that does not exist. @throws ERR_SOURCE for any other reason */
function absentOr(url: URL, cause: unknown): undefined {
  const { code } = cause as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreadable(url, cause);
}

function unreadable(url: URL, cause: unknown): AlbertError {
  return new AlbertError('ERR_SOURCE', `cannot read ${url.href}: ${(cause as Error).message}`, { cause });
}

/** Opens a repository of the Hub: its files are read from the cache on disk. */
export async function openHub(id: string, options: SourceOptions): Promise<OpenedHub> {
  const { commit, locate } = await openRepository(id, options, process.env);
  const cached = async <T>(
    file: string,
    signal: AbortSignal | undefined,
    read: (url: URL, options: SourceOptions, file: string) => Promise<T>,
  ): Promise<T | undefined> => {
    const path = await locate(file, signal);
    return path === undefined ? undefined : read(pathToFileURL(path), { ...options, signal }, file);
  };
  return {
    commit,
    readFile: (file, signal = options.signal) => cached(file, signal, readFile),
    openFile: (file, signal = options.signal) => cached(file, signal, openFile),
  };
}

/** The URL of an installed package's directory, with its closing slash; `undefined` when it is not installed. */
export function packageDirectory(name: string): URL | undefined {
  try {
    return new URL('.', import.meta.resolve(name));
  } catch {
    return undefined;
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

/** Processors that this process may use. */
export function processors(): number {
  return availableParallelism();
}

/**
 * Starts a worker that helps a model, or the file at `url` in its place.
 *
 * @throws what the engine says when it starts none
 */
export function startWorker(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  return startWorkerAt(url ?? new URL(import.meta.resolve('#worker')), data, listener);
}

/** Whether a model lives in a worker unless its caller says otherwise: no, a service has threads of its own. */
export function worksInWorker(): boolean {
  return false;
}
