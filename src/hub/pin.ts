/** From a revision to the one commit that all files of a load are of. */
import { AlbertError, mismatch } from '../ground/errors.js';
import { printableUrl, refusal } from '../http/request.js';
import { Transient } from '../http/retry.js';
import { headFile } from './head.js';
import { isCommit } from './names.js';
import { fileUrl, type Hub } from './settings.js';

/** The commits of branches and tags that a cache remembers. */
export interface RefStore {
  readRef(revision: string): Promise<string | undefined>;
  writeRef(revision: string, commit: string): Promise<void>;
}

/** Every model has one. */
const FILE = 'config.json';

/**
 * The commit of `hub.revision`: itself, or what the Hub answers, or what the cache remembers if no server may be asked or
 * none answers.
 *
 * @throws ERR_SOURCE, ERR_ABORTED
 */
export async function pinCommit(hub: Hub, refs: RefStore, redirect: 'manual' | 'follow'): Promise<string> {
  const { id, revision, offline } = hub;
  if (isCommit(revision)) return revision;
  const known = await refs.readRef(revision);
  if (offline) {
    if (known !== undefined) return known;
    throw mismatch('ERR_SOURCE', 'source', 'a cached model, as only local files may be used', `${id} at ${revision}`);
  }
  const url = fileUrl(hub, revision, FILE);
  try {
    // With something to fall back on, one attempt is enough.
    const head = await headFile(hub, url, redirect, known === undefined ? {} : { retries: 0 });
    if (head.commit === undefined) {
      if (!head.exists) throw refusal(url, 404, hub.options);
      throw mismatch('ERR_SOURCE', 'X-Repo-Commit', 'a commit, as the Hub answers', 'none', printableUrl(url));
    }
    await refs.writeRef(revision, head.commit);
    return head.commit;
  } catch (error) {
    const unreachable = error instanceof AlbertError && error.cause instanceof Transient;
    if (unreachable && known !== undefined) return known;
    throw error;
  }
}
