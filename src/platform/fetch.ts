/** Reading a URL over HTTP, the part that both platforms share. */
import { AlbertError, throwIfAborted } from '../errors.js';

/** Fetches a URL whole. `undefined` for 404; any other failure is ERR_SOURCE with the status. */
export async function fetchBytes(url: URL, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    const response = await fetch(url, { signal });
    if (response.status === 404) return undefined;
    if (!response.ok) throw new AlbertError('ERR_SOURCE', `cannot read ${url.href}: HTTP status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    if (cause instanceof AlbertError) throw cause;
    throwIfAborted(signal);
    throw new AlbertError('ERR_SOURCE', `cannot read ${url.href}: ${(cause as Error).message}`, { cause });
  }
}
