/** The browser's twin of `node.ts`: URLs only, no directories, nothing written. */
import { AlbertError } from '../errors.js';
import { fetchFile } from '../http/fetch-file.js';
import { isHubId } from '../hub/names.js';
import type { OpenedHub } from '../hub/settings.js';
import { openRepository } from '../hub/web/repository.js';
import type { SourceOptions } from '../source-options.js';

/** Reads a URL whole. `undefined` when there is no such file. */
export async function readFile(url: URL, options: SourceOptions = {}): Promise<Uint8Array | undefined> {
  return (await fetchFile(url, url.pathname.split('/').at(-1) as string, options))?.bytes;
}

/** Opens a repository of the Hub: its files are kept in the Cache of the page's origin. */
export function openHub(id: string, options: SourceOptions): Promise<OpenedHub> {
  return openRepository(id, options);
}

/** A browser has no directories: a path is a URL relative to the page, but for `owner/name`, which is a Hub id. */
export async function directoryUrl(path: string): Promise<URL | undefined> {
  if (isHubId(path)) return undefined;
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
