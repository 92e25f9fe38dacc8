/** The options that commands share. */
import { extname } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ModelInfo, type PipelineOptions, type Pipelines, pipeline } from '../entry/index.js';
import { DTYPES, type Dtype } from '../ground/dtypes.js';
import { complain } from './complain.js';
import { ProgressBar } from './progress-bar.js';
import { namedModel } from './small-models.js';
import type { TaskInput } from './task-input.js';

/** The library's limit, known before a model is loaded. */
const MAX_THREADS = 64;

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
  readonly dtype?: Dtype;
  readonly threads?: number | 'auto';
  readonly wide?: boolean;
}

export type InputFormat = 'text' | 'jsonl' | 'csv';
export type OutputFormat = 'json' | 'jsonl' | 'csv' | 'table';

/** How answers are written, and where. */
export interface OutputOptions {
  readonly format?: OutputFormat;
  readonly output?: string;
  /** Default of both formats: JSON lines. */
  readonly jsonl?: boolean;
  /** Between the fields of CSV, read or written. */
  readonly delimiter?: string;
}

/** Where lines come from, what they are, and how answers are written. */
export interface LineOptions extends OutputOptions {
  readonly file?: string;
  /** The index-th of `count` slices of the file, counted from 1. */
  readonly shard?: { readonly index: number; readonly count: number };
  readonly inputFormat?: InputFormat;
  readonly column?: readonly string[];
  /** Whether the first line of a CSV has the names of its columns. */
  readonly header?: boolean;
}

/** Formats by file extension. */
const NAMES: Readonly<Record<string, 'json' | 'jsonl' | 'csv'>> = {
  '.json': 'json',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
};

/** The format of the lines: from an option, or the file's extension; otherwise the task's default. */
export function inputFormat({ inputFormat, jsonl, column, file }: LineOptions, { lines }: TaskInput): InputFormat {
  if (inputFormat !== undefined) return inputFormat;
  if (jsonl) return 'jsonl';
  if (column !== undefined) return 'csv';
  const named = NAMES[extname(file ?? '').toLowerCase()];
  return named === undefined || named === 'json' ? lines : named;
}

/** The format of the answers: from an option, or the file's extension; otherwise a table on a terminal and JSON lines elsewhere. */
export function outputFormat({ format, jsonl, output }: OutputOptions): OutputFormat {
  if (format !== undefined) return format;
  if (jsonl) return 'jsonl';
  if (output !== undefined) return NAMES[extname(output).toLowerCase()] ?? 'jsonl';
  return process.stdout.isTTY ? 'table' : 'jsonl';
}

/** Adds the options of each command that loads a model. */
export function withModel(command: Command, what: string, required = false): Command {
  return withSource(command, what, required)
    .addOption(
      new Option(
        '--dtype <dtype>',
        "how large weights are stored and multiplied; default: the checkpoint's own",
      ).choices(DTYPES),
    )
    .addOption(new Option('--threads <n>', 'threads that compute, or auto').argParser(parseThreads).default(1))
    .addOption(wideOption());
}

export function wideOption(): Option {
  return new Option('--wide', "let V8 compute with 256-bit vectors, an experiment of V8's: Node 24 or later, x64");
}

/** The options of the library that say how a model is loaded. */
export function loadingOf({ dtype, threads, wide, revision, token, cacheDir, localFilesOnly }: ModelOptions) {
  const engineFlags = wide ? ('wide' as const) : undefined;
  return { dtype, threads, engineFlags, revision, token, cacheDir, localFilesOnly };
}

/** Adds the options of each command that reads a checkpoint. */
export function withSource(command: Command, what: string, required: boolean): Command {
  const source = new Option(
    '--model <source>',
    `directory, URL, Hub id (owner/name) or @albert-wasm package of ${what}`,
  );
  return command
    .addOption(source.argParser(namedModel).makeOptionMandatory(required))
    .option('--revision <name>', 'branch, tag or commit of a Hub id')
    .option(
      '--token <token>',
      'access token for the Hub; HF_TOKEN and hf auth login keep it out of the list of processes',
    )
    .option('--cache-dir <directory>', "directory of the Hub's cache")
    .option('--local-files-only', "use files in the Hub's cache only, without network access");
}

/** Adds the options of each command that answers. */
export function withLines(command: Command, { lines, columns }: TaskInput): Command {
  const formats = lines === 'text' ? ['text', 'jsonl', 'csv'] : ['jsonl', 'csv'];
  const names = columns.length > 0 ? `default: "${columns.join('" and "')}"` : 'the first goes with each of the others';
  const input = command
    .option('--file <path>', 'read the inputs from a file instead of standard input')
    .option(
      '--shard <i/n>',
      'only the i-th of n slices of the file, such as 1/4: each line is in one of them',
      parseShard,
    )
    .addOption(
      new Option(
        '--input-format <format>',
        `format of the lines; default: from the extension of --file (.jsonl, .csv), otherwise ${lines}; blank lines are skipped`,
      ).choices(formats),
    )
    .option(
      '--column <name>',
      `a CSV column to read, by its name or by its number from 1; repeat for several columns; ${names}`,
      (name: string, before: string[] = []) => [...before, name],
    )
    .option('--no-header', 'the first line of the CSV is data, not the names of its columns');
  return withOutput(input, true).option('--jsonl', 'short for --input-format jsonl --format jsonl');
}

/** Adds the options of each command that prints answers or figures. */
export function withOutput(command: Command, reads = false): Command {
  return command
    .addOption(
      new Option(
        '--format <format>',
        'format of the answers; default: from the extension of --output, otherwise a table on a terminal and JSON lines in a pipe',
      ).choices(['json', 'jsonl', 'csv', 'table']),
    )
    .option('--output <path>', 'write the answers to a file, which appears once it is complete')
    .option(
      '--delimiter <character>',
      `character between the fields of CSV${reads ? ', read and written' : ''}, or tab; default: a comma`,
      parseDelimiter,
    );
}

/** Loads a task's pipeline, with a progress bar on a terminal while files are downloaded. */
export async function load<T extends keyof Pipelines>(task: T, options: ModelOptions): Promise<Pipelines[T]> {
  const loaded = await withBar((onProgress) => pipeline(task, options.model, { ...loadingOf(options), onProgress }));
  tellWhyNotWide(loaded.model.info());
  return loaded;
}

const told = new Set<string>();

/**
 * Says why `--wide` has no effect, if that is known, each reason once; answers are the same. A command calls it after a load, when
 * it is known whether the flag is set, and after its last answer, when products may have been timed.
 */
export function tellWhyNotWide({ whyNotWide }: ModelInfo): void {
  if (whyNotWide === undefined || told.has(whyNotWide)) return;
  told.add(whyNotWide);
  complain(`--wide has no effect: ${whyNotWide}`);
}

/** Runs a load, with a progress bar on a terminal while files are downloaded. */
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

export function parseStride(value: string): number {
  const stride = Number(value);
  if (!Number.isSafeInteger(stride) || stride < 0) throw new InvalidArgumentError('expected a whole number from 0.');
  return stride;
}

function parseDelimiter(value: string): string {
  const delimiter = value === 'tab' ? '\t' : value;
  if (/^[\t -~]$/.test(delimiter) && delimiter !== '"') return delimiter;
  throw new InvalidArgumentError('expected one ASCII character other than a quote, or tab.');
}

function parseShard(value: string): { index: number; count: number } {
  const [index, count] = /^\d+\/\d+$/.test(value) ? value.split('/').map(parseCount) : [];
  if (index === undefined || count === undefined || index > count) {
    throw new InvalidArgumentError('expected i/n, with i from 1 to n.');
  }
  return { index, count };
}

export function parseThreads(value: string): number | 'auto' {
  if (value === 'auto') return value;
  const count = Number(value);
  if (Number.isSafeInteger(count) && count >= 1 && count <= MAX_THREADS) return count;
  throw new InvalidArgumentError(`expected a whole number from 1 to ${MAX_THREADS}, or auto.`);
}
