/** What a trainer knows of its run, as Hugging Face's `trainer_state.json` has it. */
import { AlbertError, mismatch } from '../../ground/errors.js';
import { nestsDeeper } from '../../ground/nesting.js';
import type { TaskContext } from '../tasks/task.js';
import type { ResolvedArguments } from './arguments.js';

/** One line of the log: of training, of an evaluation, or of the whole run. */
export type LogEntry = Readonly<Record<string, number>> & {
  readonly step: number;
  /** Passes over the examples so far, with a fraction. */
  readonly epoch: number;
};

/** Where a training is. */
export interface TrainerState {
  readonly epoch: number;
  /** Steps so far. */
  readonly global_step: number;
  /** The last step after which everything that was due has been done. */
  readonly settled_step: number;
  /** Steps in all. */
  readonly max_steps: number;
  readonly num_train_epochs: number;
  readonly log_history: readonly LogEntry[];
  readonly best_metric: number | null;
  /** The step of the best evaluation. */
  readonly best_global_step: number | null;
  readonly best_model_checkpoint: string | null;
  /** Tokens that the model has read, special ones included. */
  readonly num_input_tokens_seen: number;
  /** The sum of the losses of all steps. */
  readonly total_loss: number;
  /** Evaluations in a row that were no better. */
  readonly early_stopping_patience_counter: number;
  /** The losses since the last entry of the log. */
  readonly unlogged: { readonly loss: number; readonly steps: number };
}

export type MutableState = { -readonly [K in keyof TrainerState]: TrainerState[K] };

export function freshState(): MutableState {
  return {
    epoch: 0,
    global_step: 0,
    settled_step: 0,
    max_steps: 0,
    num_train_epochs: 0,
    log_history: [],
    best_metric: null,
    best_global_step: null,
    best_model_checkpoint: null,
    num_input_tokens_seen: 0,
    total_loss: 0,
    early_stopping_patience_counter: 0,
    unlogged: { loss: 0, steps: 0 },
  };
}

/** What decides which examples a step reads, and how they are masked: a resumed run continues bit for bit only with the same. */
export interface Course {
  readonly task: string;
  readonly seed: number;
  readonly examples: number;
  readonly examples_per_step: number;
  readonly group_by_length: boolean;
  readonly dropout: boolean;
  readonly max_seq_length: number;
  /** A hash of the examples as the model reads them, with their labels. */
  readonly data: number;
}

export function courseOf(
  task: string,
  features: readonly unknown[],
  { config, max_seq_length }: Pick<TaskContext, 'config' | 'max_seq_length'>,
  args: ResolvedArguments,
): Course {
  const { seed, per_device_train_batch_size, gradient_accumulation_steps, group_by_length, dropout } = args;
  const examples_per_step = per_device_train_batch_size * gradient_accumulation_steps;
  const data = hashOf([config.id2label, ...features]);
  const examples = features.length;
  return { task, seed, examples, examples_per_step, group_by_length, dropout, max_seq_length, data };
}

/** 52 bits of what JSON writes of values, by two FNV-1a hashes. */
function hashOf(values: readonly unknown[]): number {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const value of values) {
    const text = JSON.stringify(value) ?? '';
    for (let i = 0; i <= text.length; i++) {
      const unit = i === text.length ? 0x10000 : text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x01000193) + a;
    }
  }
  return ((a >>> 0) & 0xfffff) * 2 ** 32 + (b >>> 0);
}

export const TRAINER_STATE_FILE = 'trainer_state.json';

export function encodeTrainerState(state: TrainerState, course: Course): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ ...state, course }, null, 2)}\n`);
}

/** @throws ERR_CHECKPOINT for a file that is no trainer's state; ERR_INPUT if its course is another one */
export function decodeTrainerState(bytes: Uint8Array | undefined, course: Course, directory: string): MutableState {
  if (bytes === undefined) {
    throw new AlbertError(
      'ERR_SOURCE',
      `there is no ${TRAINER_STATE_FILE} in ${directory}: it is no checkpoint of a trainer`,
    );
  }
  let stored: (Partial<MutableState> & { course?: Partial<Course> }) | null;
  try {
    stored = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AlbertError('ERR_CHECKPOINT', `${TRAINER_STATE_FILE} is not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (nestsDeeper(stored, STATE_DEPTH))
    throw mismatch('ERR_CHECKPOINT', TRAINER_STATE_FILE, 'what a trainer has written', 'values nested deeper');
  const { course: before, ...state } = stored ?? {};
  for (const [name, value] of Object.entries(freshState())) {
    const found = state[name as keyof MutableState];
    const isLike = typeof found === typeof value && Array.isArray(found) === Array.isArray(value);
    const isSet = typeof found === 'number' || typeof found === 'string';
    if (!(value === null ? isSet || found === null : isLike && found !== null)) {
      throw mismatch('ERR_CHECKPOINT', name, 'what a trainer has written', found, TRAINER_STATE_FILE);
    }
  }
  checkState(state as TrainerState);
  if (before?.data !== course.data || before.max_seq_length !== course.max_seq_length) {
    const same = 'the task, train_dataset, max_score, max_seq_length and columns must be as before';
    throw new AlbertError('ERR_INPUT', `these are not the examples of ${directory}: ${same}`);
  }
  for (const [name, value] of Object.entries(course)) {
    const found = before?.[name as keyof Course];
    if (found !== value) {
      if (name === 'dropout' && typeof found === 'boolean') {
        const how = found ? 'with' : 'without';
        throw new AlbertError('ERR_INPUT', `${directory} was trained ${how} dropout: dropout must be ${found}`);
      }
      throw mismatch('ERR_INPUT', name, `${found} as in ${directory}, to continue it`, value);
    }
  }
  return state as MutableState;
}

/** Objects in a list in the state. */
const STATE_DEPTH = 4;

/** @throws ERR_CHECKPOINT unless counts are counts, metrics numbers and the log a list of numbers by name */
function checkState(state: TrainerState): void {
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  const isEntry = (entry: unknown) =>
    typeof entry === 'object' &&
    entry !== null &&
    Object.values(entry).every((value) => value === null || typeof value === 'number');
  const { unlogged } = state;
  const faults: readonly (readonly [name: keyof TrainerState, holds: boolean])[] = [
    ['global_step', isCount(state.global_step)],
    ['max_steps', isCount(state.max_steps)],
    ['num_input_tokens_seen', isCount(state.num_input_tokens_seen)],
    ['early_stopping_patience_counter', isCount(state.early_stopping_patience_counter)],
    ['best_global_step', state.best_global_step === null || isCount(state.best_global_step)],
    ['best_metric', state.best_metric === null || typeof state.best_metric === 'number'],
    ['best_model_checkpoint', state.best_model_checkpoint === null || typeof state.best_model_checkpoint === 'string'],
    ['log_history', state.log_history.every(isEntry)],
    ['unlogged', typeof unlogged.loss === 'number' && isCount(unlogged.steps)],
  ];
  const fault = faults.find(([, holds]) => !holds);
  if (fault !== undefined)
    throw mismatch('ERR_CHECKPOINT', fault[0], 'what a trainer has written', state[fault[0]], TRAINER_STATE_FILE);
}
