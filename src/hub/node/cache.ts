/**
 * One repository in the cache of `huggingface_hub`, the same files under the same names:
 * `models--owner--name/{blobs/<hash>, snapshots/<commit>/<file> → blob, refs/<revision>, .no_exist/<commit>/<file>}`.
 */
import { randomUUID } from 'node:crypto';
import { constants, copyFile, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { checkFileName, isCommit } from '../names.js';
import type { RefStore } from '../pin.js';
import { type Environment, isTrue } from '../settings.js';
import { makeDirectory } from './directory.js';
import { sweep } from './sweep.js';

/** Where `huggingface_hub` keeps a user's files. */
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
    await this.#put(path, (temporary) => writeFile(temporary, commit, { flag: 'wx' })).catch(() => {});
  }

  /** The path of a file at a commit, if it exists. */
  async find(commit: string, file: string): Promise<string | undefined> {
    const path = this.#snapshot(commit, file);
    return (await exists(path)) ? path : undefined;
  }

  /** Whether the Hub has said that this commit lacks this file. */
  isKnownMissing(commit: string, file: string): Promise<boolean> {
    return exists(this.#noExist(commit, file));
  }

  async markMissing(commit: string, file: string): Promise<void> {
    await this.#put(this.#noExist(commit, file), (temporary) => writeFile(temporary, '', { flag: 'wx' })).catch(
      () => {},
    );
  }

  /** The path of the content with this hash, and whether it exists. Makes its folder. */
  async blob(hash: string): Promise<{ path: string; exists: boolean }> {
    const path = join(this.#folder, 'blobs', hash);
    await makeDirectory(dirname(path));
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
      if (!linked) await (isNew ? rename(blob, temporary) : copyFile(blob, temporary, constants.COPYFILE_EXCL));
    });
    return path;
  }

  #snapshot(commit: string, file: string): string {
    return join(this.#folder, 'snapshots', commit, checkFileName(file));
  }

  #noExist(commit: string, file: string): string {
    return join(this.#folder, '.no_exist', commit, checkFileName(file));
  }

  /** Makes a file under a temporary name, then renames it, so that no reader sees half of it. */
  async #put(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
    const temporary = `${path}.${randomUUID().slice(0, 8)}.incomplete`;
    await makeDirectory(dirname(path));
    try {
      await make(temporary);
      await rename(temporary, path);
      const own = `${basename(path)}.`;
      await sweep(
        dirname(path),
        (name) => name.startsWith(own) && /^[0-9a-f]{8}\.incomplete$/.test(name.slice(own.length)),
      );
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
