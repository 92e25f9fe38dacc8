/**
 * The small checkpoints for a pipeline without a source: packages of their own, so that only those who use the weights
 * download them.
 */
import { packageDirectory } from '#platform';
import { AlbertError } from '../ground/errors.js';

/** MLM and sentence order, English. */
export const ALBERT_MINI_EN = '@albert-wasm/albert-mini-en';

/** People, places and organisations in English text. */
export const ALBERT_MINI_EN_NER = '@albert-wasm/albert-mini-en-ner';

/** Sentiment of English sentences. */
export const ALBERT_MINI_EN_SST2 = '@albert-wasm/albert-mini-en-sst2';

/** Embeddings of English sentences. */
export const ALBERT_MINI_EN_STS = '@albert-wasm/albert-mini-en-sts';

/**
 * The directory of a task's small model.
 *
 * @throws ERR_SOURCE, with advice, if its package is not installed; always in browsers, where packages cannot be found by name
 */
export function embeddedModel(name: string, task: string): URL {
  const directory = packageDirectory(name);
  if (directory !== undefined) return directory;
  throw new AlbertError(
    'ERR_SOURCE',
    `"source" expected a model for ${task}, got none: \`npm install ${name}\` brings a small one; ` +
      `in a page also \`import model from '${name}'\` and call \`pipeline('${task}', model)\``,
  );
}
