/** The options that commands share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type PipelineOptions, type Pipelines, pipeline } from '../index.js';
import { ProgressBar } from './progress-bar.js';

/** The library's limit, known before a model is loaded. */
const MOST_THREADS = 64;

/** Where a checkpoint is read from. */
export interface SourceOptions {
  readonly model?: string;
  readonly revision?: string;
  readonly token?: string;
  readonly cacheDir?: string;
  readonly localFilesOnly?: boolean;
}

/** Which model, and how it is loaded. */
export interface ModelOptions extends SourceOptions {
  readonly dtype?: 'float32' | 'int8';
  readonly threads?: number | 'auto';
}

/** Where lines come from, and what is printed. */
export interface LineOptions {
  readonly file?: string;
  /** The index-th of `count` slices of the file, counted from 1. */
  readonly shard?: { readonly index: number; readonly count: number };
  readonly jsonl?: boolean;
}

/** How a task's texts are written, arguments like lines: as they are, or as JSON with `--jsonl`. */
export function textReader<T>({ jsonl }: LineOptions, parse: (text: string) => T): (text: string) => T | string {
  return jsonl ? parse : (text) => text;
}

/** What each command that loads a model takes. */
export function withModel(command: Command, what: string, required = false): Command {
  return withSource(command, what, required)
    .addOption(
      new Option(
        '--dtype <dtype>',
        "how large weights are stored and multiplied; the checkpoint's own unless given",
      ).choices(['float32', 'int8']),
    )
    .addOption(new Option('--threads <n>', 'threads that compute, or auto').argParser(parseThreads).default(1));
}

/** What each command that reads a checkpoint takes. */
export function withSource(command: Command, what: string, required: boolean): Command {
  const source = new Option('--model <source>', `directory, URL or Hub id (owner/name) of ${what}`);
  return command
    .addOption(source.makeOptionMandatory(required))
    .option('--revision <name>', 'branch, tag or commit of a Hub id')
    .option(
      '--token <token>',
      'access token for the Hub; HF_TOKEN or hf auth login keep it out of the list of processes',
    )
    .option('--cache-dir <directory>', 'where files of the Hub are kept')
    .option('--local-files-only', 'take files of the Hub from the cache and ask no server');
}

/** What each command that answers takes. */
export function withLines(command: Command, lines: string): Command {
  return command
    .option('--file <path>', `read ${lines} from a file instead of standard input`)
    .option(
      '--shard <i/n>',
      'only the i-th of n slices of the file, such as 1/4: each line is in one of them',
      parseShard,
    )
    .option('--jsonl', 'texts are JSON, and answers too, even on a terminal');
}

/** Loads a task's pipeline, with a bar on a terminal while files come over the network. */
export async function load<T extends keyof Pipelines>(
  task: T,
  { model, dtype, threads, revision, token, cacheDir, localFilesOnly }: ModelOptions,
): Promise<Pipelines[T]> {
  const options = { dtype, threads, revision, token, cacheDir, localFilesOnly };
  return withBar((onProgress) => pipeline(task, model, { ...options, onProgress }));
}

/** Runs what loads files, with a bar on a terminal while they come over the network. */
export async function withBar<T>(work: (onProgress: PipelineOptions['onProgress']) => Promise<T>): Promise<T> {
  const bar = process.stderr.isTTY ? new ProgressBar(process.stderr) : undefined;
  try {
    return await work(bar && ((progress) => bar.show(progress)));
  } finally {
    bar?.clear();
  }
}

/** A whole number from 1, as an option's argument. */
export function parseCount(value: string): number {
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('expected a whole number from 1.');
  return count;
}

function parseShard(value: string): { index: number; count: number } {
  const [index, count] = /^\d+\/\d+$/.test(value) ? value.split('/').map(parseCount) : [];
  if (index === undefined || count === undefined || index > count) {
    throw new InvalidArgumentError('expected i/n, with i from 1 to n.');
  }
  return { index, count };
}

function parseThreads(value: string): number | 'auto' {
  if (value === 'auto') return value;
  const count = Number(value);
  if (Number.isSafeInteger(count) && count >= 1 && count <= MOST_THREADS) return count;
  throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST_THREADS}, or auto.`);
}
