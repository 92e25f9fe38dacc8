/** Installs the peers on demand: nobody who does not measure against them has to carry their hundreds of megabytes. */
import { install, isInstalled } from '../../test/support/npm.js';

const HERE = new URL('.', import.meta.url);

/** Whether each peer is there in the version that package.json pins. */
export const peersInstalled = (): boolean => isInstalled(HERE);

/** @returns the peers' names and versions */
export const installPeers = (): string => install(HERE);
