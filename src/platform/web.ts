/** The browser's twin of `node.ts`: URLs only, no directories, nothing written. */
import { AlbertError } from '../errors.js';
import { fetchBytes } from './fetch.js';

/** Reads a URL whole. `undefined` when there is no such file. */
export async function readFile(url: URL, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  return fetchBytes(url, signal);
}

/** A browser has no directories; a relative path is a URL relative to the page. */
export async function directoryUrl(path: string): Promise<URL | undefined> {
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
