/** The browser's twin of `node.ts`: URLs only, no directories, nothing written. */
import type { Bytes } from '../bytes.js';
import { AlbertError } from '../errors.js';
import { fetchFile } from '../http/fetch-file.js';
import { hubIdOf } from '../hub/names.js';
import type { OpenedHub } from '../hub/settings.js';
import { openRepository } from '../hub/web/repository.js';
import type { SourceOptions } from '../source-options.js';
import { startWorkerAt, watchWorker } from './web-worker.js';
import type { WorkerHandle, WorkerListener } from './worker.js';

/** What to do where files were left behind. */
export const FILES_ADVICE =
  "if a bundler copies no files, as esbuild, use 'albert-wasm/inline' with the URL of the model's directory as the source, " +
  'or say with wasmUrl and workerUrl where kernels and worker lie';

/** The URL of a file of the package, which bundlers find by the expression that `beside` has. */
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

/** What a `data:` URL holds, in base64: a page whose policy forbids to fetch such URLs has its content all the same. */
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

/** A response is read whole. */
export function openFile(url: URL, options: SourceOptions = {}, file?: string): Promise<Bytes | undefined> {
  return readFile(url, options, file);
}

/** A server does not tell what a directory holds. */
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

/** A browser cannot write files: always ERR_ENVIRONMENT. */
export async function writeFiles(target: string | URL, _files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  throw new AlbertError('ERR_ENVIRONMENT', `cannot write to ${target}: this environment has no file system`);
}

/** Lets the page have its turn: a message to ourselves, since nested timers wait at least 4 ms. */
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

/** Processors of this machine, as far as the browser tells. */
export function processors(): number {
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}

/**
 * Starts a worker that helps a model, or the file at `url` in its place.
 *
 * @throws what the browser says when it starts none
 */
export function startWorker(url: URL | undefined, data: unknown, listener: WorkerListener): WorkerHandle {
  if (url !== undefined) return startWorkerAt(url, data, listener);
  // Written out in full, since bundlers find workers by this very expression.
  const worker = new Worker(new URL('../engine/worker.js', import.meta.url), { type: 'module' });
  return watchWorker(worker, data, listener);
}

/** Whether a string may name code at this URL: a page's policy decides about that. */
export function takesCodeFrom(_url: URL): boolean {
  return true;
}

/** Whether a worker may start workers: Firefox sometimes blocks for ever in one that does (docs/decisions/0016). */
export const workersStartWorkers = false;

/** Whether a model lives in a worker by default: where the caller's thread has events to answer. */
export function worksInWorker(): boolean {
  return typeof document !== 'undefined' || 'ServiceWorkerGlobalScope' in globalThis;
}
