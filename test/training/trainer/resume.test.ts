/** Checkpoints: a resumed run is the uninterrupted one, bit for bit, wherever it was interrupted; a checkpoint is whole or not there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertForSequenceClassification, pipeline } from '../../../src/entry/index.js';
import type { TrainingArguments } from '../../../src/training/trainer/arguments.js';
import type { Trainer } from '../../../src/training/trainer/trainer.js';
import { expectError } from '../../support/expect-error.js';
import { bitsOf, logOf, trainerOf } from './support.js';

const test = suite('checkpoints');

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/albert-wasm-trainer-`);
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** Eight steps, in the middle of the third epoch; five examples of twelve per step. */
const ARGS: TrainingArguments = {
  max_steps: 8,
  per_device_train_batch_size: 5,
  eval_strategy: 'steps',
  eval_steps: 2,
  logging_steps: 3,
  save_steps: 3,
  warmup_steps: 2,
};

/** What an uninterrupted run ends with. */
async function uninterrupted(args: TrainingArguments = ARGS): Promise<{ bits: string; log: object[] }> {
  const trainer = await trainerOf({ ...args, output_dir: `${folder}/whole`, save_strategy: 'no' });
  await trainer.train();
  return { bits: bitsOf(trainer), log: logOf(trainer.state) };
}

const whole = await uninterrupted();

function checkSame(trainer: Trainer): void {
  assert.is(bitsOf(trainer), whole.bits);
  assert.equal(logOf(trainer.state), whole.log);
}

const checkpointsIn = (output_dir: string) =>
  readdirSync(output_dir)
    .filter((name) => name.startsWith('checkpoint'))
    .sort();

test('from each checkpoint', async () => {
  const output_dir = `${folder}/each`;
  const first = await trainerOf({ ...ARGS, output_dir });
  await first.train();
  checkSame(first);
  assert.equal(checkpointsIn(output_dir), ['checkpoint-3', 'checkpoint-6']);
  for (const from of [`${output_dir}/checkpoint-3`, true]) {
    // Another seed of the head: the weights are the checkpoint's.
    const resumed = await trainerOf({ ...ARGS, output_dir }, {}, { seed: 9 });
    await resumed.train({ resume_from_checkpoint: from });
    checkSame(resumed);
  }
});

test('a finished run is resumed: its log and its files stay; what a killed process left is gone', async () => {
  const args = { ...ARGS, max_steps: 3, output_dir: `${folder}/finished` };
  await (await trainerOf(args)).train();
  const left = ['5', '6'].map((end) => `checkpoint-4.12345678-1234-1234-1234-12345678901${end}.incomplete`);
  for (const name of [left.join('.'), left[0]]) mkdirSync(`${args.output_dir}/${name}`);
  const state = () => readFileSync(`${args.output_dir}/checkpoint-3/trainer_state.json`, 'utf8');
  const [before, logged] = [state(), [] as object[]];
  const again = await trainerOf(args, { onLog: (entry) => void logged.push(entry) });
  await again.train({ resume_from_checkpoint: true });
  assert.equal(logged, []);
  assert.is(state(), before);
  assert.equal(readdirSync(args.output_dir), ['checkpoint-3']);
});

test('a checkpoint is a model of its own', async () => {
  const output_dir = `${folder}/model`;
  const trainer = await trainerOf({ ...ARGS, max_steps: 3, output_dir });
  await trainer.train();
  const model = await AlbertForSequenceClassification.from_pretrained(`${output_dir}/checkpoint-3`, { strict: true });
  assert.is(bitsOf({ model }), bitsOf(trainer));
  assert.equal(model.config.id2label, { 0: 'animal', 1: 'place' });
  // The directory around it is none yet.
  mkdirSync(`${output_dir}/checkpoint-10`);
  const advice = [
    'an unfinished training',
    'resume_from_checkpoint',
    '--resume',
    `or load ${output_dir}/checkpoint-10`,
  ];
  await expectError(() => pipeline('text-classification', output_dir), 'ERR_SOURCE', ...advice);
  await trainer.save_model(output_dir);
  await (await pipeline('text-classification', output_dir)).dispose();
});

test('aborted in each step: a checkpoint of the last whole step, from which it goes on', async () => {
  for (let at = 1; at <= 7; at++) {
    const output_dir = `${folder}/abort-${at}`;
    const controller = new AbortController();
    const stop = (step: number) => step === at && controller.abort();
    const { signal } = controller;
    const trainer = await trainerOf({ ...ARGS, output_dir }, { signal, onProgress: ({ step }) => stop(step) });
    await expectError(() => trainer.train(), 'ERR_ABORTED', `checkpoint-${at}`);
    assert.is(trainer.state.global_step, at);
    // The model works on.
    const again = await trainerOf({ ...ARGS, output_dir });
    await again.train({ resume_from_checkpoint: true });
    checkSame(again);
    await trainer.model.forward({ input_ids: [2, 3] });
    for (const { model } of [trainer, again]) await model.dispose();
  }
});

test('aborted within a step: it is as if it had not begun', async () => {
  const output_dir = `${folder}/within`;
  const controller = new AbortController();
  const trainer = await trainerOf(
    { ...ARGS, output_dir },
    {
      signal: controller.signal,
      onProgress: ({ step }) => step === 4 && setImmediate(() => setImmediate(() => controller.abort())),
    },
  );
  const error = await expectError(() => trainer.train(), 'ERR_ABORTED', 'checkpoint-');
  assert.ok(error.cause !== undefined);
  const again = await trainerOf({ ...ARGS, output_dir });
  await again.train({ resume_from_checkpoint: true });
  checkSame(again);
});

test('aborted in an evaluation: the resumed run evaluates', async () => {
  const output_dir = `${folder}/evaluation`;
  const controller = new AbortController();
  let evaluations = 0;
  const onEvaluation = ({ done }: { done: number }) => done === 8 && ++evaluations === 2 && controller.abort();
  const trainer = await trainerOf({ ...ARGS, output_dir }, { signal: controller.signal, onEvaluation });
  await expectError(() => trainer.train(), 'ERR_ABORTED', 'checkpoint-4');
  const again = await trainerOf({ ...ARGS, output_dir });
  await again.train({ resume_from_checkpoint: true });
  checkSame(again);
});

test('aborted before the first step, or without a directory: nothing is written', async () => {
  const output_dir = `${folder}/nothing`;
  const controller = new AbortController();
  const trainer = await trainerOf({ ...ARGS, output_dir }, { signal: controller.signal });
  controller.abort();
  await expectError(() => trainer.train(), 'ERR_ABORTED');
  assert.not.ok(existsSync(output_dir));
  const other = new AbortController();
  const without = await trainerOf({ max_steps: 3 }, { signal: other.signal, onProgress: () => other.abort() });
  await expectError(() => without.train(), 'ERR_ABORTED', 'aborted');
  assert.is(without.state.global_step, 1);
});

test('old checkpoints are removed, the best one never', async () => {
  const output_dir = `${folder}/limit`;
  const values = [1, 5, 2, 3, 4, 2];
  const args = { max_steps: 6, eval_strategy: 'steps', eval_steps: 1, save_steps: 1, save_total_limit: 2 } as const;
  const trainer = await trainerOf(
    { ...args, output_dir, load_best_model_at_end: true, metric_for_best_model: 'quality' },
    { compute_metrics: () => ({ quality: values.shift() as number }) },
  );
  await trainer.train();
  assert.equal(checkpointsIn(output_dir), ['checkpoint-2', 'checkpoint-6']);
  assert.is(trainer.state.best_model_checkpoint, `${output_dir}/checkpoint-2`);
  const best = await AlbertForSequenceClassification.from_pretrained(`${output_dir}/checkpoint-2`);
  assert.is(bitsOf(trainer), bitsOf({ model: best }));
});

test('resumed into another directory: the best model before is found where it is, or missed at once', async () => {
  const [from, into] = [`${folder}/best`, `${folder}/best-2`];
  const best = {
    ...ARGS,
    eval_steps: 1,
    save_steps: 3,
    load_best_model_at_end: true,
    metric_for_best_model: 'quality',
  };
  const rated = (values: number[]) => ({ compute_metrics: () => ({ quality: values.shift() as number }) });
  const trainer = await trainerOf({ ...best, max_steps: 3, output_dir: from }, rated([1, 5, 2]));
  await trainer.train();
  const wanted = bitsOf(trainer);
  const resume = async (path: string) => {
    const again = await trainerOf({ ...best, max_steps: 5, output_dir: into }, rated([3, 4]));
    await again.train({ resume_from_checkpoint: path });
    return again;
  };
  const again = await resume(`${from}/checkpoint-3`);
  assert.is(again.state.best_model_checkpoint, `${from}/checkpoint-2`);
  assert.is(bitsOf(again), wanted);
  // The first directory has another name now; what was recorded is its old one.
  renameSync(from, `${from}-moved`);
  assert.is(bitsOf(await resume(`${from}-moved/checkpoint-3`)), wanted);
  rmSync(`${from}-moved/checkpoint-2`, { recursive: true });
  let steps = 0;
  const none = await trainerOf(
    { ...best, max_steps: 5, output_dir: into },
    { ...rated([]), onProgress: () => void steps++ },
  );
  const before = bitsOf(none);
  const resumed = () => none.train({ resume_from_checkpoint: `${from}-moved/checkpoint-3` });
  await expectError(resumed, 'ERR_SOURCE', 'best/checkpoint-2', 'load_best_model_at_end');
  assert.is(steps, 0);
  assert.is(bitsOf(none), before);
});

test("another course, no checkpoint, and files that are no trainer's", async () => {
  const output_dir = `${folder}/other`;
  const trainer = await trainerOf({ ...ARGS, max_steps: 3, output_dir });
  await trainer.train();
  const from = `${output_dir}/checkpoint-3`;
  const resume = (args: TrainingArguments) => async () =>
    (await trainerOf({ ...ARGS, output_dir, ...args })).train({ resume_from_checkpoint: from });
  await expectError(resume({ seed: 43 }), 'ERR_INPUT', '"seed"', '42', '43');
  await expectError(resume({ per_device_train_batch_size: 4 }), 'ERR_INPUT', 'examples_per_step');
  await expectError(resume({ dropout: false }), 'ERR_INPUT', `${from} was trained with dropout: dropout must be true`);
  await expectError(
    resume({ max_seq_length: 8 }),
    'ERR_INPUT',
    `these are not the examples of ${from}: the task, train_dataset, max_score, max_seq_length and columns must be`,
  );
  const none = await trainerOf({ ...ARGS, output_dir: `${folder}/none` });
  await expectError(() => none.train({ resume_from_checkpoint: true }), 'ERR_SOURCE', 'no checkpoint');
  await expectError(() => none.train({ resume_from_checkpoint: `${folder}/none` }), 'ERR_SOURCE', 'trainer_state.json');
  const text = readFileSync(`${from}/trainer_state.json`, 'utf8');
  const spoilt = [text.slice(0, 50), '{}', 'null', text.replace('"global_step": 3', '"global_step": "3"')];
  for (const content of spoilt) {
    writeFileSync(`${from}/trainer_state.json`, content);
    await expectError(resume({}), 'ERR_CHECKPOINT');
  }
});

test('a checkpoint that cannot be written: the error, the older ones, a model that works', async () => {
  const output_dir = `${folder}/refused`;
  mkdirSync(output_dir);
  let spoilt = false;
  // From the fourth step on, a file is where the directory was.
  const trainer = await trainerOf(
    { ...ARGS, output_dir },
    {
      onProgress({ step }) {
        if (step !== 4 || spoilt) return;
        rmSync(output_dir, { recursive: true });
        writeFileSync(output_dir, 'a file');
        spoilt = true;
      },
    },
  );
  await expectError(() => trainer.train(), 'ERR_SOURCE', 'checkpoint-6');
  assert.is(trainer.state.global_step, 6);
  await trainer.model.forward({ input_ids: [2, 3] });
  // It can be trained anew.
  rmSync(output_dir);
  await trainer.train();
  assert.equal(checkpointsIn(output_dir), ['checkpoint-3', 'checkpoint-6']);
});

test('a directory that cannot be written: before the first step, and nothing is left', async () => {
  const file = `${folder}/file`;
  writeFileSync(file, '');
  let steps = 0;
  for (const output_dir of [file, `${file}/deep/er`, '/proc/none/deep']) {
    const trainer = await trainerOf({ ...ARGS, output_dir }, { onProgress: () => void steps++ });
    await expectError(() => trainer.train(), 'ERR_SOURCE', 'cannot write', output_dir);
  }
  assert.is(steps, 0);
  const output_dir = `${folder}/probed/deep/er`;
  const trainer = await trainerOf({ max_steps: 1, output_dir, save_strategy: 'no' });
  await trainer.train();
  assert.not.ok(existsSync(`${folder}/probed`));
  assert.equal(
    readdirSync(folder).filter((name) => name.startsWith('.')),
    [],
  );
});

/** What does not depend on the number of steps. */
const STEADY = { ...ARGS, learning_rate: 1e-3, lr_scheduler_type: 'constant', eval_strategy: 'no' } as const;

/** Trains in a process of its own, with a checkpoint after each step. */
const PROGRAM = `
  import { trainerOf } from ${JSON.stringify(`${ROOT}/test/training/trainer/support.ts`)};
  const trainer = await trainerOf({ ...${JSON.stringify({ ...STEADY, max_steps: 1000, save_steps: 1, save_total_limit: 2 })}, output_dir: process.argv.at(-1) });
  process.stdout.write('ready');
  await trainer.train();
`;

function start(output_dir: string, shell = '') {
  writeFileSync(`${folder}/program.mts`, PROGRAM);
  const node = [
    process.execPath,
    '--import',
    'tsx',
    '--conditions=@albert-wasm/source',
    `${folder}/program.mts`,
    output_dir,
  ];
  return spawn('bash', ['-c', `${shell} exec ${node.map((word) => `'${word}'`).join(' ')}`], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test('killed at any moment: the last checkpoint is whole, and goes on', async () => {
  for (const milliseconds of [30, 75, 140, 260]) {
    const output_dir = `${folder}/killed-${milliseconds}`;
    const child = start(output_dir);
    await once(child.stdout, 'data');
    // Not before there is a checkpoint.
    while (
      !existsSync(output_dir) ||
      checkpointsIn(output_dir).filter((name) => /^checkpoint-\d+$/.test(name)).length === 0
    ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
    const found = checkpointsIn(output_dir).filter((name) => /^checkpoint-\d+$/.test(name));
    const last = Math.max(...found.map((name) => Number(name.slice(11))));
    const args = { ...STEADY, max_steps: last + 2 };
    const resumed = await trainerOf({ ...args, output_dir, save_steps: 1 });
    await resumed.train({ resume_from_checkpoint: true });
    const { bits, log } = await uninterrupted(args);
    assert.is(bitsOf(resumed), bits);
    assert.equal(logOf(resumed.state), log);
    // What the killed process left is swept away.
    const left = readdirSync(output_dir).filter((name) => name.endsWith('.incomplete'));
    assert.equal(left, []);
    await resumed.model.dispose();
  }
});

test('a disk that is full: the error, no half of a checkpoint', async () => {
  const output_dir = `${folder}/full`;
  // No file may be larger than 200 KiB: the weights do not fit.
  const child = start(output_dir, "trap '' XFSZ; ulimit -f 200;");
  let text = '';
  child.stderr.on('data', (data) => (text += data));
  const [code] = await once(child, 'close');
  assert.is.not(code, 0);
  assert.ok(text.includes('ERR_SOURCE') && text.includes('cannot write'), text);
  assert.equal(existsSync(output_dir) ? readdirSync(output_dir) : [], []);
});

test.run();
