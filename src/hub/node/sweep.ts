/** Incomplete files that a killed process left behind, and that nothing will continue. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** An active writer changes its file far more often. */
const LEFT_MS = 24 * 3_600_000;

/** Removes the files of a folder that `isLeft` names and that were not changed in the last day. A folder that refuses keeps them. */
export async function sweep(folder: string, isLeft: (name: string) => boolean): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter(isLeft)) {
    const path = join(folder, name);
    // The change of anything, also of its times: those of its content may be set.
    const changed = await lstat(path).then(
      ({ ctimeMs }) => ctimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (Date.now() - changed > LEFT_MS) await rm(path, { force: true }).catch(() => {});
  }
}
