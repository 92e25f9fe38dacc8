/** The options of every command that loads a model, and the loading. */
import { type Command, Option } from 'commander';
import { type PipelineOptions, type Pipelines, pipeline } from '../index.js';
import { ProgressBar } from './progress-bar.js';

export interface ModelOptions {
  readonly model?: string;
  readonly dtype?: 'float32' | 'int8';
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
      new Option('--dtype <dtype>', 'how large weights are stored and multiplied')
        .choices(['float32', 'int8'])
        .default('float32'),
    );
}

/** Loads a task's pipeline, with a bar on a terminal while files come over the network. */
export async function load<T extends keyof Pipelines>(
  task: T,
  { model, ...options }: ModelOptions,
): Promise<Pipelines[T]> {
  const { dtype, revision, token, cacheDir, localFilesOnly } = options;
  const bar = process.stderr.isTTY ? new ProgressBar(process.stderr) : undefined;
  const onProgress: PipelineOptions['onProgress'] = bar && ((progress) => bar.show(progress));
  try {
    return await pipeline(task, model, { dtype, revision, token, cacheDir, localFilesOnly, onProgress });
  } finally {
    bar?.clear();
  }
}
