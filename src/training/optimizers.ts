/** Optimisers: their settings, checked. `update.ts` applies them. */
import { AlbertError, mismatch, reasonOf } from '../ground/errors.js';
import { checkOptions, type OptionNames } from '../ground/options.js';
import { checkRate, descriptionOf, type Schedule, type ScheduleDescription, scheduleOf } from './schedules.js';

/** Options of an optimiser, by optax' names; `max_grad_norm` is transformers'. */
export interface OptimizerOptions {
  /** A number, or a schedule: the learning rate of each step, of which the first is 0. */
  readonly learning_rate: number | Schedule;
  /** Decay of the first moment; default: 0.9. */
  readonly b1?: number;
  /** Decay of the second moment; default: 0.999. */
  readonly b2?: number;
  /** Added to the root of the second moment; default: 1e-6. */
  readonly eps?: number;
  /** Default: 0.01. Biases and layer norms do not decay. */
  readonly weight_decay?: number;
  /** Gradients of a larger norm, taken over all of them, are scaled down to it; 0: none are. Default: 1. */
  readonly max_grad_norm?: number;
}

/** What an optimiser multiplies with, checked. */
export type OptimizerSettings = Required<Omit<OptimizerOptions, 'learning_rate'>>;

/** An optimiser of `adamw` or `lamb`. It has no state: several models may have the same. */
export interface Optimizer {
  readonly name: 'adamw' | 'lamb';
  readonly learning_rate: number | Schedule;
  readonly settings: OptimizerSettings;
}

/** An optimiser as a file holds it. */
export interface OptimizerDescription {
  readonly name: Optimizer['name'];
  readonly settings: OptimizerSettings;
  /** Absent for a function of the caller's. */
  readonly learning_rate?: number | ScheduleDescription;
}

const OPTIONS: OptionNames<OptimizerOptions> = {
  learning_rate: true,
  b1: true,
  b2: true,
  eps: true,
  weight_decay: true,
  max_grad_norm: true,
};

/**
 * AdamW (Loshchilov, Hutter 2019) as PyTorch computes it. The weight decay is multiplied by the learning rate.
 *
 * @throws ERR_INPUT
 */
export function adamw(options: OptimizerOptions): Optimizer {
  return make('adamw', options);
}

/**
 * LAMB (You et al. 2020), with which ALBERT was pre-trained: the step of each weight matrix is scaled by the ratio of its norm to
 * that of its step, unless one of them is 0. Biases and layer norms take the steps of Adam, as in the reference, and do not decay.
 *
 * @throws ERR_INPUT
 */
export function lamb(options: OptimizerOptions): Optimizer {
  return make('lamb', options);
}

function make(name: Optimizer['name'], given: OptimizerOptions): Optimizer {
  const {
    learning_rate,
    b1 = 0.9,
    b2 = 0.999,
    eps = 1e-6,
    weight_decay = 0.01,
    max_grad_norm = 1,
  } = checkOptions(given, OPTIONS);
  if (typeof learning_rate !== 'function') checkRate('learning_rate', learning_rate);
  for (const [title, value] of Object.entries({ b1, b2 })) {
    if (typeof value !== 'number' || !(value >= 0 && value < 1)) {
      throw mismatch('ERR_INPUT', title, 'a number from 0 to below 1', value);
    }
  }
  // In float32, a smaller one would be lost or infinite steps would come of it.
  if (typeof eps !== 'number' || !(eps >= 1e-30 && eps <= 1)) {
    throw mismatch('ERR_INPUT', 'eps', 'a number from 1e-30 to 1', eps);
  }
  checkRate('weight_decay', weight_decay);
  checkRate('max_grad_norm', max_grad_norm);
  return Object.freeze({
    name,
    learning_rate,
    settings: Object.freeze({ b1, b2, eps, weight_decay, max_grad_norm }),
  });
}

/** @throws ERR_INPUT unless `adamw` or `lamb` made it */
export function checkOptimizer(optimizer: unknown): Optimizer {
  const { name, learning_rate, settings } = (optimizer ?? {}) as Partial<Optimizer>;
  if ((name !== 'adamw' && name !== 'lamb') || settings === undefined) {
    throw mismatch('ERR_INPUT', 'optimizer', 'an optimizer of adamw() or lamb()', optimizer);
  }
  return make(name, { learning_rate: learning_rate as number, ...settings });
}

/** The learning rate of a step. @throws ERR_INPUT for what a caller's schedule throws or returns that is no rate */
export function learningRate({ learning_rate }: Optimizer, step: number): number {
  if (typeof learning_rate === 'number') return learning_rate;
  let rate: unknown;
  try {
    rate = learning_rate(step);
  } catch (cause) {
    throw new AlbertError('ERR_INPUT', `"learning_rate" of step ${step} threw: ${reasonOf(cause)}`, { cause });
  }
  checkRate('learning_rate', rate, `step ${step}`);
  return rate;
}

/** What a file holds of an optimiser. */
export function describeOptimizer({ name, settings, learning_rate }: Optimizer): OptimizerDescription {
  const rate = typeof learning_rate === 'number' ? learning_rate : descriptionOf(learning_rate);
  return { name, settings, ...(rate !== undefined && { learning_rate: rate }) };
}

/**
 * The optimiser that a file holds.
 *
 * @throws ERR_INPUT for an invalid description, and if the learning rate was a function of the caller's
 */
export function optimizerOf({ name, settings, learning_rate }: OptimizerDescription): Optimizer {
  if (learning_rate === undefined) {
    const reason = 'the learning rate of the saved optimizer was a function; give the optimizer to restore with';
    throw new AlbertError('ERR_INPUT', reason);
  }
  const rate = typeof learning_rate === 'number' ? learning_rate : scheduleOf(learning_rate);
  return checkOptimizer({ name, settings, learning_rate: rate });
}
