/** Installs the peers on demand: they have hundreds of megabytes, which only these benches need. */
import { install, isInstalled } from '../../test/support/npm.js';

const HERE = new URL('.', import.meta.url);

/** Whether each peer is there in the version that package.json pins. */
export const peersInstalled = (): boolean => isInstalled(HERE);

/** @returns the names and versions of those whose names match */
export function installPeers(used: RegExp): string {
  const versions = install(HERE).split(', ');
  return versions.filter((version) => used.test(version)).join(', ');
}
