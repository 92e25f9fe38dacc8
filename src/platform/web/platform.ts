/** The browser's counterpart of `../node/platform.ts`: reads URLs only, has no directories, writes nothing. */
import type { Bytes } from '../../ground/bytes.js';
import { AlbertError } from '../../ground/errors.js';
import type { SourceOptions } from '../../ground/source-options.js';
import { fetchFile } from '../../http/fetch-file.js';
import { hubIdOf } from '../../hub/names.js';
import type { OpenedHub } from '../../hub/settings.js';
import { openRepository } from '../../hub/web/repository.js';
import type { WorkerHandle, WorkerListener } from '../worker.js';
import { startWorkerAt, watchWorker } from './worker.js';

/** Advice for an error about files that a bundler has not copied. */
export const FILES_ADVICE =
  "if a bundler copies no files, as esbuild, use 'albert-wasm/inline' with the URL of the model's directory as the source, " +
  'or say with wasmUrl and workerUrl where kernels and worker lie';

/** The URL of a file of the package; bundlers find the file by the expression in `beside`. */
export function ownFile(_name: string, beside: () => URL): URL {
  return beside();
}

/**
 * Reads a URL whole. `undefined` when there is no such file.
 *
 * @param file its name, for limits and progress
 */
export async function readFile(
  url: URL,
  options: SourceOptions = {},
  file = url.pathname.split('/').at(-1) as string,
): Promise<Uint8Array | undefined> {
  if (url.protocol === 'data:') return dataOf(url);
  return (await fetchFile(url, file, options))?.bytes;
}

/** The content of a base64 `data:` URL, decoded here because a page's policy may forbid fetching such URLs. */
function dataOf({ href }: URL): Uint8Array {
  const comma = href.indexOf(',');
  if (!href.slice(0, comma).endsWith(';base64')) {
    throw new AlbertError('ERR_SOURCE', `cannot read ${href.slice(0, comma)}: it is not in base64`);
  }
  try {
    return Uint8Array.from(atob(href.slice(comma + 1)), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new AlbertError('ERR_SOURCE', `cannot read ${href.slice(0, comma)}: it is not in base64`, { cause });
  }
}

/** Reads the whole response. */
export function openFile(url: URL, options: SourceOptions = {}, file?: string): Promise<Bytes | undefined> {
  return readFile(url, options, file);
}

/** A server does not list its directories. */
export async function listFiles(_url: URL): Promise<readonly string[] | undefined> {
  return undefined;
}

/** Opens a repository of the Hub: its files are kept in the Cache of the page's origin. */
export async function openHub(id: string, options: SourceOptions): Promise<OpenedHub> {
  const hub = await openRepository(id, options);
  return { ...hub, openFile: hub.readFile };
}

/** A browser has no packages: bundlers give a page the URLs of a model's files. */
export function packageDirectory(_name: string): URL | undefined {
  return undefined;
}

/** A browser has no directories: a path is a URL relative to the page, except a Hub id. */
export async function directoryUrl(path: string): Promise<URL | undefined> {
  if (hubIdOf(path) !== undefined) return undefined;
  return new URL(path.endsWith('/') ? path : `${path}/`, globalThis.location?.href);
}

/** The URL of a file: a path is one relative to the page. */
export function pathUrl(path: string): URL {
  return new URL(path, globalThis.location?.href);
}

/** A browser cannot write files: always ERR_ENVIRONMENT. */
export async function writeFiles(target: string | URL, _files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  throw new AlbertError('ERR_ENVIRONMENT', `cannot write to ${target}: this environment has no file system`);
}

/** A browser has no directories: always ERR_ENVIRONMENT. */
export async function writeDirectory(
  target: string | URL,
  _write: (directory: string) => Promise<void>,
): Promise<void> {
  return writeFiles(target, new Map());
}

/** A browser cannot write files: always ERR_ENVIRONMENT. */
export async function checkWritable(target: string | URL): Promise<void> {
  return writeFiles(target, new Map());
}

/** A browser has no directories. */
export async function removeDirectory(_target: string | URL): Promise<void> {}

/** A browser has no directories. */
export async function listDirectories(_target: string | URL): Promise<string[]> {
  return [];
}

/** Lets the page handle its events. A message to ourselves, since nested timers wait at least 4 ms. */
export function yieldToEventLoop(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** Why V8's flag for 256-bit vectors cannot be set here: a browser takes its flags when it starts. */
export function widenVectors() {
  return (): string | undefined => "only Node sets V8's flag";
}

/** The processors of this machine that the browser reports. */
export function processors(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}

/**
 * Starts a helper thread of a model, from the package's file or from the file at `url`.
 *
 * @throws the browser's error if it starts no worker
 */
export function startHelper(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  if (url !== undefined) return startWorkerAt(url, data, listener);
  // Written in full, because bundlers find workers by exactly this expression.
  const worker = new Worker(new URL('../../engine/helper.js', import.meta.url), { type: 'module' });
  return watchWorker(worker, data, listener);
}

/** Whether an option that is a string may name code at this URL: yes, the page's policy decides. */
export function takesCodeFrom(_url: URL): boolean {
  return true;
}

/** Whether a worker may start workers: Firefox sometimes blocks forever in one that does (docs/decisions/0016). */
export const workersStartWorkers = false;

/** Whether a model lives in a worker by default: where the caller's thread must handle events. */
export function worksInWorker(): boolean {
  return typeof document !== 'undefined' || 'ServiceWorkerGlobalScope' in globalThis;
}
