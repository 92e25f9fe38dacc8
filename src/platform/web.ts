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
export async function writeFiles(directory: string, _files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  throw new AlbertError('ERR_ENVIRONMENT', `cannot write to ${directory}: this environment has no file system`);
}
