/** Readers of formats that most pages never meet, and the error for a source without weights: loaded when they are needed. */
import type { RareReaders } from './formats.js';

export const RARE_READERS: RareReaders = {
  readPytorch: async (file, name) => (await import('./pytorch/read.js')).readPytorch(file, name),
  noWeights: async (source) => (await import('./no-weights.js')).noWeights(source),
};
