/** The options that commands share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type PipelineOptions, type Pipelines, pipeline } from '../index.js';

/** Which model, and how it is loaded. */
export interface ModelOptions {
  readonly model?: string;
  readonly dtype?: 'float32' | 'int8';
  readonly threads?: number | 'auto';
}

/** Where lines come from, and what is printed. */
export interface LineOptions {
  readonly file?: string;
  readonly jsonl?: boolean;
}

/** What each command that loads a model takes. */
export function withModel(command: Command, what: string, required = false): Command {
  const source = new Option('--model <source>', `directory or URL of ${what}`);
  return command
    .addOption(source.makeOptionMandatory(required))
    .addOption(
      new Option(
        '--dtype <dtype>',
        "how large weights are stored and multiplied; the checkpoint's own unless given",
      ).choices(['float32', 'int8']),
    )
    .addOption(new Option('--threads <n>', 'threads that compute, or auto').argParser(parseThreads).default(1));
}

/** What each command that answers takes. */
export function withLines(command: Command, lines: string): Command {
  return command
    .option('--file <path>', `read ${lines} from a file instead of standard input`)
    .option('--jsonl', 'lines are JSON, and answers too, even on a terminal');
}

/** Loads a task's pipeline. */
export function load<T extends keyof Pipelines>(
  task: T,
  { model, dtype, threads }: ModelOptions,
): Promise<Pipelines[T]> {
  const options: PipelineOptions = { dtype, threads };
  return pipeline(task, model, options);
}

export function parseCount(value: string): number {
  const count = Number(value);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('expected a whole number from 1.');
  return count;
}

function parseThreads(value: string): number | 'auto' {
  return value === 'auto' ? value : parseCount(value);
}
