/** Every task: a few examples are learned, and the directory that is saved answers in the task's pipeline. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline } from '../../../src/entry/index.js';
import { loadDataset } from '../../../src/training/data/dataset.js';
import type { TaskExamples, TrainingTask } from '../../../src/training/data/examples.js';
import { TASKS } from '../../../src/training/tasks/index.js';
import type { TaskContext } from '../../../src/training/tasks/task.js';
import type { TrainingArguments } from '../../../src/training/trainer/arguments.js';
import { loadForEvaluation, loadForTraining } from '../../../src/training/trainer/load.js';
import { Trainer } from '../../../src/training/trainer/trainer.js';
import { expectError } from '../../support/expect-error.js';
import { FILES, TEXTS } from './support.js';

const test = suite('every task');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-tasks-`);
test.after(() => rmSync(folder, { recursive: true }));

/** Trains a new model until it knows the examples, and saves it. @returns the directory and the metrics before and after */
async function learn<T extends TrainingTask>(
  task: T,
  examples: readonly TaskExamples[T][],
  args: TrainingArguments = {},
) {
  const dataset = await loadDataset(task, examples);
  const { model, tokenizer } = await loadForTraining(FILES, dataset, { seed: 2 });
  const usual = { per_device_train_batch_size: 8, learning_rate: 5e-3, max_steps: 60, dropout: false };
  const trainer = new Trainer({ model, tokenizer, train_dataset: dataset, args: { ...usual, ...args } });
  const before = await trainer.evaluate(dataset);
  await trainer.train();
  const after = await trainer.evaluate(dataset);
  assert.ok(
    (after.eval_loss as number) < (before.eval_loss as number) / 2,
    `${before.eval_loss} to ${after.eval_loss}`,
  );
  const measured = Object.keys(after).map((name) => name.replace(/^eval_/, ''));
  const metrics = TASKS[task].metrics(dataset, { config: model.config } as TaskContext);
  assert.equal(measured, ['loss', ...metrics, 'runtime', 'samples_per_second']);
  const directory = `${folder}/${task}-${Math.random()}`;
  await trainer.save_model(directory);
  // What is loaded again is what was evaluated.
  const loaded = await loadForEvaluation(task, directory);
  const again = await new Trainer({ ...loaded }).evaluate(dataset);
  assert.is(again.eval_loss, after.eval_loss);
  await Promise.all([model.dispose(), loaded.model.dispose()]);
  return { directory, after };
}

test('text classification', async () => {
  const { directory, after } = await learn('text-classification', TEXTS);
  assert.is(after.eval_accuracy, 1);
  const classify = await pipeline('text-classification', directory);
  const labels = await classify(TEXTS.map(({ text }) => text));
  assert.equal(
    labels.map(([best]) => best?.label),
    TEXTS.map(({ label }) => label),
  );
});

test('text classification: values', async () => {
  const examples = TEXTS.map(({ text }, i) => ({ text, label: i < 6 ? 0.5 : 2.5 }));
  const { directory, after } = await learn('text-classification', examples);
  assert.ok((after.eval_pearson as number) > 0.9, `${after.eval_pearson}`);
  const classify = await pipeline('text-classification', directory);
  const { problem_type, num_labels } = classify.model.config;
  assert.equal([problem_type, num_labels], ['regression', 1]);
  const [low, high] = await classify(['a cat sat there', 'we went to Rome']);
  assert.ok((low?.[0]?.score as number) < 1.5 && (high?.[0]?.score as number) > 1.5);
});

test('text classification: several classes', async () => {
  const examples = TEXTS.map(({ text }, i) => ({ text, label: i < 6 ? ['animal', 'alive'] : ['place'] }));
  const { directory, after } = await learn('text-classification', examples);
  assert.is(after.eval_accuracy, 1);
  const classify = await pipeline('text-classification', directory);
  const [labels] = await classify(['a dog sat there'], { top_k: 2 });
  assert.equal(labels?.map(({ label }) => label).sort(), ['alive', 'animal']);
  assert.ok(labels?.every(({ score }) => score > 0.5));
});

test('token classification', async () => {
  const examples = TEXTS.map(({ text }) => {
    const tokens = text.split(' ');
    return { tokens, tags: tokens.map((word) => (/^[A-Z]/.test(word) ? 'B-LOC' : 'O')) };
  });
  const { directory, after } = await learn('token-classification', examples);
  assert.is(after.eval_f1, 1);
  const tag = await pipeline('ner', directory);
  const found = await tag('we went to Paris', { aggregation_strategy: 'first' });
  assert.equal(
    found.map(({ word, entity_group }) => [word, entity_group]),
    [['Paris', 'LOC']],
  );
});

test('question answering', async () => {
  const examples = TEXTS.slice(6).map(({ text }) => {
    const answer = text.split(' ').at(-1) as string;
    return { question: 'where?', context: text, answers: [{ text: answer, answer_start: text.indexOf(answer) }] };
  });
  const { directory, after } = await learn('question-answering', examples);
  assert.is(after.eval_exact_match, 1);
  const answer = await pipeline('question-answering', directory);
  assert.is((await answer({ question: 'where?', context: 'we went to Oslo' })).answer, 'Oslo');
});

test('multiple choice', async () => {
  const examples = TEXTS.slice(0, 6).map(({ text }, i) => {
    const place = TEXTS[6 + i]?.text as string;
    return { prompt: 'we saw', choices: i % 2 ? [text, place] : [place, text], label: i % 2 };
  });
  const { directory, after } = await learn('multiple-choice', examples);
  assert.is(after.eval_accuracy, 1);
  const choose = await pipeline('multiple-choice', directory);
  const { prompt, choices, label } = examples[0] as (typeof examples)[number];
  assert.is((await choose({ prompt, choices }))[0]?.index, label);
});

test('sentence similarity: cosines; the directory is one of sentence-transformers', async () => {
  const text = (i: number) => TEXTS[i]?.text as string;
  const examples = [0, 1, 2].flatMap((i) => [
    { sentence1: text(i), sentence2: text(i + 3), label: 4 },
    { sentence1: text(i), sentence2: text(i + 6), label: 1 },
  ]);
  const { directory, after } = await learn('sentence-similarity', examples);
  assert.ok((after.eval_spearmanr as number) > 0.8, `${after.eval_spearmanr}`);
  const similarity = await pipeline('sentence-similarity', directory);
  assert.equal([similarity.embedding.pooling, similarity.embedding.normalize], [['mean'], true]);
  assert.is.not(similarity.embedding.source, 'default');
  const input = { source_sentence: text(0), sentences: [text(3), text(6)] };
  const [near, far] = await similarity(input);
  assert.ok(Math.abs((near as number) - 1) < 0.25 && Math.abs((far as number) - 0.25) < 0.25, `${near}, ${far}`);
});

test('sentence similarity: an evaluation has the scale that is learned; a label beyond it has its place', async () => {
  const text = (i: number) => TEXTS[i]?.text as string;
  const pairs = (...labels: number[]) =>
    labels.map((label, i) => ({ sentence1: text(i), sentence2: text(i + 6), label }));
  const train_dataset = await loadDataset('sentence-similarity', pairs(5, 1));
  const { model, tokenizer } = await loadForTraining(FILES, train_dataset, { seed: 2 });
  const trainer = new Trainer({ model, tokenizer, train_dataset, eval_dataset: pairs(4, 1) });
  const { label_ids } = await trainer.predict(pairs(4, 1));
  assert.equal(label_ids, [0.8, 0.2]);
  const evaluated = await loadDataset('sentence-similarity', pairs(4, 1));
  assert.equal((await trainer.predict(evaluated)).label_ids, [0.8, 0.2]);
  const own = new Trainer({ model, tokenizer });
  assert.equal((await own.predict(evaluated)).label_ids, [1, 0.25]);
  await expectError(() => trainer.predict(pairs(4, 6)), 'ERR_INPUT', 'dataset[1]: "label"', '-5 to 5', '6');
  await model.dispose();
});

test('sentence similarity: pairs that mean the same', async () => {
  const text = (i: number) => TEXTS[i]?.text as string;
  const examples = [0, 1, 2, 3].map((i) => ({ sentence1: text(i), sentence2: text(i + 6) }));
  const { after } = await learn('sentence-similarity', examples);
  assert.is(after.eval_accuracy, 1);
});

test('masked words', async () => {
  const examples = ['the cat sat on the mat and the dog sat on the cat'].map((text) => ({ text }));
  const { directory } = await learn('fill-mask', examples, { max_steps: 150 });
  const fill = await pipeline('fill-mask', directory);
  const [word] = await fill('the cat sat on the mat and the dog [MASK] on the cat');
  assert.is(typeof word, 'object');
});

test('a head for other labels is a new one; a checkpoint without the head is not evaluated', async () => {
  const { directory } = await learn('text-classification', TEXTS);
  const three = await loadDataset('text-classification', [...TEXTS, { text: 'what?', label: 'question' }]);
  const { model } = await loadForTraining(directory, three);
  assert.equal(Object.values(model.config.id2label), ['animal', 'place', 'question']);
  assert.equal([...model.loadReport.initialized], ['classifier.weight', 'classifier.bias']);
  const seeds = await Promise.all([1, 1, 2].map((seed) => loadForTraining(directory, three, { seed })));
  const heads = seeds.map(({ model }) => model.params.get('classifier.weight')?.data.join());
  assert.is(heads[0], heads[1]);
  assert.is.not(heads[0], heads[2]);
  const nothing: [TrainingTask, object, ...string[]][] = [
    [
      'text-classification',
      { text: 'x', label: 'same' },
      '"label" expected at least two',
      'got "same" at here[0] and all after it',
    ],
    ['text-classification', { text: 'x', label: [] }, '"label"', 'at least one example', 'got "none" at here[0]'],
    ['token-classification', { tokens: ['x'], tags: ['O'] }, '"tags" expected at least two', 'got "O" at here[0] and'],
  ];
  for (const [task, example, ...words] of nothing) {
    const dataset = await loadDataset(task, [example, example] as never, { name: 'here' });
    await expectError(() => loadForTraining(FILES, dataset), 'ERR_INPUT', ...words);
  }
  await expectError(() => loadForEvaluation('token-classification', FILES), 'ERR_PARAMETER', 'classifier');
  await expectError(() => loadForTraining(FILES, three, { dtype: 'int8' } as object), 'ERR_INPUT', 'dtype');
  await expectError(() => loadForTraining({ ...FILES, 'config.json': '{' }, three), 'ERR_CONFIG', 'config.json');
});

test.run();
