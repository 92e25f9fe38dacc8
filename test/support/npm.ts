/** Packages that only some tests and benches need: pinned in a folder of their own, installed there on demand. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The packages that a folder's package.json pins. */
function pinned(folder: URL): [name: string, version: string][] {
  const { dependencies } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
  return Object.entries(dependencies);
}

/** Whether each package of the folder is there in its pinned version. */
export function isInstalled(folder: URL): boolean {
  return pinned(folder).every(([name, version]) => {
    const file = new URL(`node_modules/${name}/package.json`, folder);
    return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).version === version;
  });
}

/**
 * Installs what is missing.
 *
 * @returns the packages' names and versions
 * @throws when npm fails
 */
export function install(folder: URL): string {
  if (!isInstalled(folder)) {
    const { status, error } = spawnSync('npm', ['ci', '--prefix', fileURLToPath(folder)], {
      stdio: 'inherit',
      shell: process.platform === 'win32',
      timeout: 300_000,
    });
    if (status !== 0)
      throw new Error(`npm ci in ${folder.pathname} failed: ${error?.message ?? `exit code ${status}`}`);
  }
  return pinned(folder)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}
