/** Directories that appear whole or not at all: written under another name first, then renamed. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AlbertError } from '../../ground/errors.js';

/** What ends the name of a directory that is being written or removed. */
const LEFT = /\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.incomplete$/;

/** The path of a directory, from a path or a `file:` URL. @throws ERR_SOURCE for another URL */
export function pathOf(target: string | URL): string {
  try {
    return target instanceof URL ? fileURLToPath(target) : target;
  } catch (cause) {
    throw new AlbertError('ERR_SOURCE', `cannot write to ${target}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Writes a directory whole or not at all, even if the process is killed. One that has the name already stays until the new one is
 * complete.
 *
 * @param write fills the directory that it is given, whose name is a temporary one beside the other
 * @throws what `write` throws; ERR_SOURCE
 */
export async function writeDirectory(target: string | URL, write: (directory: string) => Promise<void>): Promise<void> {
  const path = pathOf(target);
  const temporary = () => `${path}.${randomUUID()}.incomplete`;
  const [fresh, old] = [temporary(), temporary()];
  try {
    await write(fresh);
    await syncFiles(fresh);
    const existed = (await stat(path).catch(() => undefined)) !== undefined;
    if (existed) await rename(path, old);
    try {
      await rename(fresh, path);
    } catch (cause) {
      if (existed) await rename(old, path);
      throw cause;
    }
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true }).catch(() => {});
    if (cause instanceof AlbertError) throw cause;
    throw new AlbertError('ERR_SOURCE', `cannot write to ${path}: ${(cause as Error).message}`, { cause });
  }
  await rm(old, { recursive: true, force: true }).catch(() => {});
  await sweepDirectories(dirname(path), basename(path));
}

/**
 * Tries whether files can be written into a directory, which need not exist; leaves nothing.
 *
 * @throws ERR_SOURCE
 */
export async function checkWritable(target: string | URL): Promise<void> {
  const path = pathOf(target);
  let existing = resolve(path);
  while ((await stat(existing).catch(() => undefined)) === undefined && dirname(existing) !== existing) {
    existing = dirname(existing);
  }
  try {
    await rmdir(await mkdtemp(join(existing, '.albert-wasm-')));
  } catch (cause) {
    throw new AlbertError('ERR_SOURCE', `cannot write to ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Of these, the directory of a model or of a tokenizer has at least one. */
const MODEL_FILES = ['config.json', 'modules.json', 'tokenizer.json', 'spiece.model', 'vocab.txt'];

/** @throws ERR_SOURCE for a directory with checkpoints of a training, and no model beside them */
export async function checkFinished(path: string): Promise<void> {
  const names = await readdir(path).catch(() => []);
  const steps = names.filter((name) => /^checkpoint-\d+$/.test(name)).map((name) => Number(name.slice(11)));
  if (steps.length === 0 || names.some((name) => MODEL_FILES.includes(name))) return;
  const last = join(path, `checkpoint-${steps.reduce((a, b) => Math.max(a, b))}`);
  const advice = `finish it with resume_from_checkpoint, on the command line --resume, or load ${last}`;
  throw new AlbertError('ERR_SOURCE', `"source" expected a model, got an unfinished training at ${path}: ${advice}`);
}

/** Removes a directory: first its name, so that a killed removal leaves no half of one under it. */
export async function removeDirectory(target: string | URL): Promise<void> {
  const path = pathOf(target);
  const old = `${path}.${randomUUID()}.incomplete`;
  try {
    await rename(path, old);
    await rm(old, { recursive: true, force: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new AlbertError('ERR_SOURCE', `cannot remove ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** The names of the directories in a directory; none if it does not exist. */
export async function listDirectories(target: string | URL): Promise<string[]> {
  const found = await readdir(pathOf(target), { withFileTypes: true }).catch(() => []);
  return found.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** What a killed process has left of directories with names like this one: the same but for digits. */
async function sweepDirectories(parent: string, name: string): Promise<void> {
  const family = (one: string) => one.replace(/\d+$/, '');
  for (const found of await listDirectories(parent)) {
    if (LEFT.test(found) && family(found.replace(LEFT, '')) === family(name)) {
      await rm(join(parent, found), { recursive: true, force: true }).catch(() => {});
    }
  }
}

/** Waits until the files of a directory are on the disk: a name must not survive a loss of power that its content does not. */
async function syncFiles(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await syncFiles(path);
    else {
      const file = await open(path, 'r+');
      await file.sync().finally(() => file.close());
    }
  }
}
