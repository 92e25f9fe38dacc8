/** The examples of `train` and `evaluate`: from files or standard input, with other names of columns. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DataFormat, Dataset, DatasetOptions, TrainingTask } from '../entry/training.js';
import { openBytes } from './inputs.js';

/** Training is loaded when it is asked for: the other commands start without it. */
export const loadTraining = () => import('../entry/training.js');

export const TRAINING_TASKS: readonly TrainingTask[] = [
  'text-classification',
  'token-classification',
  'question-answering',
  'multiple-choice',
  'sentence-similarity',
  'fill-mask',
];

/** What `--max-length` is. */
export const LENGTH_HELP =
  'the most tokens of a text that are read; default: all positions of the model, for question-answering 384';

/** Which examples, and how they are written. */
export interface DataOptions {
  readonly task: TrainingTask;
  readonly inputFormat?: DataFormat;
  readonly column?: Readonly<Record<string, string>>;
  readonly maxLength?: number;
  readonly maxScore?: number;
}

/** Adds the options of each command that reads examples. */
export function withExamples(command: Command): Command {
  return command
    .addOption(
      new Option('--task <task>', 'what the model does').choices(TRAINING_TASKS).default('text-classification'),
    )
    .addOption(
      new Option(
        '--input-format <format>',
        "format of the examples; default: from the file's extension, otherwise jsonl",
      ).choices(['jsonl', 'csv', 'tsv']),
    )
    .option(
      '--column <key=name>',
      'the name that a key has in the files, such as text=review; repeat it for other keys',
      parseColumn,
    )
    .option(
      '--max-score <label>',
      'of sentence-similarity: the label of two sentences that mean the same; default: the largest one without its sign, at least 1',
      parsePositive,
    );
}

/** A number above 0, as an option's argument. */
export function parsePositive(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number > 0 && number < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('expected a number above 0.');
  return number;
}

/** Reads the examples of a file, or of standard input for `-`. */
export async function readExamples(
  file: string,
  { task, inputFormat, column, maxScore }: DataOptions,
  more: DatasetOptions = {},
): Promise<Dataset> {
  const { loadDataset } = await loadTraining();
  const name = file === '-' ? 'standard input' : file;
  const bytes = openBytes({ ...(file !== '-' && { file }) });
  return loadDataset(task, bytes, { name, format: inputFormat, columns: column, max_score: maxScore, ...more });
}

function parseColumn(value: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [key, ...name] = value.split('=');
  if (key === undefined || key === '' || name.join('=') === '') {
    throw new InvalidArgumentError('expected a key and a name, such as text=review.');
  }
  return { ...before, [key]: name.join('=') };
}
