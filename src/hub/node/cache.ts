/**
 * One repository in the cache of `huggingface_hub`, the same files under the same names:
 * `models--owner--name/{blobs/<hash>, snapshots/<commit>/<file> → blob, refs/<revision>, .no_exist/<commit>/<file>}`.
 */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkFileName, isCommit } from '../names.js';
import type { RefStore } from '../pin.js';
import { type Environment, isTrue } from '../settings.js';

/** Where `huggingface_hub` keeps what is a user's. */
export function homeDirectory(env: Environment): string {
  return env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
}

/** The cache's directory, as `huggingface_hub` finds it. */
export function cacheDirectory(env: Environment): string {
  return (env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(homeDirectory(env), 'hub')).replace(
    /^~(?=$|[\\/])/,
    homedir(),
  );
}

export class HubCache implements RefStore {
  readonly #folder: string;
  readonly #symlinks: boolean;

  /** @param id a checked one */
  constructor(directory: string, id: string, env: Environment) {
    this.#folder = join(directory, `models--${id.replace('/', '--')}`);
    this.#symlinks = !isTrue(env.HF_HUB_DISABLE_SYMLINKS);
  }

  async readRef(revision: string): Promise<string | undefined> {
    const commit = await readFile(join(this.#folder, 'refs', revision), 'utf8').catch(() => undefined);
    return isCommit(commit) ? commit : undefined;
  }

  /** Remembers a branch or tag. A cache that cannot be written to still serves what it has. */
  async writeRef(revision: string, commit: string): Promise<void> {
    if ((await this.readRef(revision)) === commit) return;
    const path = join(this.#folder, 'refs', revision);
    await this.#put(path, (temporary) => writeFile(temporary, commit)).catch(() => {});
  }

  /** The path of a file at a commit, if it is there. */
  async find(commit: string, file: string): Promise<string | undefined> {
    const path = this.#snapshot(commit, file);
    return (await exists(path)) ? path : undefined;
  }

  /** Whether the Hub has said that this commit lacks this file. */
  isKnownMissing(commit: string, file: string): Promise<boolean> {
    return exists(this.#noExist(commit, file));
  }

  async markMissing(commit: string, file: string): Promise<void> {
    await this.#put(this.#noExist(commit, file), (temporary) => writeFile(temporary, '')).catch(() => {});
  }

  /** Where a content of this hash belongs, and whether it is there. Its folder is made. */
  async blob(hash: string): Promise<{ path: string; exists: boolean }> {
    const path = join(this.#folder, 'blobs', hash);
    await mkdir(dirname(path), { recursive: true });
    return { path, exists: await exists(path) };
  }

  /**
   * Gives a blob its name in a snapshot: a symbolic link, or, where there are none, the file itself, moved when no other
   * snapshot can have it yet.
   */
  async link(hash: string, isNew: boolean, commit: string, file: string): Promise<string> {
    const path = this.#snapshot(commit, file);
    const blob = join(this.#folder, 'blobs', hash);
    await this.#put(path, async (temporary) => {
      const up = '../'.repeat(2 + file.split('/').length - 1);
      const linked = this.#symlinks && (await symlink(`${up}blobs/${hash}`, temporary).then(yes, no));
      if (!linked) await (isNew ? rename(blob, temporary) : copyFile(blob, temporary));
    });
    return path;
  }

  #snapshot(commit: string, file: string): string {
    return join(this.#folder, 'snapshots', commit, checkFileName(file));
  }

  #noExist(commit: string, file: string): string {
    return join(this.#folder, '.no_exist', commit, checkFileName(file));
  }

  /** Makes a file under a name of its own, then renames it: nobody sees half of one. */
  async #put(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
    const temporary = `${path}.${randomUUID().slice(0, 8)}.incomplete`;
    await mkdir(dirname(path), { recursive: true });
    try {
      await make(temporary);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(yes, no);
}

const yes = () => true;
const no = () => false;
