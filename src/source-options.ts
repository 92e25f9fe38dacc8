/** The options of everything that loads from a source: models, tokenizers and pipelines share them. */
import { mismatch, type OptionNames, throwIfAborted } from './errors.js';
import { isWeights } from './file-limits.js';

/** How far one file has come. `loaded` never falls, and the last report of a stage has `loaded === total`. */
export interface LoadProgress {
  /** `download`: over the network, with what an earlier download left; `read`: from disk or the browser's cache. */
  readonly stage: 'download' | 'read';
  readonly file: string;
  /** Bytes. */
  readonly loaded: number;
  /** Bytes; `undefined` where the server has not said. */
  readonly total: number | undefined;
  /** Percent, from 0 to 100; `undefined` where `total` is. */
  readonly progress: number | undefined;
  /** How far the load is with all of its files. */
  readonly overall: OverallProgress;
}

/** How far a load has come with the files that it has met so far, of a pipeline those of model and tokenizer. */
export interface OverallProgress {
  /** Bytes, those of a file once, whether downloaded, read or both. Never falls. */
  readonly loaded: number;
  /**
   * Bytes; grows when another file is met. `undefined` while a file has not said its size, and, where the load is one of
   * weights, until they are met: without them it would be next to nothing.
   */
  readonly total: number | undefined;
  /** Percent, from 0 to 100; `undefined` where `total` is. */
  readonly progress: number | undefined;
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
  /** Receives how far each file has come, and the load with all of them. What it throws ends the load. */
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

type Sizes = Pick<LoadProgress, 'loaded' | 'total'>;

/** The files that one load has met. */
interface Load {
  readonly weights: boolean;
  readonly files: Map<string, Sizes>;
}

/** Loads that run, each by the function that receives its progress. */
const LOADS = new WeakMap<object, Load>();

/**
 * Options for all that one load reads, so that its reports count files together. A load within another is part of that.
 *
 * @param weights whether weights are among the files
 */
export function asOneLoad<T extends SourceOptions>(options: T, { weights }: { weights: boolean }): T {
  const { onProgress } = options;
  if (typeof onProgress !== 'function' || LOADS.has(onProgress)) return options;
  // Its own function: the caller's may receive the progress of several loads.
  const report = (progress: LoadProgress) => onProgress(progress);
  LOADS.set(report, { weights, files: new Map() });
  return { ...options, onProgress: report };
}

/** Reports one stage of one file: only what is news, so that a download that starts over does not run backwards. */
export function progressReporter(
  { onProgress }: SourceOptions,
  stage: LoadProgress['stage'],
  file: string,
): (loaded: number, total: number | undefined) => void {
  if (onProgress === undefined) return () => {};
  const load = LOADS.get(onProgress) ?? { weights: false, files: new Map() };
  let [loadedBefore, totalBefore]: [number, number | undefined] = [-1, undefined];
  return (loaded, total) => {
    if (loaded < loadedBefore || (loaded === loadedBefore && total === totalBefore)) return;
    [loadedBefore, totalBefore] = [loaded, total];
    // What has been downloaded is read from the disk again.
    load.files.set(file, { loaded: Math.max(loaded, load.files.get(file)?.loaded ?? 0), total });
    onProgress({ stage, file, loaded, total, progress: percent({ loaded, total }), overall: overall(load) });
  };
}

function overall({ weights, files }: Load): OverallProgress {
  const sizes = [...files.values()];
  const loaded = sizes.reduce((sum, file) => sum + file.loaded, 0);
  const known = sizes.every(({ total }) => total !== undefined) && (!weights || [...files.keys()].some(isWeights));
  const total = known ? sizes.reduce((sum, file) => sum + (file.total as number), 0) : undefined;
  return { loaded, total, progress: percent({ loaded, total }) };
}

function percent({ loaded, total }: Sizes): number | undefined {
  if (total === undefined) return undefined;
  return total === 0 ? 100 : (100 * loaded) / total;
}
