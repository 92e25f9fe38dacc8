/** The ground floor's door to files: a directory, URLs, the Hub or memory, read by file name alike. */

import { directoryUrl, openFile, openHub, readFile } from '#platform';
import type { Bytes } from './bytes.js';
import { AlbertError, mismatch } from './errors.js';
import { place } from './http/request.js';
import { isHubId } from './hub/names.js';
import { checkSourceOptions, type SourceOptions } from './source-options.js';
import { isUrl } from './url.js';

/**
 * The files of a model by name (`config.json`, `model.safetensors`, `tokenizer.json`, …): their content in memory, or the URL
 * of each. A package of a model exports its URLs so that bundlers, which may rename files, still lead to them.
 */
export type ModelFiles = Readonly<Record<string, string | Uint8Array | ArrayBuffer | URL>>;

/**
 * Where a model lives: a directory path, the `file:` or `http(s):` URL of a directory, a Hub id `owner/name`, or its files,
 * in memory or each by its URL. In Node an existing directory comes before a Hub id of its name. In a browser a path is a URL relative to
 * the page, and needs a slash or a dot in front, or a slash at its end, where it could be a Hub id.
 */
export type Source = string | URL | ModelFiles;

/** An opened source. `name` is for messages. */
export interface OpenedSource {
  readonly name: string;
  /** The commit that a Hub id's revision stands for. */
  readonly commit?: string;
  /** The bytes of one file, or `undefined` when the source does not have it. */
  readFile(file: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** The same to be read in pieces, where the platform can; what is not in memory is the caller's to close. */
  openFile(file: string, signal?: AbortSignal): Promise<Bytes | undefined>;
}

/**
 * @throws ERR_SOURCE when the source is neither a directory, nor a URL, nor files, nor a repository of the Hub that can be
 *   read; ERR_INPUT for options that are none; ERR_ABORTED
 */
export async function openSource(source: Source, options: SourceOptions = {}): Promise<OpenedSource> {
  checkSourceOptions(options);
  if (typeof source === 'string' || source instanceof URL) {
    const url = await locate(source);
    if (url === undefined) return openId(source as string, options);
    return {
      name: place(url),
      readFile: (file, signal = options.signal) => readFile(fileUrl(file, url), { ...options, signal }, file),
      openFile: (file, signal = options.signal) => openFile(fileUrl(file, url), { ...options, signal }, file),
    };
  }
  if (typeof source !== 'object' || source === null) throw notASource(source);
  const files = new Map(Object.entries(source));
  const take = async <B extends Bytes>(
    file: string,
    signal: AbortSignal | undefined,
    read: (url: URL, options: SourceOptions, file: string) => Promise<B | undefined>,
  ): Promise<B | Uint8Array | undefined> => {
    const content = files.get(file);
    if (!(content instanceof URL)) return bytesOf(file, content);
    const bytes = await read(content, { ...options, signal }, file);
    // What is listed must be there, unlike what a directory may or may not have.
    if (bytes === undefined) throw mismatch('ERR_SOURCE', file, 'to exist', 'no file', place(content));
    return bytes;
  };
  return {
    name: 'the given files',
    readFile: (file, signal = options.signal) => take(file, signal, readFile),
    openFile: (file, signal = options.signal) => take(file, signal, openFile),
  };
}

/** A folder of a source as a source of its own. @param path a plain one, or `''` for the source itself */
export function openFolder(source: OpenedSource, path: string): OpenedSource {
  if (path === '') return source;
  return {
    ...source,
    name: `${path} of ${source.name}`,
    readFile: (file, signal) => source.readFile(`${path}/${file}`, signal),
    openFile: (file, signal) => source.openFile(`${path}/${file}`, signal),
  };
}

function bytesOf(file: string, content: Exclude<ModelFiles[string], URL> | undefined): Uint8Array | undefined {
  if (content === undefined || content instanceof Uint8Array) return content;
  if (typeof content === 'string') return new TextEncoder().encode(content);
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  throw mismatch('ERR_SOURCE', file, 'a string, a Uint8Array, an ArrayBuffer or a URL', content);
}

/** The URL of a file in a directory; a query, such as an access token, goes with it. */
function fileUrl(file: string, directory: URL): URL {
  const url = new URL(file, directory);
  url.search = directory.search;
  return url;
}

async function openId(id: string, options: SourceOptions): Promise<OpenedSource> {
  try {
    const hub = await openHub(id, options);
    const cached = options.localFilesOnly ? ', cached files only' : '';
    return { ...hub, name: `${id} at ${hub.commit.slice(0, 7)}${cached}` };
  } catch (cause) {
    if (!(cause instanceof AlbertError) || cause.code !== 'ERR_SOURCE') throw cause;
    throw new AlbertError('ERR_SOURCE', `"${id}" is no directory, and as a Hub id: ${cause.message}`, { cause });
  }
}

/** The URL of a source's directory, with its closing slash; `undefined` for a Hub id. */
async function locate(source: string | URL): Promise<URL | undefined> {
  if (source instanceof URL || /^(https?|file):/.test(source)) {
    if (!isUrl(source)) throw notASource(String(source).replace(/[?#].*/s, ''));
    const url = new URL(source);
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    return url;
  }
  const url = await directoryUrl(source);
  if (url === undefined && !isHubId(source)) throw notASource(source);
  return url;
}

function notASource(got: unknown) {
  return mismatch(
    'ERR_SOURCE',
    'source',
    'an existing directory, the URL of one, a Hub id "owner/name" or files by name',
    got,
  );
}
