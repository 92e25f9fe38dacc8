/** What Node offers and a browser does not: files. Reached by the `#platform` import; `../web/platform.ts` is its counterpart. */
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  copyFile,
  type FileHandle,
  link,
  open,
  readdir,
  rename,
  rm,
  stat,
  writeFile as writeBytes,
} from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { throwIfAborted } from '../../ground/abort.js';
import type { Bytes, FileBytes } from '../../ground/bytes.js';
import { AlbertError, mismatch } from '../../ground/errors.js';
import { checkFileSize } from '../../ground/file-limits.js';
import { progressReporter, type SourceOptions } from '../../ground/source-options.js';
import { fetchFile } from '../../http/fetch-file.js';
import { makeDirectory } from '../../hub/node/directory.js';
import { openRepository } from '../../hub/node/repository.js';
import { sweep } from '../../hub/node/sweep.js';
import type { OpenedHub } from '../../hub/settings.js';
import type { WorkerHandle, WorkerListener } from '../worker.js';
import { checkFinished, pathOf } from './directories.js';
import { ownFile, ownImport, resolveByName } from './own-files.js';
import { startWorkerAt } from './worker.js';

export { checkWritable, listDirectories, removeDirectory, writeDirectory } from './directories.js';
export { FILES_ADVICE, ownFile } from './own-files.js';
export { widenVectors } from './wide.js';

/** Bytes that are read between two checks of the signal. */
const PIECE_BYTES = 2 ** 24;

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
  // The URLs that webpack makes for files of a page have no protocol.
  if (url.protocol === '') return undefined;
  if (url.protocol !== 'file:') return (await fetchFile(url, file, { ...options, ifRange: true }))?.bytes;
  const opened = await openLocal(url, options, file);
  if (opened === undefined) return undefined;
  try {
    const bytes = new Uint8Array(opened.length);
    for (let offset = 0; offset < bytes.length; offset += PIECE_BYTES) {
      throwIfAborted(options.signal);
      await opened.read(bytes.subarray(offset, offset + PIECE_BYTES), offset);
    }
    progressReporter(options, 'read', file)(bytes.length, bytes.length);
    return bytes;
  } finally {
    await opened.close();
  }
}

/** Opens a `file:` URL to be read in pieces; any other is read whole. `undefined` when there is no such file. */
export async function openFile(
  url: URL,
  options: SourceOptions = {},
  file = basename(url.pathname),
): Promise<Bytes | undefined> {
  if (url.protocol !== 'file:') return readFile(url, options, file);
  const opened = await openLocal(url, options, file);
  if (opened === undefined) return undefined;
  try {
    progressReporter(options, 'read', file)(opened.length, opened.length);
  } catch (error) {
    await opened.close();
    throw error;
  }
  return opened;
}

/**
 * Opens a regular file that is not too large for its kind. Pipes and devices are refused: they may have no end.
 *
 * @throws ERR_SOURCE, ERR_ABORTED
 */
async function openLocal(url: URL, { signal }: SourceOptions, file: string): Promise<OpenFile | undefined> {
  throwIfAborted(signal);
  let handle: FileHandle;
  try {
    // Opening a named pipe would wait for a writer.
    handle = await open(url, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    return absentOr(url, cause);
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw mismatch('ERR_SOURCE', file, 'a regular file', kindOf(found), url.href);
    checkFileSize(file, found.size, url.href);
    return new OpenFile(url, handle, found.size);
  } catch (cause) {
    await handle.close();
    throw cause instanceof AlbertError ? cause : unreadable(url, cause);
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a directory';
  return found.isFIFO() ? 'a named pipe' : 'a device';
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

/** Returns `undefined` for a file that does not exist. @throws ERR_SOURCE for any other reason */
function absentOr(url: URL, cause: unknown): undefined {
  const { code } = cause as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreadable(url, cause);
}

function unreadable(url: URL, cause: unknown): AlbertError {
  return new AlbertError('ERR_SOURCE', `cannot read ${url.href}: ${(cause as Error).message}`, { cause });
}

/** The most names that are read of a directory and of each folder in it. */
const MAX_LISTED = 200;

/** The names of the files in a directory and in its folders; `undefined` for any other URL. */
export async function listFiles(url: URL): Promise<readonly string[] | undefined> {
  if (url.protocol !== 'file:') return undefined;
  const names: string[] = [];
  const found = await readdir(url, { withFileTypes: true }).catch(() => []);
  for (const entry of found.slice(0, MAX_LISTED)) {
    if (!entry.isDirectory()) names.push(entry.name);
    else {
      const inside = await readdir(new URL(`${encodeURIComponent(entry.name)}/`, url)).catch(() => []);
      names.push(...inside.slice(0, MAX_LISTED).map((name) => `${entry.name}/${name}`));
    }
  }
  return names;
}

/** Opens a repository of the Hub: its files are read from the cache on disk. */
export async function openHub(id: string, options: SourceOptions): Promise<OpenedHub> {
  const { commit, locate, listFiles } = await openRepository(id, options, process.env);
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
    listFiles,
    readFile: (file, signal = options.signal) => cached(file, signal, readFile),
    openFile: (file, signal = options.signal) => cached(file, signal, openFile),
  };
}

/** The URL of an installed package's directory, with its closing slash; `undefined` when it is not installed. */
export function packageDirectory(name: string): URL | undefined {
  const config = resolveByName(`${name}/config.json`);
  return config && new URL('.', config);
}

/** The URL of a file's path. */
export function pathUrl(path: string): URL {
  return /^(https?|file|data):/.test(path) ? new URL(path) : pathToFileURL(path);
}

/**
 * The URL of a directory path, with its closing slash; `undefined` when there is no such directory.
 *
 * @throws ERR_SOURCE for the directory of a training that is not finished
 */
export async function directoryUrl(path: string): Promise<URL | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return undefined;
  await checkFinished(path);
  return pathToFileURL(path.endsWith('/') ? path : `${path}/`);
}

/**
 * Writes files into a directory, each to a temporary name first. A failure leaves every file as it was: no file is half-written,
 * and no new file is beside old ones.
 *
 * @param rivals files that the directory must not contain
 * @throws ERR_SOURCE
 */
export async function writeFiles(
  target: string | URL,
  files: ReadonlyMap<string, Uint8Array>,
  rivals: readonly string[],
): Promise<void> {
  const directory = pathOf(target);
  for (const rival of rivals) {
    const found = await stat(join(directory, rival)).catch(() => undefined);
    if (found !== undefined) throw mismatch('ERR_SOURCE', 'directory', `no ${rival} beside the new files`, directory);
  }
  if (files.size === 0) return;
  // Unique temporary names per call: two calls may write into one directory.
  const moves = [...files].map(([name, bytes]) => {
    const path = join(directory, name);
    return { path, bytes, fresh: `${path}.${randomUUID()}.incomplete`, old: `${path}.${randomUUID()}.incomplete` };
  });
  const undo: (() => Promise<void>)[] = [];
  try {
    await makeDirectory(directory);
    for (const { fresh, bytes } of moves) {
      await makeDirectory(dirname(fresh));
      await writeBytes(fresh, bytes);
    }
    for (const { path, fresh, old } of moves) {
      let [existed, moved] = [false, false];
      undo.unshift(async () => (existed && moved ? rename(old, path) : rm(moved ? path : old, { force: true })));
      existed = await keep(path, old);
      await rename(fresh, path);
      moved = true;
    }
  } catch (cause) {
    for (const step of undo) await step().catch(() => {});
    for (const { fresh } of moves) await rm(fresh, { force: true }).catch(() => {});
    throw new AlbertError('ERR_SOURCE', `cannot write to ${directory}: ${(cause as Error).message}`, { cause });
  }
  for (const { old } of moves) await rm(old, { force: true }).catch(() => {});
  await sweep(directory, (name) => isLeftOf(files, name));
}

/** Links a file to a second name, or copies it where the file system has no links; `false` if there is no such file. */
async function keep(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name).catch(() => copyFile(path, name));
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw cause;
  }
}

/** Whether this is a temporary file for one of these files, left by a killed call. */
function isLeftOf(files: ReadonlyMap<string, unknown>, name: string): boolean {
  const [, file] = /^(.+)\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.incomplete$/.exec(name) ?? [];
  return file !== undefined && files.has(file);
}

/** Lets timers, input and output run. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Processors that this process may use. */
export function processors(): number {
  return availableParallelism();
}

/**
 * Starts a helper thread of a model, from the package's file or from the file at `url`.
 *
 * @throws the engine's error if it starts no worker
 */
export function startHelper(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  return startWorkerAt(url ?? ownFile('worker.js', () => ownImport('#engine-worker')), data, listener);
}

/** Whether an option that is a string may name code at this URL: a service's configuration must not bring in code from elsewhere. */
export function takesCodeFrom(url: URL): boolean {
  return url.protocol === 'file:';
}

/** Whether a worker may start workers. */
export const workersStartWorkers = true;

/** Whether a model lives in a worker by default: no, a service has threads of its own. */
export function worksInWorker(): boolean {
  return false;
}
