/** The ground floor's door to files: a directory, a URL or memory, read by file name alike. */
import { directoryUrl, openFile, readFile } from '#platform';
import type { Bytes } from './bytes.js';
import { mismatch } from './errors.js';

/** The files of a model in memory, by name: `config.json`, `model.safetensors`, `tokenizer.json`, … */
export type ModelFiles = Readonly<Record<string, string | Uint8Array | ArrayBuffer>>;

/** Where a model lives: a directory path (Node), the `file:` or `http(s):` URL of a directory, or its files in memory. */
export type Source = string | URL | ModelFiles;

/** An opened source. `name` is for messages. */
export interface OpenedSource {
  readonly name: string;
  /** The bytes of one file, or `undefined` when the source does not have it. */
  readFile(file: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** The same to be read in pieces, where the platform can; what is not in memory is the caller's to close. */
  openFile(file: string, signal?: AbortSignal): Promise<Bytes | undefined>;
}

/** @throws ERR_SOURCE when the source is neither a directory, nor a URL, nor files */
export async function openSource(source: Source): Promise<OpenedSource> {
  if (typeof source === 'string' || source instanceof URL) {
    const url = await locate(source);
    return {
      name: url.href,
      readFile: (file, signal) => readFile(fileUrl(file, url), signal),
      openFile: (file, signal) => openFile(fileUrl(file, url), signal),
    };
  }
  if (typeof source !== 'object' || source === null) throw notASource(source);
  const files = new Map(Object.entries(source));
  const read = async (file: string) => bytesOf(file, files.get(file));
  return { name: 'memory', readFile: read, openFile: read };
}

function bytesOf(file: string, content: ModelFiles[string] | undefined): Uint8Array | undefined {
  if (content === undefined || content instanceof Uint8Array) return content;
  if (typeof content === 'string') return new TextEncoder().encode(content);
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  throw mismatch('ERR_SOURCE', file, 'a string, a Uint8Array or an ArrayBuffer', content);
}

/** The URL of a file in a directory; a query, such as an access token, goes with it. */
function fileUrl(file: string, directory: URL): URL {
  const url = new URL(file, directory);
  url.search = directory.search;
  return url;
}

/** The URL of a source's directory, with its closing slash. */
async function locate(source: string | URL): Promise<URL> {
  if (source instanceof URL || /^(https?|file):/.test(source)) {
    if (!URL.canParse(source)) throw notASource(source);
    const url = new URL(source);
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    return url;
  }
  const url = await directoryUrl(source);
  if (url === undefined) throw notASource(source);
  return url;
}

function notASource(got: unknown) {
  return mismatch('ERR_SOURCE', 'source', 'an existing directory, the URL of one or files in memory', got);
}
