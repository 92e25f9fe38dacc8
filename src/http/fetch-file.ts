/** A file over HTTP into memory. */

import { mismatch } from '../ground/errors.js';
import { maxFileBytes } from '../ground/file-limits.js';
import { progressReporter, type SourceOptions } from '../ground/source-options.js';
import { type HttpOptions, printableUrl } from './request.js';
import { type Sink, type TransferRequest, transfer } from './transfer.js';

/** A file in memory, and the last answer that it came with. */
export interface FetchedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly response: Response;
}

/**
 * Fetches a file whole.
 *
 * @param file its name, for limits and progress
 * @returns `undefined` for 404
 * @throws ERR_SOURCE with the status, the bytes or, for a web page, its beginning; ERR_ABORTED
 */
export async function fetchFile(
  url: URL,
  file: string,
  options: SourceOptions & HttpOptions,
  request: Partial<Pick<TransferRequest, 'headers' | 'immutable' | 'maxBytes'>> = {},
): Promise<FetchedFile | undefined> {
  // Fetch refuses them, and would show them.
  if (url.username !== '' || url.password !== '') {
    throw mismatch('ERR_SOURCE', 'source', 'a URL without user and password', printableUrl(url));
  }
  const memory = new MemorySink();
  const report = progressReporter(options, 'download', file);
  const response = await transfer({ maxBytes: maxFileBytes(file), ...options, ...request, url, report }, memory);
  if (response === undefined) return undefined;
  const bytes = memory.bytes();
  if (isWebPage(bytes)) {
    if (OPTIONAL.includes(file.split('/').at(-1) as string)) return undefined;
    throw webPage(bytes, file, response, url);
  }
  return { bytes, response };
}

/** Files that most models lack: if a server answers with a web page instead of 404, there is no such file. */
const OPTIONAL: readonly string[] = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'modules.json',
  'config_sentence_transformers.json',
  'sentence_bert_config.json',
  'sentence_albert_config.json',
];

/**
 * Web servers answer with a page and status 200 if they have no such file or ask for a login. No file of a model begins like
 * that: as the length of a safetensors header, these letters would exceed the limit.
 */
function isWebPage(bytes: Uint8Array): boolean {
  return /^\s*<(!doctype|!--|html|\?xml|head|body)/i.test(startOf(bytes));
}

function webPage(bytes: Uint8Array, file: string, { headers }: Response, url: URL) {
  const type = headers.get('content-type') ?? 'no content type';
  const got = `a web page (${type}): ${startOf(bytes)}`;
  return mismatch('ERR_SOURCE', file, 'a file of a model', got, printableUrl(url));
}

function startOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, 60));
}

/** Gathers chunks: an announced length is not trusted with an allocation. */
class MemorySink implements Sink {
  #chunks: Uint8Array[] = [];
  length = 0;

  write(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  restart(): void {
    this.#chunks = [];
    this.length = 0;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }
}
