/** What a trainer is given, and what a training gives. */
import { mismatch } from '../../ground/errors.js';
import { checkOptions, type OptionNames } from '../../ground/options.js';
import type { AlbertConfig } from '../../model/config.js';
import { AlbertTokenizer } from '../../tokenizer/tokenizer.js';
import { trainableModel } from '../access.js';
import type { Dataset } from '../data/dataset.js';
import type { TaskExamples, TrainingTask } from '../data/examples.js';
import type { AnyModel } from '../tasks/task.js';
import type { ResolvedArguments, TrainingArguments } from './arguments.js';
import type { ComputeMetrics } from './evaluation.js';
import type { TrainingProgress } from './progress.js';
import type { LogEntry } from './state.js';

/** A dataset, or an array of its examples. */
export type Examples = Dataset | readonly TaskExamples[TrainingTask][];

/** What a trainer works with. */
export interface TrainerOptions {
  /** To be trained: a float32 model on the calling thread, such as `loadForTraining` gives. To be evaluated: any. */
  readonly model: AnyModel;
  readonly tokenizer: AlbertTokenizer;
  readonly args?: TrainingArguments;
  readonly train_dataset?: Examples;
  readonly eval_dataset?: Examples;
  /** Makes metrics of an evaluation's predictions, in place of the task's own. */
  readonly compute_metrics?: ComputeMetrics;
  /** Receives the progress after each step. */
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Receives each entry of the log. */
  readonly onLog?: (entry: LogEntry) => void;
  /** Receives the progress of an evaluation after each batch. */
  readonly onEvaluation?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Ends training and evaluations, within a step. */
  readonly signal?: AbortSignal;
}

const OPTIONS: OptionNames<TrainerOptions> = {
  model: true,
  tokenizer: true,
  args: true,
  train_dataset: true,
  eval_dataset: true,
  compute_metrics: true,
  onProgress: true,
  onLog: true,
  onEvaluation: true,
  signal: true,
};

/** What a whole training gives. */
export interface TrainOutput {
  readonly global_step: number;
  /** The mean of all steps' losses. */
  readonly training_loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** @throws ERR_INPUT for unknown and invalid options, and for a model in a worker or in int8 if there is a `train_dataset` */
export function checkTrainerOptions(given: TrainerOptions): TrainerOptions {
  const options = checkOptions(given, OPTIONS);
  if (options.train_dataset !== undefined) trainableModel(options.model);
  if (!(options.tokenizer instanceof AlbertTokenizer))
    throw mismatch('ERR_INPUT', 'tokenizer', 'an AlbertTokenizer', options.tokenizer);
  for (const name of ['compute_metrics', 'onProgress', 'onLog', 'onEvaluation'] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== 'function') throw mismatch('ERR_INPUT', name, 'a function', value);
  }
  return options;
}

/** As transformers' `run_qa`. */
const QUESTION_LENGTH = 384;

/** The most tokens of a text that are read. @throws ERR_INPUT for more than the model reads, and for no more than a text's special ones */
export function sequenceLength(
  task: TrainingTask,
  tokenizer: AlbertTokenizer,
  config: AlbertConfig,
  args: ResolvedArguments,
): number {
  const most = Math.min(tokenizer.model_max_length, config.max_position_embeddings);
  const usual = task === 'question-answering' ? Math.min(QUESTION_LENGTH, most) : most;
  const { max_seq_length = usual } = args;
  if (max_seq_length > most)
    throw mismatch('ERR_INPUT', 'max_seq_length', `at most ${most}, as the model reads`, max_seq_length);
  const special = tokenizer.num_special_tokens_to_add(task === 'question-answering');
  if (max_seq_length <= special)
    throw mismatch('ERR_INPUT', 'max_seq_length', `more than ${special}, the special tokens of a text`, max_seq_length);
  return max_seq_length;
}
