/** A download on its way to the disk: appended, hashed as it grows, continued by the next download if it is abandoned. */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, rm, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AlbertError } from '../../ground/errors.js';
import type { Sink } from '../../http/transfer.js';
import { sweep } from './sweep.js';

/** No download goes this long without a byte: it stalls after 30 s and waits for at most 60 s. */
const ABANDONED_MS = 5 * 60_000;

/** Follows no link and waits for no named pipe. Windows has neither flag. */
const AS_IT_IS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Files `<hash>.<8 digits>.incomplete` beside the blob, as `huggingface_hub` names them: each download makes its own, and no
 * other writes to it. One that fails gives its file the age of an abandoned one, and the next download copies what is in it. It
 * never writes to the file itself: clocks differ and machines sleep, and a writer that looks dead may go on.
 */
export class BlobFile implements Sink {
  readonly #path: string;
  readonly #blob: string;
  readonly #handle: FileHandle;
  readonly #size: number;
  #hash: Hash;
  /** Whether it has bytes of another download's file. */
  #copied = false;
  length = 0;

  private constructor(path: string, blob: string, size: number, handle: FileHandle) {
    this.#path = path;
    this.#blob = blob;
    this.#size = size;
    this.#handle = handle;
    this.#hash = this.#newHash();
  }

  /**
   * @param blob the path that the whole file gets: its last part is the hash
   * @param size the whole file's bytes
   */
  static async open(blob: string, size: number): Promise<BlobFile> {
    const path = `${blob}.${randomUUID().slice(0, 8)}.incomplete`;
    const file = new BlobFile(path, blob, size, await open(path, 'ax+'));
    try {
      for (const name of await file.#others()) if (await file.#copy(name)) break;
    } catch (error) {
      await file.abandon();
      throw error;
    }
    return file;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#handle.appendFile(chunk);
    this.#hash.update(chunk);
    this.length += chunk.length;
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = this.#newHash();
    this.#copied = false;
    this.length = 0;
  }

  /**
   * The hash of the content, in the form that the blob is named by; if it has another download's bytes, the hash of what the disk
   * gives back. Called at most once.
   */
  async digest(): Promise<string> {
    if (!this.#copied) return this.#hash.digest('hex');
    const hash = this.#newHash();
    for await (const chunk of this.#handle.createReadStream({ start: 0, autoClose: false })) hash.update(chunk);
    return hash.digest('hex');
  }

  /** Gives the complete file its name, once it is on the disk. @throws ERR_SOURCE if it is no longer the file that was written */
  async finish(): Promise<void> {
    await this.#handle.datasync();
    const mine = await this.#handle.stat();
    await this.#handle.close();
    try {
      const { ino, dev, size, nlink } = await lstat(this.#path);
      if (ino !== mine.ino || dev !== mine.dev || size !== this.#size || nlink !== 1) {
        throw new AlbertError(
          'ERR_SOURCE',
          `${this.#path} is not the file that was written: another program has changed it`,
        );
      }
      await rename(this.#path, this.#blob);
    } catch (error) {
      // An earlier release takes a file for its own by renaming it. The content has its name all the same.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !(await isFile(this.#blob))) throw error;
    }
    for (const name of await this.#others()) await this.#removeOld(name);
    const folder = dirname(this.#blob);
    await sweep(folder, (name) => /^([0-9a-f]{40}|[0-9a-f]{64})\.[0-9a-f]{8}\.incomplete$/.test(name));
  }

  /** Leaves the incomplete file for the next download to copy. */
  async abandon(): Promise<void> {
    await this.#handle.close();
    if (this.length === 0) await rm(this.#path, { force: true });
    else await utimes(this.#path, 0, 0).catch(() => {});
  }

  /** The unfinished downloads of the same blob. */
  async #others(): Promise<string[]> {
    const names = await readdir(dirname(this.#blob));
    const mine = basename(this.#path);
    return names.filter(
      (name) => name.startsWith(`${basename(this.#blob)}.`) && name.endsWith('.incomplete') && name !== mine,
    );
  }

  /** Copies what an abandoned file has. @returns whether the file was abandoned */
  async #copy(name: string): Promise<boolean> {
    const found = join(dirname(this.#blob), name);
    const source = await open(found, AS_IT_IS).catch(() => undefined);
    if (source === undefined) return false;
    try {
      const stat = await source.stat();
      const usable = stat.isFile() && stat.size > 0 && stat.size <= this.#size;
      if (!usable || Date.now() - stat.mtimeMs <= ABANDONED_MS) return false;
      this.#copied = true;
      const chunks = source.createReadStream({ start: 0, end: stat.size - 1, autoClose: false });
      for await (const chunk of chunks) await this.write(chunk);
      // Its writer has abandoned it.
      if (stat.mtimeMs === 0) await rm(found, { force: true });
      return true;
    } finally {
      await source.close();
    }
  }

  /** Removes an abandoned file of a blob that exists. */
  async #removeOld(name: string): Promise<void> {
    const path = join(dirname(this.#blob), name);
    const stat = await lstat(path).catch(() => undefined);
    if (stat !== undefined && Date.now() - stat.mtimeMs > ABANDONED_MS) await rm(path, { force: true }).catch(() => {});
  }

  /** SHA-256 of the content, or SHA-1 of git's blob: its size, then the content. */
  #newHash(): Hash {
    if (basename(this.#blob).length === 64) return createHash('sha256');
    return createHash('sha1').update(`blob ${this.#size}\0`);
  }
}

function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
