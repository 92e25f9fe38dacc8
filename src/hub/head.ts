/** What the Hub says about a file before it is fetched: its commit, hash and size. */

import { mismatch } from '../ground/errors.js';
import { isUrl } from '../ground/url.js';
import { Attempt, printableUrl, refusal, send } from '../http/request.js';
import { type Patience, withRetries } from '../http/retry.js';
import { hashOf, isCommit } from './names.js';
import { authorization, type Hub, PUBLIC_HUB } from './settings.js';

export interface FileHead {
  readonly exists: boolean;
  /** The commit that the answer is of. */
  readonly commit: string | undefined;
  /** The content's hash, if the Hub itself gave it. */
  readonly hash: string | undefined;
  /** Bytes. */
  readonly size: number | undefined;
}

/** The most redirects within the Hub, such as of a renamed repository, a cache or a mirror. */
const MAX_HOPS = 10;

/**
 * Asks for a file's head.
 *
 * @param redirect `manual` where redirects can be read (Node): only those within the Hub, or from a mirror to it, are followed; any
 *   other server has an ETag of its own, which says nothing about the file
 * @throws ERR_SOURCE, for 404 only where the repository or the revision is missing; ERR_ABORTED
 */
export async function headFile(
  hub: Hub,
  url: URL,
  redirect: 'manual' | 'follow',
  patience: Patience = {},
): Promise<FileHead> {
  // Python's library waits as long for a head.
  const options = { ...hub.options, stallMs: 10_000, ...patience };
  const ask = async (): Promise<FileHead> => {
    const attempt = new Attempt(options);
    try {
      const linked = new Headers();
      for (let [at, hops] = [url, 0]; hops <= MAX_HOPS; hops++) {
        const allowed = at.origin === url.origin ? authorization(hub) : {};
        const headers = { ...allowed, 'accept-encoding': 'identity' };
        const response = await send(at, { method: 'HEAD', headers, redirect }, options, attempt);
        for (const name of ['x-repo-commit', 'x-linked-etag', 'x-linked-size']) {
          const value = response.headers.get(name);
          if (value !== null) linked.set(name, value);
        }
        const next = location(response, at);
        if (next === undefined || ![url.origin, PUBLIC_HUB].includes(next.origin)) return readHead(response, linked);
        at = next;
      }
      throw mismatch('ERR_SOURCE', 'redirects', `at most ${MAX_HOPS}`, 'more', printableUrl(url));
    } finally {
      attempt.end();
    }
  };
  return withRetries(printableUrl(url), ask, options, options.signal);

  function readHead(response: Response, linked: Headers): FileHead {
    const { status, headers } = response;
    const foreign = status >= 300 && status < 400;
    const missing = headers.get('x-error-code') ?? 'EntryNotFound';
    if (status === 404 && missing !== 'EntryNotFound') throw refusal(url, status, options);
    const length = foreign || headers.has('content-encoding') ? null : headers.get('content-length');
    const size = linked.get('x-linked-size') ?? length;
    const commit = linked.get('x-repo-commit');
    return {
      exists: status !== 404,
      commit: isCommit(commit) ? commit : undefined,
      hash: hashOf(linked.get('x-linked-etag') ?? headers.get('etag')),
      size: size !== null && /^\d+$/.test(size) ? Number(size) : undefined,
    };
  }
}

function location({ status, headers }: Response, base: URL): URL | undefined {
  const target = status >= 300 && status < 400 ? headers.get('location') : null;
  return target !== null && isUrl(target, base) ? new URL(target, base) : undefined;
}
