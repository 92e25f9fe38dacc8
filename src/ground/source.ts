/** Sources of files: a directory, URLs, the Hub or memory, all read by file name. */

import { directoryUrl, FILES_ADVICE, listFiles, openFile, openHub, readFile } from '#platform';
import { printableUrl } from '../http/request.js';
import { hubIdOf } from '../hub/names.js';
import type { Bytes } from './bytes.js';
import { reading } from './checks.js';
import { AlbertError, mismatch } from './errors.js';
import { isA } from './realm.js';
import { checkSourceOptions, type SourceOptions } from './source-options.js';
import { isUrl } from './url.js';

/**
 * The files of a model by name (`config.json`, `model.safetensors`, `tokenizer.json`, …): their content in memory, or the URL
 * of each. The package of a model exports their URLs: bundlers may rename files, and the URLs still lead to them.
 */
export type ModelFiles = Readonly<Record<string, string | Uint8Array | ArrayBuffer | URL>>;

/**
 * The location of a model: a directory path, the `file:` or `http(s):` URL of a directory, a Hub id `owner/name`, or the files,
 * in memory or each by its URL. The files may also be the module that exports them, which `require` of a model's package returns.
 * ALBERT's own eight models (`albert-base-v2`, …) need no owner. In Node, an existing directory takes precedence over a Hub id of
 * the same name. In a browser, a path is a URL relative to the page; if it could be a Hub id, it needs a leading slash or dot, or
 * a trailing slash.
 */
export type Source = string | URL | ModelFiles | { readonly default: ModelFiles };

/** An opened source. `name` is for messages. */
export interface OpenedSource {
  readonly name: string;
  /** The commit that a Hub id's revision stands for. */
  readonly commit?: string;
  /** The bytes of one file, or `undefined` when the source does not have it. */
  readFile(file: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** The same, to be read in pieces where the platform can; the caller closes what is not in memory. */
  openFile(file: string, signal?: AbortSignal): Promise<Bytes | undefined>;
  /** The source with no other files than these; absent where that saves no memory. */
  only?(files: readonly string[]): OpenedSource;
  /** What the message says when a file is missing. */
  list?(): Promise<SourceListing>;
}

export interface SourceListing {
  /** The names of the existing files, in a folder as `folder/name`; `undefined` if the source cannot list them. */
  readonly files?: readonly string[] | undefined;
  /** Where else a file may be found, as a clause. */
  readonly elsewhere?: string;
}

/**
 * @throws ERR_SOURCE when the source is neither a directory, nor a URL, nor files, nor a repository of the Hub that can be
 *   read; ERR_INPUT for invalid options; ERR_ABORTED
 */
export async function openSource(source: Source, options: SourceOptions = {}): Promise<OpenedSource> {
  checkSourceOptions(options);
  const at = reading('source', () => (typeof source === 'string' || isA('URL', source) ? source : undefined));
  if (at !== undefined) {
    const url = await locate(at);
    if (typeof url === 'string') return openId(url, options);
    return {
      name: printableUrl(url),
      readFile: (file, signal = options.signal) => readFile(fileUrl(file, url), { ...options, signal }, file),
      openFile: (file, signal = options.signal) => openFile(fileUrl(file, url), { ...options, signal }, file),
      list: async () => ({ files: await listFiles(url) }),
    };
  }
  if (typeof source !== 'object' || source === null) throw notASource(source);
  return fromFiles(
    reading('source', () => new Map(Object.entries(filesOf(source as ModelFiles)))),
    options,
  );
}

/** Files that the caller has given. */
function fromFiles(files: ReadonlyMap<string, ModelFiles[string]>, options: SourceOptions): OpenedSource {
  const take = async <B extends Bytes>(
    file: string,
    signal: AbortSignal | undefined,
    read: (url: URL, options: SourceOptions, file: string) => Promise<B | undefined>,
  ): Promise<B | Uint8Array | undefined> => {
    const content = reading('source', () => contentOf(file, files.get(file)));
    if (!isA('URL', content)) return content;
    const bytes = await read(content, { ...options, signal }, file);
    // A file that is listed must exist, unlike a file that a directory may or may not have.
    if (bytes === undefined) {
      throw mismatch('ERR_SOURCE', file, 'to exist', 'no file', `${printableUrl(content)}; ${FILES_ADVICE}`);
    }
    return bytes;
  };
  return {
    name: 'the given files',
    readFile: (file, signal = options.signal) => take(file, signal, readFile),
    openFile: (file, signal = options.signal) => take(file, signal, openFile),
    only: (names) => fromFiles(new Map([...files].filter(([name]) => names.includes(name))), options),
    list: async () => ({ files: [...files.keys()] }),
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
    async list() {
      const { files, ...rest } = (await source.list?.()) ?? {};
      const inFolder = files?.filter((file) => file.startsWith(`${path}/`)).map((file) => file.slice(path.length + 1));
      return { ...rest, files: inFolder };
    },
  };
}

/** The files themselves, if the source is a module that exports them. */
function filesOf(source: Exclude<Source, string | URL>): ModelFiles {
  const files = (source as { default?: unknown }).default;
  return isA('Object', files) ? (files as ModelFiles) : (source as ModelFiles);
}

function contentOf(file: string, content: ModelFiles[string] | undefined): Uint8Array | URL | undefined {
  if (content === undefined || isA('URL', content)) return content;
  if (typeof content === 'string') return new TextEncoder().encode(content);
  if (isA('ArrayBuffer', content)) return new Uint8Array(content);
  if (isA('Uint8Array', content)) {
    // Not a Buffer: its `slice` is a view where an array's is a copy.
    const { buffer, byteOffset, length } = content;
    return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
  }
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
    const elsewhere = `the Hub's bot converts weights in pull requests: with one, pass its revision, such as "refs/pr/1"`;
    const list = async () => ({ files: await hub.listFiles(), elsewhere });
    return { ...hub, name: `${id} at ${hub.commit.slice(0, 7)}${cached}`, list };
  } catch (cause) {
    if (!(cause instanceof AlbertError) || cause.code !== 'ERR_SOURCE') throw cause;
    throw new AlbertError('ERR_SOURCE', `"${id}" is no directory, and as a Hub id: ${cause.message}`, { cause });
  }
}

/** The URL of a source's directory, with its closing slash; or a Hub id. */
async function locate(source: string | URL): Promise<URL | string> {
  if (typeof source !== 'string' || /^(https?|file):/.test(source)) {
    if (!isUrl(source)) {
      const shown = String(source)
        .replace(/[?#].*/s, '')
        .replace(/\/\/.*@/s, '//');
      throw notASource(shown);
    }
    const url = new URL(source);
    // A `data:` or `blob:` URL is one file, and leads to no other.
    if (!isUrl('config.json', url)) throw notASource(printableUrl(url));
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    return url;
  }
  const found = (await directoryUrl(source)) ?? hubIdOf(source);
  if (found === undefined) throw notASource(source);
  return found;
}

function notASource(got: unknown) {
  return mismatch(
    'ERR_SOURCE',
    'source',
    'an existing directory, the URL of one, a Hub id such as "owner/name" or "albert-base-v2", or files by name',
    got,
  );
}
