/** The arguments: transformers' names and defaults, and what is refused. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolveArguments, type TrainingArguments } from '../../../src/training/trainer/arguments.js';
import { makeSchedule } from '../../../src/training/trainer/optimizer.js';
import { expectError } from '../../support/expect-error.js';

const test = suite('training arguments');

test("transformers' defaults", () => {
  const args = resolveArguments(undefined);
  const wanted: TrainingArguments = {
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
    logging_strategy: 'steps',
    logging_steps: 500,
    eval_strategy: 'no',
    eval_steps: 500,
    save_steps: 500,
    load_best_model_at_end: false,
    metric_for_best_model: 'loss',
    greater_is_better: false,
  };
  for (const [name, value] of Object.entries(wanted)) assert.is(args[name as keyof typeof args], value, name);
  assert.is(args.save_strategy, 'no');
  assert.is(resolveArguments({ output_dir: 'out' }).save_strategy, 'steps');
  assert.is(resolveArguments({ logging_steps: 20 }).eval_steps, 20);
  assert.is(resolveArguments({ metric_for_best_model: 'accuracy' }).greater_is_better, true);
  assert.is(resolveArguments({ metric_for_best_model: 'eval_loss' }).greater_is_better, false);
});

const REFUSED: [args: object, ...words: string[]][] = [
  [{ learning_rat: 1 }, 'learning_rat'],
  [{ learning_rate: -1 }, 'learning_rate', '-1'],
  [{ learning_rate: '1e-4' }, 'learning_rate'],
  [{ learning_rate: Number.NaN }, 'learning_rate'],
  [{ num_train_epochs: 0 }, 'num_train_epochs'],
  [{ max_steps: 0 }, 'max_steps'],
  [{ max_steps: 1.5 }, 'max_steps'],
  [{ metric_for_best_model: 'runtime' }, 'metric_for_best_model', 'a metric of quality'],
  [{ metric_for_best_model: 'eval_samples_per_second' }, 'metric_for_best_model', 'a metric of quality'],
  [{ per_device_train_batch_size: 0 }, 'per_device_train_batch_size'],
  [{ gradient_accumulation_steps: 0.5 }, 'gradient_accumulation_steps'],
  [{ adam_beta1: 1 }, 'adam_beta1'],
  [{ adam_epsilon: 0 }, 'adam_epsilon', '1e-30'],
  [{ adam_epsilon: 2 }, 'adam_epsilon'],
  [{ warmup_ratio: 2 }, 'warmup_ratio'],
  [{ label_smoothing_factor: 1 }, 'label_smoothing_factor'],
  [{ seed: -1 }, 'seed'],
  [{ lr_scheduler_type: 'polynomial' }, 'lr_scheduler_type', 'linear'],
  [{ optim: 'sgd' }, 'optim', 'lamb'],
  [{ eval_strategy: 'epochs' }, 'eval_strategy'],
  [{ dropout: 0.1 }, 'dropout'],
  [{ output_dir: '' }, 'output_dir'],
  [{ save_strategy: 'epoch' }, 'output_dir', 'save_strategy'],
  [{ load_best_model_at_end: true }, 'eval_strategy', 'load_best_model_at_end'],
  [{ early_stopping_patience: 2 }, 'eval_strategy', 'early_stopping_patience'],
];

for (const [args, ...words] of REFUSED) {
  test(`refused: ${JSON.stringify(args)}`, async () => {
    await expectError(() => resolveArguments(args), 'ERR_INPUT', ...words);
  });
}

test('schedules: the steps of a warm-up count before its ratio; constant has none', () => {
  const rates = (args: TrainingArguments, total = 10) => {
    const schedule = makeSchedule(resolveArguments({ learning_rate: 1, ...args }), total);
    return Array.from({ length: total + 1 }, (_, step) => Number(schedule(step).toFixed(4)));
  };
  assert.equal(rates({ warmup_ratio: 0.2 }), [0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0]);
  assert.equal(rates({ warmup_ratio: 0.5, warmup_steps: 1 }, 3), [0, 1, 0.5, 0]);
  // A ratio is rounded up: 0.11 of 10 are 2 steps.
  assert.equal(rates({ warmup_ratio: 0.11 }).slice(0, 3), [0, 0.5, 1]);
  assert.equal(rates({ lr_scheduler_type: 'constant', warmup_ratio: 0.5 }, 2), [1, 1, 1]);
  assert.equal(rates({ lr_scheduler_type: 'constant_with_warmup', warmup_steps: 2 }, 3), [0, 0.5, 1, 1]);
  assert.equal(rates({ lr_scheduler_type: 'cosine' }, 2), [1, 0.5, 0]);
});

test.run();
