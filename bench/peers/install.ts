/** Installs the peers on demand: they have hundreds of megabytes, which only these benches need. */
import { install, isInstalled } from '../../test/support/npm.js';

const HERE = new URL('.', import.meta.url);

/** Whether each peer is there in the version that package.json pins. */
export const peersInstalled = (): boolean => isInstalled(HERE);

/** @returns the peers' names and versions */
export const installPeers = (): string => install(HERE);
