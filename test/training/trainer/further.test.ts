/** Training that goes on from another: heads with their labels, runs with their examples, and the best of several evaluations. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ModelFiles } from '../../../src/ground/source.js';
import { loadDataset } from '../../../src/training/data/dataset.js';
import type { TextExample } from '../../../src/training/data/examples.js';
import { LabelIds } from '../../../src/training/data/labels.js';
import { loadForEvaluation, loadForTraining } from '../../../src/training/trainer/load.js';
import { Trainer } from '../../../src/training/trainer/trainer.js';
import { expectError } from '../../support/expect-error.js';
import { bitsOf, TEXTS, trainerOf } from './support.js';

const test = suite('training further');

/** The weights of a model's classifier. */
const headOf = ({ model }: Pick<Trainer, 'model'>) => model.params.get('classifier.weight')?.data;

test('a classifier that is trained further keeps its head and the order of its labels; other labels begin anew', async () => {
  const first = await trainerOf({ max_steps: 2 });
  await first.train();
  const files = Object.fromEntries(await first.files());
  const turned = new TextEncoder().encode(
    JSON.stringify({
      ...JSON.parse(new TextDecoder().decode(files['config.json'])),
      id2label: { 0: 'place', 1: 'animal' },
      label2id: { place: 0, animal: 1 },
    }),
  );
  const source: ModelFiles = { ...files, 'config.json': turned };
  const same = await loadForTraining(source, await loadDataset('text-classification', TEXTS));
  assert.equal(same.model.config.id2label, { 0: 'place', 1: 'animal' });
  assert.equal(headOf(same), headOf(first));
  const before = await loadForEvaluation('text-classification', source);
  const [ours, theirs] = await Promise.all(
    [same, before].map((of) => new Trainer({ ...of, eval_dataset: TEXTS }).evaluate()),
  );
  assert.is(ours?.eval_loss, theirs?.eval_loss);
  const others = TEXTS.map(({ text, label }) => ({ text, label: `${label}s` }) as TextExample);
  const other = await loadForTraining(source, await loadDataset('text-classification', others));
  assert.equal(other.model.config.id2label, { 0: 'animals', 1: 'places' });
  assert.not.equal(headOf(other), headOf(first));
  for (const { model } of [first, same, before, other]) await model.dispose();
  await expectError(() => loadForTraining(source, TEXTS as never), 'ERR_INPUT', 'loadDataset');
});

test('a run is resumed with its own examples only', async () => {
  const output_dir = mkdtempSync(`${tmpdir()}/further-`);
  try {
    const args = { max_steps: 2, save_strategy: 'steps', save_steps: 1, output_dir } as const;
    const first = await trainerOf(args);
    await first.train();
    const turned = TEXTS.map(({ text }, i) => ({ text, label: TEXTS[(i + 6) % TEXTS.length]?.label }) as TextExample);
    const other = await trainerOf(args, { train_dataset: turned });
    const before = bitsOf(other);
    await expectError(() => other.train({ resume_from_checkpoint: true }), 'ERR_INPUT', 'train_dataset');
    assert.is(bitsOf(other), before);
    // A directory that is gone is no repository of that name.
    await expectError(() => other.train({ resume_from_checkpoint: 'owner/name' }), 'ERR_SOURCE', 'owner/name');
    for (const { model } of [first, other]) await model.dispose();
  } finally {
    rmSync(output_dir, { recursive: true });
  }
});

test('a metric that is not a number is never the best', async () => {
  const values = [Number.NaN, 0.5, 0.9];
  const trainer = await trainerOf(
    {
      max_steps: 3,
      eval_strategy: 'steps',
      eval_steps: 1,
      metric_for_best_model: 'score',
      load_best_model_at_end: true,
    },
    { compute_metrics: () => ({ score: values.shift() ?? 0 }) },
  );
  await trainer.train();
  assert.is(trainer.state.best_metric, 0.9);
  assert.is(trainer.state.best_global_step, 3);
  await trainer.model.dispose();
});

test('a number that is no label is a mistake where labels are numbers', () => {
  assert.is(new LabelIds(['a', 'b']).of(1), 1);
  assert.is(new LabelIds(['1', '2']).of(1), 0);
  assert.throws(() => new LabelIds(['1', '2']).of(0), /one of the model's labels/);
});

test.run();
