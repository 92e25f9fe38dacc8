/** What a trainer knows of its run, as Hugging Face's `trainer_state.json` has it. */
import { AlbertError, mismatch } from '../../ground/errors.js';
import type { ResolvedArguments } from './arguments.js';

/** One line of the log: of training, of an evaluation, or of the whole run. */
export type LogEntry = Readonly<Record<string, number>> & {
  readonly step: number;
  /** Passes over the examples so far, with a fraction. */
  readonly epoch: number;
};

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
}

export function courseOf(task: string, examples: number, args: ResolvedArguments): Course {
  const { seed, per_device_train_batch_size, gradient_accumulation_steps, group_by_length, dropout } = args;
  const examples_per_step = per_device_train_batch_size * gradient_accumulation_steps;
  return { task, seed, examples, examples_per_step, group_by_length, dropout };
}

export const STATE_FILE = 'trainer_state.json';

export function encodeState(state: TrainerState, course: Course): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ ...state, course }, null, 2)}\n`);
}

/** @throws ERR_CHECKPOINT for a file that is no trainer's state; ERR_INPUT if its course is another one */
export function decodeState(bytes: Uint8Array | undefined, course: Course, directory: string): MutableState {
  if (bytes === undefined) {
    throw new AlbertError('ERR_SOURCE', `there is no ${STATE_FILE} in ${directory}: it is no checkpoint of a trainer`);
  }
  let stored: (Partial<MutableState> & { course?: Partial<Course> }) | null;
  try {
    stored = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AlbertError('ERR_CHECKPOINT', `${STATE_FILE} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const { course: before, ...state } = stored ?? {};
  for (const [name, value] of Object.entries(freshState())) {
    const found = state[name as keyof MutableState];
    const isLike = typeof found === typeof value && Array.isArray(found) === Array.isArray(value);
    const isSet = typeof found === 'number' || typeof found === 'string';
    if (!(value === null ? isSet || found === null : isLike && found !== null)) {
      throw mismatch('ERR_CHECKPOINT', name, 'what a trainer has written', found, STATE_FILE);
    }
  }
  for (const [name, value] of Object.entries(course)) {
    const found = before?.[name as keyof Course];
    if (found !== value) {
      throw mismatch('ERR_INPUT', name, `${found} as in ${directory}, to continue it`, value);
    }
  }
  return state as MutableState;
}
