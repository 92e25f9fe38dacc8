/** A file over HTTP into memory. */
import { progressReporter, type SourceOptions } from '../source-options.js';
import type { HttpOptions } from './request.js';
import { type Sink, type TransferRequest, transfer } from './transfer.js';

/** A file in memory, and the answer that brought its end. */
export interface FetchedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly response: Response;
}

/** The most that a file may have: 4 GiB of weights, 128 MiB of anything else, the limit of a safetensors header. */
export function maxFileBytes(file: string): number {
  return /\.(safetensors|msgpack)$/.test(file) ? 2 ** 32 : 2 ** 27;
}

/**
 * Fetches a file whole.
 *
 * @param file its name, for limits and progress
 * @returns `undefined` for 404
 * @throws ERR_SOURCE with status or bytes, ERR_ABORTED
 */
export async function fetchFile(
  url: URL,
  file: string,
  options: SourceOptions & HttpOptions,
  request: Partial<Pick<TransferRequest, 'headers' | 'immutable' | 'maxBytes'>> = {},
): Promise<FetchedFile | undefined> {
  const memory = new MemorySink();
  const report = progressReporter(options, 'download', file);
  const response = await transfer({ maxBytes: maxFileBytes(file), ...options, ...request, url, report }, memory);
  return response && { bytes: memory.bytes(), response };
}

/** Gathers chunks: an announced length is not to be trusted with an allocation. */
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
