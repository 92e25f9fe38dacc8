/** A download on its way to the disk: appended, hashed as it grows, resumed by whoever finds it abandoned. */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Sink } from '../../http/transfer.js';

/** Nobody writes to a file for so long without a byte: a download stalls after 30 s and waits for 60 s at most. */
const ABANDONED_MS = 5 * 60_000;

/**
 * Files `<hash>.<8 digits>.incomplete` beside the blob, as `huggingface_hub` names them: each download has its own, so two
 * never write to one. One that fails gives its file the age of an abandoned one, and the next download takes it over by
 * renaming it, which only one can do.
 */
export class BlobFile implements Sink {
  readonly #path: string;
  readonly #blob: string;
  readonly #handle: FileHandle;
  readonly #size: number;
  #hash: Hash;
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
    await takeOver(blob, path);
    const file = new BlobFile(path, blob, size, await open(path, 'a'));
    try {
      for await (const chunk of createReadStream(path)) {
        file.#hash.update(chunk);
        file.length += chunk.length;
      }
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
    this.length = 0;
  }

  /** The hash of what came, in the form that the blob is named by. May be asked once. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  /** The file is whole: it gets its name, once it is on the disk. */
  async finish(): Promise<void> {
    await this.#handle.datasync();
    await this.#handle.close();
    await rename(this.#path, this.#blob);
  }

  /** The file is wrong. */
  async remove(): Promise<void> {
    await this.#handle.close();
    await rm(this.#path, { force: true });
  }

  /** The file stays as far as it came, for the next download to take over. */
  async abandon(): Promise<void> {
    if (this.length === 0) return this.remove();
    await this.#handle.close();
    await utimes(this.#path, 0, 0).catch(() => {});
  }

  /** SHA-256 of the content, or SHA-1 of git's blob: its size, then the content. */
  #newHash(): Hash {
    if (basename(this.#blob).length === 64) return createHash('sha256');
    return createHash('sha1').update(`blob ${this.#size}\0`);
  }
}

/** Renames an abandoned download of `blob` to `path`, if there is one. */
async function takeOver(blob: string, path: string): Promise<void> {
  const folder = dirname(blob);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(blob)}.`) || !name.endsWith('.incomplete')) continue;
    const found = join(folder, name);
    const age = await stat(found).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    const taken =
      age > ABANDONED_MS &&
      (await rename(found, path).then(
        () => true,
        () => false,
      ));
    if (taken) return;
  }
}
