/** Installs the peers on demand: only this bench needs them. */
import { install, isInstalled } from '../../../test/support/npm.js';

const HERE = new URL('.', import.meta.url);

/** Whether each peer is there in the version that package.json pins. */
export const trainingPeersInstalled = (): boolean => isInstalled(HERE);

/** @returns the peers' names and versions */
export const installTrainingPeers = (): string => install(HERE);
