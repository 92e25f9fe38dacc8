/** The names of a repository's files, for messages. */
import { throwIfAborted } from '../ground/abort.js';
import { fetchFile } from '../http/fetch-file.js';
import { authorization, type Hub } from './settings.js';

const MAX_LIST_BYTES = 2 ** 22;

/**
 * The files of a repository at a commit, as the Hub's API lists them; `undefined` if it does not answer: a message is not worth
 * a second attempt.
 *
 * @throws ERR_ABORTED
 */
export async function listRepository(
  hub: Hub,
  commit: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[] | undefined> {
  if (hub.offline) return undefined;
  const url = new URL(`${hub.endpoint}/api/models/${hub.id}/revision/${commit}`);
  const silent = { ...hub.options, signal, onProgress: undefined, retries: 0, stallMs: 10_000 };
  const request = { headers: authorization(hub), maxBytes: MAX_LIST_BYTES };
  try {
    const list = await fetchFile(url, 'list of files', silent, request);
    const { siblings } = JSON.parse(new TextDecoder().decode(list?.bytes));
    return siblings.map(({ rfilename }: { rfilename: unknown }) => String(rfilename));
  } catch {
    throwIfAborted(signal);
    return undefined;
  }
}
