/** The arguments of training: Hugging Face's `TrainingArguments`, by name and default, where they apply. */
import { mismatch } from '../../ground/errors.js';
import { checkOptions, type OptionNames } from '../../ground/options.js';

/** When something is done: never, after a number of steps, or after each epoch. */
export type IntervalStrategy = 'no' | 'steps' | 'epoch';

/** How a model is trained. Names and defaults are those of Hugging Face's `TrainingArguments`; additions say so. */
export interface TrainingArguments {
  /** Where checkpoints are written (Node). Default: none are. */
  readonly output_dir?: string;
  /** The highest learning rate. Default: 5e-5. */
  readonly learning_rate?: number;
  /** Default: 3. */
  readonly num_train_epochs?: number;
  /** Steps in all, instead of epochs. Default: -1, not limited. */
  readonly max_steps?: number;
  /** Examples per step, before accumulation. Default: 8. */
  readonly per_device_train_batch_size?: number;
  /** Examples that are evaluated together. Default: 8. */
  readonly per_device_eval_batch_size?: number;
  /** Batches that make one step. Default: 1. */
  readonly gradient_accumulation_steps?: number;
  /** Of weights; biases and layer norms have none. Default: 0. */
  readonly weight_decay?: number;
  /** Default: 0.9. */
  readonly adam_beta1?: number;
  /** Default: 0.999. */
  readonly adam_beta2?: number;
  /** Default: 1e-8. */
  readonly adam_epsilon?: number;
  /** The norm that gradients are cut to; 0: they are not. Default: 1. */
  readonly max_grad_norm?: number;
  /** How the learning rate changes after the warm-up. Default: `linear`, down to 0. */
  readonly lr_scheduler_type?: 'linear' | 'cosine' | 'constant' | 'constant_with_warmup';
  /** The share of all steps in which the learning rate rises. Default: 0. */
  readonly warmup_ratio?: number;
  /** The same as a number of steps, which counts before `warmup_ratio`. Default: 0. */
  readonly warmup_steps?: number;
  /** Default: 0. */
  readonly label_smoothing_factor?: number;
  /** Of the order of examples, of dropout and of masked words. Default: 42. */
  readonly seed?: number;
  /** `adamw_torch`, or `lamb`. Default: `adamw_torch`. */
  readonly optim?: 'adamw_torch' | 'lamb';
  /** Whether examples of similar length make a batch; here it saves nothing, as no padding is computed. Default: false. */
  readonly group_by_length?: boolean;
  /** Default: `steps`. */
  readonly logging_strategy?: IntervalStrategy;
  /** Default: 500. */
  readonly logging_steps?: number;
  /** Default: `no`. */
  readonly eval_strategy?: IntervalStrategy;
  /** Default: `logging_steps`. */
  readonly eval_steps?: number;
  /** Default: `steps` with an `output_dir`, otherwise `no`. */
  readonly save_strategy?: IntervalStrategy;
  /** Default: 500. */
  readonly save_steps?: number;
  /** The most checkpoints that are kept; the best one is never removed. Default: all. */
  readonly save_total_limit?: number;
  /** Whether training ends with the model of the best evaluation, which is saved then if there is an `output_dir`. Default: false. */
  readonly load_best_model_at_end?: boolean;
  /** The metric that decides which is best, with or without `eval_`. Default: `loss`. */
  readonly metric_for_best_model?: string;
  /** Default: true, unless the metric ends with `loss`. */
  readonly greater_is_better?: boolean;
  /** Training ends after so many evaluations in a row that are no better. An addition: an option of Hugging Face's `EarlyStoppingCallback`. */
  readonly early_stopping_patience?: number;
  /** How much better counts as better; an addition likewise. Default: 0. */
  readonly early_stopping_threshold?: number;
  /** Whether dropout is applied at the configuration's rates. An addition. Default: true. */
  readonly dropout?: boolean;
  /** What is not trained: `embeddings`, `encoder` (and the embeddings), or the names of parameters. An addition. Default: nothing. */
  readonly freeze?: 'embeddings' | 'encoder' | readonly string[];
  /** Whether layers are computed again in the backward pass instead of kept. An addition. Default: if memory is short. */
  readonly recompute?: boolean;
  /** The most bytes that training uses of the model's memory, whose own limit is that of loading. An addition. Default: 512 MiB. */
  readonly maxMemoryBytes?: number;
  /** The most tokens of a sequence. An addition: an option of Hugging Face's scripts. Default: the model's most, or 384 for question answering if that is less. */
  readonly max_seq_length?: number;
}

const NAMES: OptionNames<TrainingArguments> = {
  output_dir: true,
  learning_rate: true,
  num_train_epochs: true,
  max_steps: true,
  per_device_train_batch_size: true,
  per_device_eval_batch_size: true,
  gradient_accumulation_steps: true,
  weight_decay: true,
  adam_beta1: true,
  adam_beta2: true,
  adam_epsilon: true,
  max_grad_norm: true,
  lr_scheduler_type: true,
  warmup_ratio: true,
  warmup_steps: true,
  label_smoothing_factor: true,
  seed: true,
  optim: true,
  group_by_length: true,
  logging_strategy: true,
  logging_steps: true,
  eval_strategy: true,
  eval_steps: true,
  save_strategy: true,
  save_steps: true,
  save_total_limit: true,
  load_best_model_at_end: true,
  metric_for_best_model: true,
  greater_is_better: true,
  early_stopping_patience: true,
  early_stopping_threshold: true,
  dropout: true,
  freeze: true,
  recompute: true,
  maxMemoryBytes: true,
  max_seq_length: true,
};

type Optional =
  | 'output_dir'
  | 'save_total_limit'
  | 'early_stopping_patience'
  | 'freeze'
  | 'recompute'
  | 'maxMemoryBytes'
  | 'max_seq_length';

/** Arguments with their defaults. */
export type ResolvedArguments = Required<Omit<TrainingArguments, Optional>> &
  Readonly<Partial<Pick<TrainingArguments, Optional>>>;

/** What each number must be. */
const NUMBERS: Readonly<Record<string, [expected: string, isValid: (value: number) => boolean]>> = {
  learning_rate: ['a number from 0', (value) => value >= 0],
  num_train_epochs: ['a number above 0', (value) => value > 0],
  max_steps: ['an integer from 1, or -1', (value) => Number.isInteger(value) && (value === -1 || value > 0)],
  per_device_train_batch_size: ['an integer from 1', isCount],
  per_device_eval_batch_size: ['an integer from 1', isCount],
  gradient_accumulation_steps: ['an integer from 1', isCount],
  weight_decay: ['a number from 0', (value) => value >= 0],
  adam_beta1: ['a number from 0 to below 1', (value) => value >= 0 && value < 1],
  adam_beta2: ['a number from 0 to below 1', (value) => value >= 0 && value < 1],
  // As `adamw` takes it: with 0, a gradient of 0 would make a weight NaN.
  adam_epsilon: ['a number from 1e-30 to 1', (value) => value >= 1e-30 && value <= 1],
  max_grad_norm: ['a number from 0', (value) => value >= 0],
  warmup_ratio: ['a number from 0 to 1', (value) => value >= 0 && value <= 1],
  warmup_steps: ['an integer from 0', (value) => Number.isInteger(value) && value >= 0],
  label_smoothing_factor: ['a number from 0 to below 1', (value) => value >= 0 && value < 1],
  seed: ['an integer from 0', (value) => Number.isSafeInteger(value) && value >= 0],
  logging_steps: ['an integer from 1', isCount],
  eval_steps: ['an integer from 1', isCount],
  save_steps: ['an integer from 1', isCount],
  save_total_limit: ['an integer from 1', isCount],
  early_stopping_patience: ['an integer from 1', isCount],
  early_stopping_threshold: ['a number from 0', (value) => value >= 0],
  max_seq_length: ['an integer from 1', isCount],
};

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  lr_scheduler_type: ['linear', 'cosine', 'constant', 'constant_with_warmup'],
  optim: ['adamw_torch', 'lamb'],
  logging_strategy: ['no', 'steps', 'epoch'],
  eval_strategy: ['no', 'steps', 'epoch'],
  save_strategy: ['no', 'steps', 'epoch'],
};

const SWITCHES = ['group_by_length', 'load_best_model_at_end', 'greater_is_better', 'dropout', 'recompute'] as const;

/** Whether a metric measures the machine, not the model. */
export function isSpeed(metric: string): boolean {
  return /^(eval_)?(runtime|samples_per_second)$/.test(metric);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

/** @throws ERR_INPUT for an unknown or invalid argument, and for arguments that do not go together */
export function resolveArguments(given: TrainingArguments | undefined): ResolvedArguments {
  const options = checkOptions(given, NAMES);
  const values = options as Readonly<Record<string, unknown>>;
  for (const [name, [expected, isValid]] of Object.entries(NUMBERS)) {
    const value = values[name];
    if (value !== undefined && !(typeof value === 'number' && Number.isFinite(value) && isValid(value))) {
      throw mismatch('ERR_INPUT', name, expected, value);
    }
  }
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = values[name];
    if (value !== undefined && !choices.includes(value as string))
      throw mismatch('ERR_INPUT', name, choices.join(', '), value);
  }
  for (const name of SWITCHES) {
    const value = values[name];
    if (value !== undefined && typeof value !== 'boolean') throw mismatch('ERR_INPUT', name, 'true or false', value);
  }
  for (const name of ['output_dir', 'metric_for_best_model'] as const) {
    const value = values[name];
    if (value !== undefined && !(typeof value === 'string' && value !== '')) {
      throw mismatch('ERR_INPUT', name, 'a string that is not empty', value);
    }
  }
  const { output_dir, logging_steps = 500, metric_for_best_model = 'loss' } = options;
  if (isSpeed(metric_for_best_model))
    throw mismatch('ERR_INPUT', 'metric_for_best_model', 'a metric of quality, such as loss', metric_for_best_model);
  const resolved: ResolvedArguments = {
    learning_rate: 5e-5,
    num_train_epochs: 3,
    max_steps: -1,
    per_device_train_batch_size: 8,
    per_device_eval_batch_size: 8,
    gradient_accumulation_steps: 1,
    weight_decay: 0,
    adam_beta1: 0.9,
    adam_beta2: 0.999,
    adam_epsilon: 1e-8,
    max_grad_norm: 1,
    lr_scheduler_type: 'linear',
    warmup_ratio: 0,
    warmup_steps: 0,
    label_smoothing_factor: 0,
    seed: 42,
    optim: 'adamw_torch',
    group_by_length: false,
    logging_strategy: 'steps',
    logging_steps,
    eval_strategy: 'no',
    eval_steps: logging_steps,
    save_strategy: output_dir === undefined ? 'no' : 'steps',
    save_steps: 500,
    load_best_model_at_end: false,
    metric_for_best_model,
    greater_is_better: !metric_for_best_model.endsWith('loss'),
    early_stopping_threshold: 0,
    dropout: true,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  };
  checkTogether(resolved);
  return resolved;
}

/** @throws ERR_INPUT for arguments that contradict each other */
function checkTogether(args: ResolvedArguments): void {
  const { output_dir, save_strategy, eval_strategy, load_best_model_at_end } = args;
  if (save_strategy !== 'no' && output_dir === undefined) {
    throw mismatch('ERR_INPUT', 'output_dir', 'a directory, since save_strategy is given', output_dir);
  }
  const best = load_best_model_at_end ? 'load_best_model_at_end' : 'early_stopping_patience';
  if ((load_best_model_at_end || args.early_stopping_patience !== undefined) && eval_strategy === 'no') {
    throw mismatch('ERR_INPUT', 'eval_strategy', `steps or epoch, since ${best} is given`, eval_strategy);
  }
}
