/** The trainer: steps, log, evaluations, the best model, early stopping, and what it refuses. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertForSequenceClassification } from '../../../src/entry/index.js';
import { AlbertTokenizer } from '../../../src/tokenizer/tokenizer.js';
import { groupedByLength, shuffled } from '../../../src/training/trainer/order.js';
import type { TrainingProgress } from '../../../src/training/trainer/progress.js';
import { Trainer } from '../../../src/training/trainer/trainer.js';
import { randomFiles } from '../../pipelines/checkpoint.js';
import { expectError } from '../../support/expect-error.js';
import { bitsOf, FILES, logOf, TEXTS, trainerOf } from './support.js';

const test = suite('the trainer');

test('it learns, and logs as transformers does', async () => {
  const progress: TrainingProgress[] = [];
  const logged: object[] = [];
  const trainer = await trainerOf(
    { num_train_epochs: 8, eval_strategy: 'epoch', warmup_ratio: 0.1, dropout: false },
    { onProgress: (one) => progress.push(one), onLog: (entry) => logged.push(entry) },
  );
  const before = await trainer.evaluate();
  const { global_step, training_loss, metrics } = await trainer.train();
  const after = await trainer.evaluate();
  assert.is(global_step, 24);
  assert.ok(
    (after.eval_loss as number) < (before.eval_loss as number) / 4,
    `${before.eval_loss} to ${after.eval_loss}`,
  );
  assert.is(after.eval_accuracy, 1);
  assert.is(after.eval_f1, 1);
  const { log_history, epoch, max_steps, num_input_tokens_seen } = trainer.state;
  assert.equal(log_history, logged);
  assert.equal([epoch, max_steps], [8, 24]);
  const tokens = TEXTS.reduce((sum, { text }) => sum + trainer.tokenizer.encode(text).input_ids.length, 0);
  assert.is(num_input_tokens_seen, 8 * tokens);
  // A line per step, one per evaluation, and one about the whole.
  const steps = log_history.filter((entry) => 'loss' in entry);
  assert.is(steps.length, 24);
  assert.is(log_history.filter((entry) => 'eval_loss' in entry).length, 8);
  const mean = steps.reduce((sum, { loss }) => sum + (loss as number), 0) / 24;
  assert.ok(Math.abs(training_loss - mean) < 1e-9);
  assert.is(log_history.at(-1)?.train_loss, metrics.train_loss);
  // Three steps of warm-up, then down to 0 at the step after the last.
  const rates = progress.map(({ learning_rate }) => learning_rate);
  assert.equal(rates.slice(0, 4), [0, 3e-3 / 3, (3e-3 * 2) / 3, 3e-3]);
  assert.ok(Math.abs((rates.at(-1) as number) - 3e-3 / 21) < 1e-12);
  assert.equal(
    progress.map(({ step }) => step),
    Array.from({ length: 24 }, (_, i) => i + 1),
  );
  assert.ok(progress.every(({ tokens_per_second, total_steps }) => tokens_per_second > 0 && total_steps === 24));
  assert.is(progress.at(-1)?.seconds_left, 0);
  await trainer.model.dispose();
});

test('a last step that breaks the weights is noticed: nothing is evaluated or saved', async () => {
  const trainer = await trainerOf({ max_steps: 1, learning_rate: 1e39, save_strategy: 'no' });
  await trainer.train();
  await expectError(() => trainer.evaluate(), 'ERR_PARAMETER', '"loss" expected a finite number');
  await expectError(() => trainer.files(), 'ERR_PARAMETER', 'expected finite numbers after training');
  await trainer.model.dispose();
});

test('accumulated batches are one larger step, bit for bit', async () => {
  const [small, large] = [
    await trainerOf({ per_device_train_batch_size: 2, gradient_accumulation_steps: 3, max_steps: 4 }),
    await trainerOf({ per_device_train_batch_size: 6, max_steps: 4 }),
  ];
  await small.train();
  await large.train();
  assert.is(bitsOf(small), bitsOf(large));
});

test('the speed is that of the examples, not of whole batches', async () => {
  // Three batches per epoch: 5, 5 and 2 examples.
  const trainer = await trainerOf({ per_device_train_batch_size: 5, num_train_epochs: 2 });
  const { train_runtime, train_samples_per_second } = (await trainer.train()).metrics as Record<string, number>;
  const examples = (train_runtime as number) * (train_samples_per_second as number);
  assert.ok(Math.abs(examples - 24) < 1e-6, `${examples}`);
});

test('the seed decides the order and the dropout; without dropout only the order', async () => {
  const run = async (args: object, options = {}) => {
    const trainer = await trainerOf({ max_steps: 3, ...args }, {}, options);
    await trainer.train();
    return bitsOf(trainer);
  };
  const [first, again, other] = [await run({ seed: 5 }), await run({ seed: 5 }), await run({ seed: 6 })];
  assert.is(first, again);
  assert.is.not(first, other);
  // All examples in each step: only dropout is left of the seed.
  const whole = { per_device_train_batch_size: 12 };
  assert.is.not(await run({ seed: 5, ...whole }), await run({ seed: 5, dropout: false, ...whole }));
  assert.is(await run({ seed: 5 }, { threads: 2 }), first, 'two threads');
});

test('what is frozen stays', async () => {
  const trainer = await trainerOf({ max_steps: 3, freeze: 'encoder' });
  const before = new Map([...trainer.model.params].map(([name, { data }]) => [name, data.join()]));
  await trainer.train();
  const changed = [...trainer.model.params].flatMap(([name, { data }]) =>
    before.get(name) === data.join() ? [] : [name],
  );
  assert.ok(changed.includes('classifier.weight'));
  assert.equal(
    changed.filter((name) => /encoder|embeddings/.test(name)),
    [],
  );
});

test('an order has each example once; another per epoch and seed; by length if wanted', () => {
  const order = shuffled(100, 3);
  assert.equal(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.is.not(order.join(), shuffled(100, 4).join());
  // Each place sees each example about as often: 3,000 draws of 10.
  const counts = new Array<number>(10).fill(0);
  for (let seed = 0; seed < 3000; seed++) counts[shuffled(10, seed)[0] as number]!++;
  assert.ok(
    counts.every((count) => Math.abs(count - 300) < 90),
    counts.join(),
  );
  const lengths = Array.from({ length: 200 }, (_, i) => (i * 37) % 50);
  const grouped = groupedByLength(lengths, 2, 1);
  assert.equal(
    [...grouped].sort((a, b) => a - b),
    Array.from({ length: 200 }, (_, i) => i),
  );
  const first = grouped.slice(0, 100).map((i) => lengths[i] as number);
  assert.equal(
    first,
    [...first].sort((a, b) => b - a),
  );
});

/** An evaluation whose metric is what the test wants: one value after another. */
function scripted(values: readonly number[]) {
  let at = 0;
  return () => ({ quality: values[at++] as number });
}

test('the best model is the one at the end, without a directory too', async () => {
  const args = { max_steps: 4, eval_strategy: 'steps', eval_steps: 1, metric_for_best_model: 'quality' } as const;
  /** Trains with evaluations of these values. @returns the bits at each evaluation and at the end */
  const run = async (load_best_model_at_end: boolean) => {
    const [after, values]: [string[], number[]] = [[], [1, 3, 3, 2]];
    const trainer: Trainer = await trainerOf(
      { ...args, load_best_model_at_end },
      {
        compute_metrics() {
          after.push(bitsOf(trainer));
          return { quality: values.shift() as number };
        },
      },
    );
    await trainer.train();
    assert.equal([trainer.state.best_metric, trainer.state.best_global_step], [3, 2]);
    return { after, end: bitsOf(trainer) };
  };
  const [best, last] = [await run(true), await run(false)];
  assert.is(best.end, best.after[1]);
  assert.is(last.end, last.after[3]);
  assert.is(new Set(best.after).size, 4);
});

test('a loss that is lower is better; a metric that is not there is named', async () => {
  const values = [0.5, 0.4, 0.45];
  const args = { max_steps: 3, eval_strategy: 'steps', eval_steps: 1, load_best_model_at_end: true } as const;
  const custom = () => ({ some_loss: values.shift() as number });
  const trainer = await trainerOf({ ...args, metric_for_best_model: 'eval_some_loss' }, { compute_metrics: custom });
  await trainer.train();
  assert.is(trainer.state.best_metric, 0.4);
  const unknown = await trainerOf(
    { ...args, metric_for_best_model: 'quality' },
    { compute_metrics: () => ({ some_loss: 1 }) },
  );
  const { message } = await expectError(() => unknown.train(), 'ERR_INPUT', 'eval_loss, eval_some_loss', 'quality');
  assert.not.match(message, /runtime|second/);
  // The task's own are known before the first step.
  let steps = 0;
  const misspelt = await trainerOf({ ...args, metric_for_best_model: 'acuracy' }, { onProgress: () => void steps++ });
  await expectError(() => misspelt.train(), 'ERR_INPUT', 'metric_for_best_model', 'loss, accuracy, f1', 'acuracy');
  assert.is(steps, 0);
});

test('early stopping: after so many evaluations in a row that are no better', async () => {
  const args = { max_steps: 20, eval_strategy: 'steps', eval_steps: 1, metric_for_best_model: 'quality' } as const;
  const values = [1, 2, 2, 1.5, 3, 3.05, 3.05, 3.05, 9];
  const trainer = await trainerOf(
    { ...args, early_stopping_patience: 3, early_stopping_threshold: 0.1 },
    { compute_metrics: scripted(values) },
  );
  assert.is((await trainer.train()).global_step, 8);
});

test('predict gives what compute_metrics receives', async () => {
  const trainer = await trainerOf({});
  const { predictions, label_ids, metrics } = await trainer.predict(TEXTS);
  assert.is(predictions.length, 12);
  assert.is((predictions[0] as Float32Array).length, 2);
  assert.equal(
    label_ids,
    TEXTS.map(({ label }) => (label === 'animal' ? 0 : 1)),
  );
  assert.ok('test_accuracy' in metrics);
  // The same as a forward of the text alone.
  const { input_ids, token_type_ids } = trainer.tokenizer.encode((TEXTS[3] as { text: string }).text);
  const { logits } = await (trainer.model as AlbertForSequenceClassification).forward({ input_ids, token_type_ids });
  assert.equal(predictions[3], logits.data);
});

test('what it refuses', async () => {
  const tokenizer = await AlbertTokenizer.from_pretrained(FILES);
  const files = await randomFiles('sequence_classification');
  const int8 = await AlbertForSequenceClassification.from_pretrained(files, { dtype: 'int8' });
  const train_dataset = TEXTS;
  await expectError(() => new Trainer({ model: int8, tokenizer, train_dataset }), 'ERR_INPUT', "dtype: 'float32'");
  const remote = await AlbertForSequenceClassification.from_pretrained(files, { worker: true });
  await expectError(() => new Trainer({ model: remote, tokenizer, train_dataset }), 'ERR_INPUT', 'worker: false');
  // Both can be evaluated.
  const examples = TEXTS.map(({ text }) => ({ text, label: 1 }));
  for (const model of [int8, remote]) {
    const { eval_accuracy } = await new Trainer({ model, tokenizer }).evaluate(examples);
    assert.ok((eval_accuracy as number) >= 0);
    await model.dispose();
  }
  const model = await AlbertForSequenceClassification.from_pretrained(files);
  await expectError(() => new Trainer({ model, tokenizer: {} as never }), 'ERR_INPUT', 'tokenizer');
  await expectError(() => new Trainer({ model, tokenizer, arg: {} } as never), 'ERR_INPUT', 'arg');
  await expectError(() => new Trainer({ model, tokenizer, onLog: 7 } as never), 'ERR_INPUT', 'onLog');
  await expectError(() => new Trainer({ model, tokenizer }).train(), 'ERR_INPUT', 'train_dataset');
  const trainer = new Trainer({ model, tokenizer, train_dataset });
  await expectError(() => trainer.train(), 'ERR_INPUT', 'train_dataset[0]', 'LABEL_0, LABEL_1', '"animal"');
  await expectError(() => trainer.train({ resume_from_checkpoint: 7 } as never), 'ERR_INPUT', 'resume_from_checkpoint');
  await expectError(() => trainer.train({ resume: true } as never), 'ERR_INPUT', 'resume');
  const short = { model, tokenizer, args: { max_seq_length: 25 } };
  await expectError(() => new Trainer(short), 'ERR_INPUT', 'max_seq_length', '24');
  const none = { model, tokenizer, args: { max_seq_length: 2 } };
  await expectError(() => new Trainer(none), 'ERR_INPUT', '"max_seq_length" expected more than 2, the special tokens');
});

test('a metric that is no number, and a trainer that is training', async () => {
  const wrong = await trainerOf({ max_steps: 1 }, { compute_metrics: (() => ({ quality: 'high' })) as never });
  await expectError(() => wrong.evaluate(), 'ERR_INPUT', 'compute_metrics', 'quality', 'high');
  const trainer = await trainerOf({ max_steps: 2 });
  const first = trainer.train();
  await expectError(
    async () => {
      await trainer.train();
    },
    'ERR_INPUT',
    'training',
  );
  await first;
  assert.is(logOf(trainer.state).length, 3);
});

test.run();
