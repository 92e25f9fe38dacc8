/** A repository of the Hub in Node: files are downloaded into the cache once and read from there. */
import { AlbertError, mismatch } from '../../ground/errors.js';
import { checkFileSize } from '../../ground/file-limits.js';
import { progressReporter, type SourceOptions } from '../../ground/source-options.js';
import { printableUrl } from '../../http/request.js';
import type { Patience } from '../../http/retry.js';
import { transfer } from '../../http/transfer.js';
import { headFile } from '../head.js';
import { listRepository } from '../list.js';
import { isCommit } from '../names.js';
import { pinCommit } from '../pin.js';
import { authorization, type Environment, fileUrl, type Hub, hubOf } from '../settings.js';
import { BlobFile } from './blob-file.js';
import { cacheDirectory, HubCache } from './cache.js';
import { implicitToken } from './token.js';

/** A repository at one commit. */
export interface HubRepository {
  readonly commit: string;
  /** The path of a file in the cache, after downloading it if necessary; `undefined` if the repository, or offline the cache, lacks it. */
  locate(file: string, signal?: AbortSignal): Promise<string | undefined>;
  /** The names of all files; `undefined` if the Hub cannot be asked. */
  listFiles(): Promise<readonly string[] | undefined>;
}

/** @throws ERR_SOURCE, ERR_INPUT, ERR_ENVIRONMENT, ERR_ABORTED */
export async function openRepository(
  id: string,
  options: SourceOptions & Patience,
  env: Environment,
): Promise<HubRepository> {
  const token = options.token ?? (await implicitToken(env));
  const hub = hubOf(id, { ...options, token, ifRange: true }, env);
  const directory = options.cacheDir ?? cacheDirectory(env);
  const cache = new HubCache(directory, id, env);
  const commit = await pinCommit(hub, cache, 'manual');
  return {
    commit,
    listFiles: () => listRepository(hub, commit, options.signal),
    async locate(file, signal = options.signal) {
      try {
        return await locate({ ...hub, options: { ...hub.options, signal } }, cache, commit, file);
      } catch (cause) {
        if (cause instanceof AlbertError || (cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
        const why = (cause as Error).message;
        throw new AlbertError('ERR_SOURCE', `cannot write to the cache ${directory} (option "cacheDir"): ${why}`, {
          cause,
        });
      }
    },
  };
}

async function locate(hub: Hub, cache: HubCache, commit: string, file: string): Promise<string | undefined> {
  const found = await cache.find(commit, file);
  if (found !== undefined || hub.offline || (await cache.isKnownMissing(commit, file))) return found;
  const url = fileUrl(hub, commit, file);
  const head = await headFile(hub, url, 'manual');
  if (!head.exists) {
    if (isCommit(head.commit)) await cache.markMissing(commit, file);
    return undefined;
  }
  const { hash, size } = head;
  if (hash === undefined)
    throw mismatch('ERR_SOURCE', 'ETag', 'a SHA-256 or the SHA-1 of git', 'none', printableUrl(url));
  if (size === undefined)
    throw mismatch('ERR_SOURCE', 'size', 'X-Linked-Size or Content-Length', 'none', printableUrl(url));
  checkFileSize(file, size, printableUrl(url));
  const blob = await cache.blob(hash);
  if (!blob.exists) await download(hub, url, file, blob.path, hash, size);
  return cache.link(hash, !blob.exists, commit, file);
}

/** Fills a blob. After a failure, the bytes that arrived stay for the next attempt, unless they are wrong. */
async function download(hub: Hub, url: URL, file: string, path: string, hash: string, size: number): Promise<void> {
  const blob = await BlobFile.open(path, size);
  const report = progressReporter(hub.options, 'download', file);
  const request = { ...hub.options, url, headers: authorization(hub), size, maxBytes: size, immutable: true, report };
  try {
    // A file that comes out wrong is fetched once more, from its beginning: the fault may be in what it was continued from.
    for (const last of [false, true]) {
      if (blob.length < size || size === 0) {
        const response = await transfer(request, blob);
        if (response === undefined)
          throw mismatch('ERR_SOURCE', file, 'to exist', 'HTTP status 404', printableUrl(url));
      }
      const got = await blob.digest();
      if (got === hash) break;
      await blob.restart();
      if (last) throw mismatch('ERR_SOURCE', file, `the hash ${hash}`, got, printableUrl(url));
    }
  } catch (error) {
    await blob.abandon();
    throw error;
  }
  await blob.finish();
}
