/** `fineTune`: on this thread and in a worker, the same files; what goes wrong on either side. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline } from '../../src/entry/index.js';
import { openSource } from '../../src/ground/source.js';
import { type FineTuneOptions, fineTune } from '../../src/training/fine-tune.js';
import { fineTuneHere } from '../../src/training/fine-tune-here.js';
import type { LogEntry } from '../../src/training/trainer/state.js';
import { RARE_READERS } from '../../src/weights/rare.js';
import { expectError } from '../support/expect-error.js';
import { resourcesBeside } from '../support/resources.js';
import { FILES, TEXTS } from './trainer/support.js';

const test = suite('fineTune');

const OPTIONS = {
  task: 'text-classification',
  model: FILES,
  train_dataset: TEXTS,
  eval_dataset: TEXTS,
  args: { max_steps: 3, per_device_train_batch_size: 4, learning_rate: 1e-3, logging_steps: 1 },
} satisfies FineTuneOptions<'text-classification'>;

test('in a worker and on this thread: the same files, log and progress; the files are a source', async () => {
  const before = process.getActiveResourcesInfo();
  const runs = [];
  for (const worker of [false, true]) {
    const [steps, log]: [number[], LogEntry[]] = [[], []];
    const { files, log_history, metrics, info } = await fineTune({
      ...OPTIONS,
      worker,
      threads: worker ? 2 : 1,
      onProgress: ({ step }) => void steps.push(step),
      onLog: (entry) => void log.push(entry),
    });
    assert.equal(steps, [1, 2, 3]);
    assert.equal(
      log.map(({ step }) => step),
      log_history.map(({ step }) => step),
    );
    assert.ok(log_history.some(({ eval_loss }) => eval_loss !== undefined) || metrics.eval_loss !== undefined);
    assert.is(info.dtype, 'float32');
    runs.push(files);
  }
  const [here, there] = runs as [Record<string, Uint8Array>, Record<string, Uint8Array>];
  assert.equal(Object.keys(there).sort(), Object.keys(here).sort());
  for (const [name, bytes] of Object.entries(here)) {
    assert.ok(Buffer.compare(bytes, there[name] as Uint8Array) === 0, name);
  }
  await using classify = await pipeline('text-classification', there);
  const [best] = await classify((TEXTS[0] as { text: string }).text);
  assert.ok(best !== undefined && best.score > 0);
  assert.equal(await resourcesBeside(before), []);
});

for (const worker of [false, true]) {
  const where = worker ? 'in a worker' : 'on this thread';

  test(`${where}: a signal and what a caller throws end the training`, async () => {
    const before = process.getActiveResourcesInfo();
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = () => controller.abort(reason);
    const error = await expectError(
      () => fineTune({ ...OPTIONS, worker, onProgress, signal: controller.signal }),
      'ERR_ABORTED',
    );
    assert.is(error.cause, reason);
    const thrown = new Error('no more');
    const got = await fineTune({
      ...OPTIONS,
      worker,
      onProgress() {
        throw thrown;
      },
    }).catch((error) => error);
    assert.is(got, thrown);
    await expectError(() => fineTune({ ...OPTIONS, worker, signal: AbortSignal.abort() }), 'ERR_ABORTED');
    assert.equal(await resourcesBeside(before), []);
  });

  test(`${where}: what does not fit is refused`, async () => {
    const refuse = (more: object, ...words: string[]) =>
      expectError(() => fineTune({ ...OPTIONS, worker, ...more } as never), 'ERR_INPUT', ...words);
    await refuse({ epochs: 3 }, 'epochs');
    await refuse({ task: 'poetry' }, 'task', 'poetry');
    await refuse(
      {
        train_dataset: [
          { text: 'a', label: 'x' },
          { text: '', label: 'y' },
        ],
      },
      'train_dataset[1]',
      'text',
    );
    await refuse({ train_dataset: [] }, 'train_dataset');
    await refuse(
      { eval_dataset: [{ text: 'a', label: 'never seen' }], args: { eval_strategy: 'epoch' } },
      'never seen',
    );
    await refuse({ args: { output_dir: 'x' } }, 'output_dir');
    await refuse({ train_dataset: 'a.csv' }, 'train_dataset', 'an array of examples');
    await refuse({ args: { learning_rate: Number.NaN } }, 'learning_rate');
    await expectError(() => fineTune({ ...OPTIONS, worker, model: '/nowhere/at/all' }), 'ERR_SOURCE');
  });
}

test('the last evaluation of the training is not made again', async () => {
  const origin = { source: await openSource(FILES), readers: RARE_READERS };
  for (const best of [false, true]) {
    let batches = 0;
    const args = { ...OPTIONS.args, eval_strategy: 'steps', eval_steps: 1, load_best_model_at_end: best } as const;
    const { metrics, log_history } = await fineTuneHere(
      origin,
      { ...OPTIONS, args },
      { onEvaluation: () => void batches++ },
    );
    // Twelve examples are two batches, evaluated after each of three steps.
    assert.is(batches, 6);
    const logged = log_history.filter(({ eval_loss }) => eval_loss !== undefined);
    const least = Math.min(...logged.map(({ eval_loss }) => eval_loss as number));
    assert.is(metrics.eval_loss, best ? least : logged.at(-1)?.eval_loss);
    assert.not.ok('step' in metrics || 'epoch' in metrics);
  }
  let batches = 0;
  const { metrics } = await fineTuneHere(origin, OPTIONS, { onEvaluation: () => void batches++ });
  assert.is(batches, 2);
  assert.ok(metrics.eval_accuracy !== undefined);
});

test('a worker that cannot be had, or ends, is ERR_WORKER', async () => {
  const url = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  await expectError(
    () => fineTune({ ...OPTIONS, worker: true, workerUrl: url('throw new Error("no")') }),
    'ERR_WORKER',
  );
  await expectError(() => fineTune({ ...OPTIONS, worker: true, workerUrl: url('process.exit(3)') }), 'ERR_WORKER');
  await expectError(() => fineTune({ ...OPTIONS, worker: 1 } as never), 'ERR_INPUT', 'worker');
});

test.run();
