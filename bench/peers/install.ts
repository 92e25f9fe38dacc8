/** Installs the peers on demand: nobody who does not measure against them has to carry their hundreds of megabytes. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @throws when npm fails */
export function installPeers(): void {
  if (existsSync(new URL('node_modules/onnxruntime-web/package.json', import.meta.url))) return;
  const { status, error } = spawnSync('npm', ['ci', '--prefix', fileURLToPath(new URL('.', import.meta.url))], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ci in bench/peers failed: ${error?.message ?? `exit code ${status}`}`);
}
