/** The options of every command that loads a model, and the loading. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type PipelineOptions, type Pipelines, pipeline } from '../index.js';
import { ProgressBar } from './progress-bar.js';

export interface ModelOptions {
  readonly model?: string;
  readonly dtype?: 'float32' | 'int8';
  readonly threads?: number | 'auto';
  readonly revision?: string;
  readonly token?: string;
  readonly cacheDir?: string;
  readonly localFilesOnly?: boolean;
}

/** What each command that loads a model takes. */
export function withModel(command: Command, what: string): Command {
  return command
    .option('--model <source>', `directory, URL or Hub id (owner/name) of ${what}`)
    .option('--revision <name>', 'branch, tag or commit of a Hub id')
    .option('--token <token>', 'access token for the Hub; HF_TOKEN keeps it out of the list of processes')
    .option('--cache-dir <directory>', 'where files of the Hub are kept')
    .option('--local-files-only', 'take files of the Hub from the cache and ask no server')
    .addOption(
      new Option(
        '--dtype <dtype>',
        "how large weights are stored and multiplied; the checkpoint's own unless given",
      ).choices(['float32', 'int8']),
    )
    .option('--threads <n>', 'threads that compute, or auto', parseThreads, 1);
}

function parseThreads(value: string): number | 'auto' {
  return value === 'auto' ? value : parseCount(value);
}

/** A whole number from 1, as an option's argument. */
export function parseCount(value: string): number {
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('expected a whole number from 1.');
  return count;
}

/** Loads a task's pipeline, with a bar on a terminal while files come over the network. */
export async function load<T extends keyof Pipelines>(
  task: T,
  { model, ...options }: ModelOptions,
): Promise<Pipelines[T]> {
  const { dtype, threads, revision, token, cacheDir, localFilesOnly } = options;
  const bar = process.stderr.isTTY ? new ProgressBar(process.stderr) : undefined;
  const onProgress: PipelineOptions['onProgress'] = bar && ((progress) => bar.show(progress));
  try {
    return await pipeline(task, model, {
      dtype,
      threads,
      revision,
      token,
      cacheDir,
      localFilesOnly,
      onProgress,
    });
  } finally {
    bar?.clear();
  }
}
