/** The options that models, tokenizers and pipelines share: how a source is read. */

import { throwIfAborted } from './abort.js';
import { mismatch } from './errors.js';
import { isWeights } from './file-limits.js';
import type { OptionNames } from './options.js';

/** Progress of one file. `loaded` never decreases; the last report of a stage has `loaded === total`. */
export interface LoadProgress {
  /** `download`: over the network, continuing an earlier download; `read`: from disk or the browser's cache. */
  readonly stage: 'download' | 'read';
  readonly file: string;
  /** Bytes. */
  readonly loaded: number;
  /** Bytes; `undefined` if the server has not sent the size. */
  readonly total: number | undefined;
  /** Percent, from 0 to 100; `undefined` where `total` is. */
  readonly progress: number | undefined;
  /** Progress of the load with all of its files. */
  readonly overall: OverallProgress;
}

/** Progress of a load, over the files known so far; a pipeline loads a model and a tokenizer. */
export interface OverallProgress {
  /** Bytes; those of a file count once, whether it is downloaded, read or both. Never decreases. */
  readonly loaded: number;
  /**
   * Bytes; increases when another file is found. `undefined` while the size of a file is unknown and, if the load includes
   * weights, until they are found: without them, the sum would mean little.
   */
  readonly total: number | undefined;
  /** Percent, from 0 to 100; `undefined` where `total` is. */
  readonly progress: number | undefined;
}

/** How a source is read, and who receives its progress. */
export interface SourceOptions {
  /** Branch, tag or commit of a Hub id; default: `main`. All files of a load belong to one commit. */
  readonly revision?: string;
  /**
   * Access token for private and gated repositories, sent only to the Hub's origin. Default in Node: `HF_TOKEN`, or what
   * `hf auth login` stored.
   */
  readonly token?: string;
  /** Directory of the Hub's cache (Node; default: that of `huggingface_hub`), or name of the Cache (browsers). */
  readonly cacheDir?: string;
  /** Reads a Hub id's files from the cache only, and asks no server. */
  readonly localFilesOnly?: boolean;
  /** Used instead of the global `fetch`; must follow the Fetch standard. */
  readonly fetch?: typeof globalThis.fetch;
  /** Receives the progress of each file and of the whole load. An error that it throws ends the load. */
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

/** The files that one load has found. */
interface Load {
  readonly weights: boolean;
  readonly files: Map<string, Sizes>;
}

/** The running loads, each under the function that receives its progress. */
const LOADS = new WeakMap<object, Load>();

/**
 * Options for everything that one load reads, so that its reports count the files together. A load within a load is part of it.
 *
 * @param weights whether weights are among the files
 */
export function asOneLoad<T extends SourceOptions>(options: T, { weights }: { weights: boolean }): T {
  const { onProgress } = options;
  if (typeof onProgress !== 'function' || LOADS.has(onProgress)) return options;
  // A new function per load: the caller's may receive the progress of several loads.
  const report = (progress: LoadProgress) => onProgress(progress);
  LOADS.set(report, { weights, files: new Map() });
  return { ...options, onProgress: report };
}

/** Reports one stage of one file, only when it advances: a download that starts over does not run backwards. */
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
    // A downloaded file is read from the disk afterwards.
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
