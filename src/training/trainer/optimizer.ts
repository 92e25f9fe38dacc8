/** The optimiser and the schedule that the arguments describe. */
import { adamw, lamb, type Optimizer } from '../optimizers.js';
import { constantSchedule, cosineSchedule, linearSchedule } from '../schedules.js';
import type { ResolvedArguments } from './arguments.js';

const SCHEDULES = {
  linear: linearSchedule,
  cosine: cosineSchedule,
  constant: constantSchedule,
  constant_with_warmup: constantSchedule,
};

/** @param total_steps of the whole run */
export function makeOptimizer(args: ResolvedArguments, total_steps: number): Optimizer {
  const { adam_beta1: b1, adam_beta2: b2, adam_epsilon: eps, weight_decay, max_grad_norm } = args;
  const optimizer = args.optim === 'lamb' ? lamb : adamw;
  return optimizer({ learning_rate: makeSchedule(args, total_steps), b1, b2, eps, weight_decay, max_grad_norm });
}

/** As transformers: `constant` knows no warm-up, and the steps of a warm-up count before its ratio. */
export function makeSchedule(args: ResolvedArguments, total_steps: number): (step: number) => number {
  const { learning_rate, lr_scheduler_type, warmup_ratio } = args;
  const asked = args.warmup_steps > 0 ? args.warmup_steps : Math.ceil(total_steps * warmup_ratio);
  const warmup_steps = lr_scheduler_type === 'constant' ? 0 : asked;
  return SCHEDULES[lr_scheduler_type]({ learning_rate, warmup_steps, total_steps });
}
