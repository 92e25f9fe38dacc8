/** Installs the peers on demand: nobody who does not measure against them has to carry their hundreds of megabytes. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
  readFileSync(new URL('package.json', import.meta.url), 'utf8'),
);

/** Whether each peer is there in the version that package.json pins. */
export function peersInstalled(): boolean {
  return Object.entries(dependencies).every(([name, version]) => {
    const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
    return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).version === version;
  });
}

/**
 * @returns the peers' names and versions
 * @throws when npm fails
 */
export function installPeers(): string {
  const names = Object.entries(dependencies).map(([name, version]) => `${name} ${version}`);
  if (peersInstalled()) return names.join(', ');
  const { status, error } = spawnSync('npm', ['ci', '--prefix', fileURLToPath(new URL('.', import.meta.url))], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ci in bench/peers failed: ${error?.message ?? `exit code ${status}`}`);
  return names.join(', ');
}
