/** Readers of formats that most pages never meet, and the error for a source without weights: loaded on demand. */
import type { RareReaders } from './formats.js';

const load = () => import('./rare-readers.js');

export const RARE_READERS: RareReaders = {
  readFlax: async (file, name) => (await load()).readFlax(file, name),
  readPytorch: async (file, name) => (await load()).readPytorch(file, name),
  noWeights: async (source, names) => (await load()).noWeights(source, names),
};
