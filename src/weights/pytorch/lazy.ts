/** Readers of formats that most pages never meet: each is loaded when a file of its kind is. */
import type { RareReaders } from '../formats.js';

export const RARE_READERS: RareReaders = {
  readPytorch: async (file, name) => (await import('./read.js')).readPytorch(file, name),
};
