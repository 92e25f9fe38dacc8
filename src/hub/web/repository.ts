/** A repository of the Hub in a browser: files are kept in the Cache of the page's origin, if available. */

import { throwIfAborted } from '../../ground/abort.js';
import { mismatch } from '../../ground/errors.js';
import { progressReporter, type SourceOptions } from '../../ground/source-options.js';
import { type FetchedFile, fetchFile } from '../../http/fetch-file.js';
import { printableUrl } from '../../http/request.js';
import type { Patience } from '../../http/retry.js';
import { listRepository } from '../list.js';
import { checkFileName, hashOf } from '../names.js';
import { pinCommit, type RefStore } from '../pin.js';
import { authorization, fileUrl, type Hub, hubOf, type OpenedHub } from '../settings.js';
import { blobHash } from './digest.js';

/** @throws ERR_SOURCE, ERR_INPUT, ERR_ABORTED */
export async function openRepository(
  id: string,
  options: SourceOptions & Patience,
): Promise<Omit<OpenedHub, 'openFile'>> {
  const hub = hubOf(id, options, {});
  const cache = await openCache(options.cacheDir ?? 'albert-wasm');
  const commit = await pinCommit(hub, refsOf(hub, cache), 'follow');
  return {
    commit,
    async readFile(file, signal = options.signal) {
      const url = fileUrl(hub, commit, checkFileName(file));
      const cached = await cache.read(url);
      if (cached !== undefined) progressReporter(options, 'read', file)(cached.length, cached.length);
      if (cached !== undefined || hub.offline) return cached;
      const fetched = await fetchVerified({ ...hub, options: { ...hub.options, signal } }, url, commit, file);
      if (fetched !== undefined) await cache.write(url, fetched);
      return fetched;
    },
    listFiles: () => listRepository(hub, commit, options.signal),
  };
}

/** Fetches a file and checks it against what the Hub says about its content. */
async function fetchVerified(hub: Hub, url: URL, commit: string, file: string) {
  const fetched = await fetchFile(url, file, hub.options, { headers: authorization(hub), immutable: true });
  if (fetched === undefined) return undefined;
  const { bytes } = fetched;
  const { hash, size } = await contentOf(hub, commit, file, fetched);
  if (size !== undefined && bytes.length !== size) {
    throw mismatch('ERR_SOURCE', file, `${size} bytes`, bytes.length, printableUrl(url));
  }
  const got = hash === undefined ? undefined : await blobHash(bytes, hash.length);
  if (got !== undefined && got !== hash) throw mismatch('ERR_SOURCE', file, `the hash ${hash}`, got, printableUrl(url));
  return bytes;
}

/** Hash and size from the Hub itself: headers of its answer, or LFS's pointer if another server answered. */
async function contentOf(
  hub: Hub,
  commit: string,
  file: string,
  { response }: FetchedFile,
): Promise<{ hash?: string | undefined; size?: number | undefined }> {
  const { headers, url } = response;
  if (url !== '' && new URL(url).origin === new URL(hub.endpoint).origin) {
    return { hash: hashOf(headers.get('x-linked-etag') ?? headers.get('etag')) };
  }
  const raw = fileUrl(hub, commit, file, 'raw');
  const silent = { ...hub.options, onProgress: undefined };
  // Too long: git's own file and no pointer, behind a proxy that a fetch of the caller leads through.
  const pointer = await fetchFile(raw, file, silent, { headers: authorization(hub), maxBytes: 1024 }).catch(() => {
    throwIfAborted(hub.options.signal);
    return undefined;
  });
  const text = new TextDecoder().decode(pointer?.bytes);
  const [, hash] = /^oid sha256:([0-9a-f]{64})$/m.exec(text) ?? [];
  const [, size] = /^size (\d+)$/m.exec(text) ?? [];
  return { hash, size: size === undefined ? undefined : Number(size) };
}

/** A cache that may forget at any time: if an operation fails, it counts as empty. */
interface BytesCache {
  read(url: URL): Promise<Uint8Array<ArrayBuffer> | undefined>;
  write(url: URL, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** An insecure page has no Cache, and a full Cache has no room: neither is a reason to fail. */
async function openCache(name: string): Promise<BytesCache> {
  const cache = await globalThis.caches?.open(name).catch(() => undefined);
  return {
    async read(url) {
      const found = await cache?.match(url).catch(() => undefined);
      const buffer = await found?.arrayBuffer().catch(() => undefined);
      return buffer && new Uint8Array(buffer);
    },
    async write(url, bytes) {
      await cache?.put(url, new Response(bytes)).catch(() => {});
    },
  };
}

/** Branches and tags, each under a URL that no file has. */
function refsOf(hub: Hub, cache: BytesCache): RefStore {
  const url = (revision: string) => fileUrl(hub, revision, '', 'resolve');
  return {
    async readRef(revision) {
      const bytes = await cache.read(url(revision));
      return bytes && new TextDecoder().decode(bytes);
    },
    writeRef: (revision, commit) => cache.write(url(revision), new TextEncoder().encode(commit)),
  };
}
