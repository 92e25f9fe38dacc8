/** The options of everything that loads from a source: models, tokenizers and pipelines share them. */
import { mismatch, type OptionNames, throwIfAborted } from './errors.js';

/** How far one file has come. `loaded` never falls, and the last report of a stage has `loaded === total`. */
export interface LoadProgress {
  /** `download`: over the network, with what an earlier download left; `read`: from disk or the browser's cache. */
  readonly stage: 'download' | 'read';
  readonly file: string;
  /** Bytes. */
  readonly loaded: number;
  /** Bytes; `undefined` where the server has not said. */
  readonly total: number | undefined;
}

/** How a source is read, and who hears of it. */
export interface SourceOptions {
  /** Branch, tag or commit of a Hub id; `main` unless given. All files of a load are of one commit. */
  readonly revision?: string;
  /** Access token for private and gated repositories, sent to the Hub's origin only; in Node `HF_TOKEN` unless given, or what `hf auth login` has stored. */
  readonly token?: string;
  /** Directory of the Hub's cache (Node), the one of `huggingface_hub` unless given; name of the Cache (browsers). */
  readonly cacheDir?: string;
  /** Take a Hub id's files from the cache and ask no server. */
  readonly localFilesOnly?: boolean;
  /** Used instead of the global `fetch`; must follow the Fetch standard. */
  readonly fetch?: typeof globalThis.fetch;
  /** Hears how far each file has come. What it throws ends the load. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Cancels the load. */
  readonly signal?: AbortSignal;
}

export const SOURCE_OPTIONS: OptionNames<SourceOptions> = {
  revision: true,
  token: true,
  cacheDir: true,
  localFilesOnly: true,
  fetch: true,
  onProgress: true,
  signal: true,
};

/** @throws ERR_INPUT naming the option, without showing a token; ERR_ABORTED when the signal has fired */
export function checkSourceOptions(options: SourceOptions): void {
  const { token, localFilesOnly, signal } = options;
  for (const name of ['revision', 'cacheDir'] as const) {
    const value = options[name];
    const valid = value === undefined || (typeof value === 'string' && value !== '');
    if (!valid) throw mismatch('ERR_INPUT', name, 'a string that is not empty', value);
  }
  // Anything else would reach a header.
  if (token !== undefined && !(typeof token === 'string' && /^[\x21-\x7e]+$/.test(token))) {
    throw mismatch('ERR_INPUT', 'token', 'printable ASCII without spaces', typeof token);
  }
  if (localFilesOnly !== undefined && typeof localFilesOnly !== 'boolean') {
    throw mismatch('ERR_INPUT', 'localFilesOnly', 'true or false', localFilesOnly);
  }
  for (const name of ['fetch', 'onProgress'] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== 'function') throw mismatch('ERR_INPUT', name, 'a function', value);
  }
  throwIfAborted(signal);
}

/** Reports one stage of one file: only what is news, so that a download that starts over does not run backwards. */
export function progressReporter(
  { onProgress }: SourceOptions,
  stage: LoadProgress['stage'],
  file: string,
): (loaded: number, total: number | undefined) => void {
  let [loadedBefore, totalBefore]: [number, number | undefined] = [-1, undefined];
  return (loaded, total) => {
    if (loaded < loadedBefore || (loaded === loadedBefore && total === totalBefore)) return;
    [loadedBefore, totalBefore] = [loaded, total];
    onProgress?.({ stage, file, loaded, total });
  };
}
