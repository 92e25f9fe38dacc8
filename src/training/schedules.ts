/** Learning rates over the steps of a training: those of transformers' `get_scheduler`. */

import { mismatch } from '../ground/errors.js';
import { checkOptions, type OptionNames } from '../ground/options.js';

/** The learning rate of a step; the first step is 0. */
export type Schedule = (step: number) => number;

/** Options of a schedule, by transformers' names. */
export interface ScheduleOptions {
  /** The highest learning rate. */
  readonly learning_rate: number;
  /** Steps during which the learning rate rises from 0; default: 0. */
  readonly warmup_steps?: number;
  /** All steps of the training, those of the warm-up included. */
  readonly total_steps: number;
}

/** A schedule's kind and options, from which it can be made again. */
export interface ScheduleDescription extends Omit<ScheduleOptions, 'total_steps'> {
  readonly type: 'linear' | 'cosine' | 'constant';
  readonly total_steps?: number;
}

const OPTIONS: OptionNames<ScheduleOptions> = { learning_rate: true, warmup_steps: true, total_steps: true };

const descriptions = new WeakMap<Schedule, ScheduleDescription>();

/** Rises linearly during the warm-up, then falls linearly: it would be 0 at the step after the last. */
export function linearSchedule(options: ScheduleOptions): Schedule {
  return make('linear', options, (progress) => 1 - progress);
}

/** Rises linearly during the warm-up, then falls along half a cosine: it would be 0 at the step after the last. */
export function cosineSchedule(options: ScheduleOptions): Schedule {
  return make('cosine', options, (progress) => 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/** Rises linearly during the warm-up, then stays. `total_steps` has no effect. */
export function constantSchedule(
  options: Omit<ScheduleOptions, 'total_steps'> & { readonly total_steps?: number },
): Schedule {
  return make('constant', options, () => 1);
}

/** What a schedule of this file was made of; `undefined` for a function of the caller's. */
export function descriptionOf(schedule: Schedule): ScheduleDescription | undefined {
  return descriptions.get(schedule);
}

/** Makes a schedule of its description. @throws ERR_INPUT for an invalid description */
export function scheduleOf(description: ScheduleDescription): Schedule {
  const { type, ...options } = description;
  const schedules = { linear: linearSchedule, cosine: cosineSchedule, constant: constantSchedule };
  if (!Object.hasOwn(schedules, type)) throw mismatch('ERR_INPUT', 'schedule', Object.keys(schedules).join(', '), type);
  return schedules[type](options as ScheduleOptions);
}

/** @param after the share of the learning rate, given that of the steps after the warm-up that are over */
function make(
  type: ScheduleDescription['type'],
  given: Omit<ScheduleOptions, 'total_steps'> & { readonly total_steps?: number },
  after: (progress: number) => number,
): Schedule {
  const options = checkOptions(given as ScheduleOptions, OPTIONS);
  const { learning_rate, warmup_steps = 0, total_steps } = options;
  checkRate('learning_rate', learning_rate);
  checkSteps('warmup_steps', warmup_steps);
  if (type !== 'constant' || total_steps !== undefined) checkSteps('total_steps', total_steps);
  const schedule: Schedule = (step) => {
    if (step < warmup_steps) return (learning_rate * step) / Math.max(1, warmup_steps);
    const progress = (step - warmup_steps) / Math.max(1, total_steps - warmup_steps);
    return learning_rate * Math.max(0, after(progress));
  };
  descriptions.set(schedule, { type, ...options });
  return schedule;
}

/** @throws ERR_INPUT */
export function checkRate(title: string, value: unknown, where?: string): asserts value is number {
  if (typeof value !== 'number' || !(value >= 0 && value < Infinity)) {
    throw mismatch('ERR_INPUT', title, 'a number of at least 0', value, where);
  }
}

function checkSteps(title: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw mismatch('ERR_INPUT', title, 'a number of steps', value);
  }
}
