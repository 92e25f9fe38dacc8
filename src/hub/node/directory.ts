/** Directories that may be missing. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory, and those above it that are missing.
 *
 * Node's own `recursive` never returns where an existing directory refuses new ones with ENOENT, as /proc does.
 */
export async function makeDirectory(path: string): Promise<void> {
  const refusal = await refusalOf(path);
  if (refusal === undefined) return;
  const above = dirname(path);
  if (refusal.code !== 'ENOENT' || above === path) throw refusal;
  await makeDirectory(above);
  const again = await refusalOf(path);
  if (again !== undefined) throw again;
}

/** Why a directory could not be made; `undefined` if it exists now. */
async function refusalOf(path: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    const found = await stat(path).catch(() => undefined);
    return found?.isDirectory() ? undefined : (error as NodeJS.ErrnoException);
  }
}
