/** `train` and `evaluate`: what they print and write, Ctrl+C and what goes on after it, the chart, and what they refuse. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { trainingChart } from '../../src/cli/training-chart.js';
import { TrainingLog, TrainingScreen } from '../../src/cli/training-log.js';
import type { LogEntry } from '../../src/entry/training.js';
import { FILES, TEXTS, trainerOf } from '../training/trainer/support.js';
import { ROOT, run } from './command-line.js';

const test = suite('train and evaluate');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-train-`);
test.after(() => rmSync(folder, { recursive: true }));

const MODEL = `${folder}/tiny`;
mkdirSync(MODEL);
for (const [name, bytes] of Object.entries(FILES)) writeFileSync(`${MODEL}/${name}`, bytes as string);
const JSONL = `${folder}/texts.jsonl`;
writeFileSync(JSONL, TEXTS.map((row) => `${JSON.stringify(row)}\n`).join(''));
const CSV = `${folder}/texts.csv`;
writeFileSync(CSV, `body,kind\n${TEXTS.map(({ text, label }) => `${text},${label}\n`).join('')}`);

const QUICK = ['--model', MODEL, '--batch-size', '4', '--learning-rate', '3e-3', '--no-dropout'];
const rows = (text: string): Record<string, number>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('JSON lines in a pipe, the model, metrics.jsonl and training.svg', async () => {
  const out = `${folder}/out`;
  const columns = ['--column', 'text=body', '--column', 'label=kind'];
  const train = ['train', '--train', CSV, '--eval', CSV, ...columns, ...QUICK, '--epochs', '8', '--out', out];
  const { code, out: printed, err } = await run([...train, '--best', 'accuracy']);
  assert.is(code, 0, err);
  assert.is(err, '');
  const entries = rows(printed);
  assert.is(entries.filter((entry) => 'eval_accuracy' in entry).length, 8);
  assert.is(entries.at(-1)?.step, 24);
  assert.equal(rows(readFileSync(`${out}/metrics.jsonl`, 'utf8')), entries);
  assert.match(readFileSync(`${out}/training.svg`, 'utf8'), /^<svg [\s\S]*accuracy[\s\S]*<\/svg>\n$/);
  const files = readdirSync(out).filter((name) => !name.startsWith('checkpoint'));
  assert.equal(files.sort(), ['config.json', 'metrics.jsonl', 'model.safetensors', 'tokenizer.json', 'training.svg']);
  assert.ok(readdirSync(out).filter((name) => name.startsWith('checkpoint')).length <= 3);
  const classified = await run(['classify', '--model', out, TEXTS[0]?.text as string]);
  assert.is(JSON.parse(classified.out).labels[0].label, 'animal');
  const evaluated = await run(['evaluate', '--model', out, '--eval', CSV, ...columns]);
  const { accuracy, examples, loss } = JSON.parse(evaluated.out);
  assert.equal([accuracy, examples], [1, 12]);
  const best = Math.max(...entries.map(({ eval_accuracy = 0 }) => eval_accuracy));
  const losses = entries.filter(({ eval_accuracy }) => eval_accuracy === best).map(({ eval_loss }) => eval_loss);
  assert.ok(losses.includes(loss), `${loss} is none of ${losses}`);
  const int8 = await run(['evaluate', '--model', out, '--eval', JSONL, '--dtype', 'int8', '--format', 'csv']);
  assert.match(int8.out, /^model,examples,loss,accuracy,f1,/);
  // It does not overwrite a model unasked.
  const again = await run([...train]);
  assert.is(again.code, 1);
  assert.match(again.err, /model\.safetensors.*--force/);
});

test('from standard input', async () => {
  const out = `${folder}/stdin`;
  const { code, err } = await run(
    ['train', '--train', '-', ...QUICK, '--max-steps', '1', '--out', out],
    readFileSync(JSONL, 'utf8'),
  );
  assert.is(code, 0, err);
  assert.ok(existsSync(`${out}/model.safetensors`));
  const malformed = await run(
    ['train', '--train', '-', ...QUICK, '--out', `${out}-2`],
    '{"text": "a", "label": "b"}\n{"text": "", "label": "b"}\n',
  );
  assert.is(malformed.code, 1);
  assert.match(
    malformed.err,
    /^albert-wasm: standard input line 2: "text" expected a text that is not empty, got ""\n$/,
  );
  assert.not.ok(existsSync(`${out}-2`));
});

test('stopped between two entries of the log: metrics.jsonl has the steps until then', async () => {
  const out = `${folder}/between`;
  mkdirSync(out);
  const losses: number[] = [];
  const trainer = await trainerOf({ max_steps: 2, logging_steps: 5 }, { onProgress: ({ loss }) => losses.push(loss) });
  await trainer.train();
  // As it is while it trains: without the entry about the whole.
  const { log_history: _, ...state } = trainer.state;
  const log = new TrainingLog(
    { state: { ...state, log_history: [] } } as never,
    { task: '', out },
    new TrainingScreen(),
  );
  await log.stop();
  const [first, second] = losses as [number, number];
  assert.equal(rows(readFileSync(`${out}/metrics.jsonl`, 'utf8')), [
    { loss: (first + second) / 2, epoch: state.epoch, step: 2 },
  ]);
  await trainer.model.dispose();
});

test('a training that is finished: it says so, and leaves its log', async () => {
  const out = `${folder}/over`;
  const args = ['train', '--train', JSONL, ...QUICK, '--max-steps', '1', '--out', out];
  const first = await run(args);
  assert.equal([first.code, first.err], [0, '']);
  const log = readFileSync(`${out}/metrics.jsonl`, 'utf8');
  const { code, err, out: printed } = await run([...args, '--resume']);
  assert.is(code, 0, err);
  assert.is(err, 'this training is finished, after step 1; larger --epochs or --max-steps continue it\n');
  assert.equal([printed, readFileSync(`${out}/metrics.jsonl`, 'utf8')], ['', log]);
});

test('resumed with other options: which they are, in the words of the command line', async () => {
  const out = `${folder}/changed`;
  const args = ['train', '--train', JSONL, '--model', MODEL, '--batch-size', '4', '--out', out];
  const first = await run([...args, '--max-steps', '1']);
  assert.equal([first.code, first.err], [0, '']);
  const changed = async (...options: string[]) => {
    const { code, err } = await run([...args, '--max-steps', '2', '--resume', ...options]);
    assert.is(code, 1);
    return err;
  };
  const dropout = await changed('--no-dropout');
  assert.ok(dropout.endsWith('checkpoint-1 was trained with dropout: leave out --no-dropout\n'), dropout);
  const length = await changed('--max-length', '8');
  const words = 'the task, --train, --max-score, --max-length and --column must be as before\n';
  assert.ok(length.startsWith('albert-wasm: these are not the examples of ') && length.endsWith(words), length);
});

test('whole numbers are values with --problem-type regression', async () => {
  const stars = `${folder}/stars.jsonl`;
  writeFileSync(stars, TEXTS.map(({ text }, i) => `${JSON.stringify({ text, label: i })}\n`).join(''));
  const out = `${folder}/stars`;
  const args = ['train', '--train', stars, '--eval', stars, ...QUICK, '--max-steps', '1', '--out', out];
  const { code, err, out: printed } = await run([...args, '--problem-type', 'regression']);
  assert.is(code, 0, err);
  const { problem_type, id2label } = JSON.parse(readFileSync(`${out}/config.json`, 'utf8'));
  assert.equal([problem_type, Object.keys(id2label).length], ['regression', 1]);
  assert.ok(rows(printed).some((entry) => 'eval_pearson' in entry));
});

test('classes with the names of numbers: --problem-type makes them, evaluate knows them from the model', async () => {
  const versions = `${folder}/versions.csv`;
  writeFileSync(versions, 'text,label\nthe cat,1.5\nRome,n/a\n');
  const out = `${folder}/versions`;
  const args = ['train', '--train', versions, ...QUICK, '--max-steps', '1', '--out', out];
  const refused = await run(args);
  assert.is(refused.code, 1);
  assert.match(
    refused.err,
    /versions\.csv line 3: .*got "n\/a"; --problem-type single_label_classification makes them/,
  );
  assert.is((await run([...args, '--problem-type', 'single_label_classification'])).code, 0);
  const { code, err } = await run(['evaluate', '--model', out, '--eval', versions]);
  assert.equal([code, err], [0, '']);
});

test('--max-score is the label that is a cosine of 1; it changes the loss and no correlation', async () => {
  const pairs = `${folder}/pairs.csv`;
  writeFileSync(pairs, 'sentence1,sentence2,label\na cat,a dog,4\na cat,Rome,-1\na dog,Oslo,0\n');
  const task = ['--task', 'sentence-similarity'];
  const evaluate = async (...options: string[]) => {
    const { out, err } = await run(['evaluate', ...task, '--model', MODEL, '--eval', pairs, ...options]);
    assert.is(err, '');
    return JSON.parse(out);
  };
  const [own, wide] = [await evaluate(), await evaluate('--max-score', '8')];
  assert.is((await evaluate('--max-score', '4')).loss, own.loss);
  assert.is.not(wide.loss, own.loss);
  assert.ok(Math.abs(wide.pearson - own.pearson) < 1e-9 && wide.spearmanr === own.spearmanr);
  // The scale of the examples to learn from is that of the others.
  const small = `${folder}/small.csv`;
  writeFileSync(small, 'sentence1,sentence2,label\na cat,a dog,2\n');
  const { code, err } = await run([
    'train',
    ...task,
    '--train',
    small,
    '--eval',
    pairs,
    ...QUICK,
    '--out',
    `${folder}/no`,
  ]);
  assert.is(code, 1);
  assert.match(err, /pairs\.csv line 2: "label" expected a number from -2 to 2, the --max-score, got 4\n$/);
});

test('scores under another name: the option that reads them', async () => {
  const pairs = `${folder}/scores.csv`;
  writeFileSync(pairs, 'sentence1,sentence2,my score\na cat,a dog,4\n');
  const task = ['evaluate', '--task', 'sentence-similarity', '--model', MODEL, '--eval', pairs];
  const { code, err } = await run(task);
  assert.is(code, 1);
  assert.match(
    err,
    /scores\.csv line 1: no column "label" \(columns: .*, my score\): --column label="my score" reads it; /,
  );
  assert.is((await run([...task, '--column', 'label=my score'])).code, 0);
});

test('a label that the training file does not have: file and line', async () => {
  const path = `${folder}/other.jsonl`;
  writeFileSync(path, `${JSON.stringify(TEXTS[0])}\n{"text": "what?", "label": "question"}\n`);
  const { code, err } = await run(['train', '--train', JSONL, '--eval', path, ...QUICK, '--out', `${folder}/no`]);
  assert.is(code, 1);
  assert.match(
    err,
    /other\.jsonl line 2: "label" expected one of the model's labels \(animal, place\), got "question"/,
  );
  assert.not.ok(existsSync(`${folder}/no`));
});

test('Ctrl+C: a checkpoint, how to go on, and the same model in the end', async () => {
  const args = ['train', '--train', JSONL, ...QUICK, '--max-steps', '300', '--save-steps', '1000'];
  const whole = `${folder}/whole`;
  assert.is((await run([...args, '--out', whole])).code, 0);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const out = `${folder}/it's ${signal}`;
    const flags = ['--import', 'tsx', '--conditions=@albert-wasm/source', 'src/entry/cli.ts'];
    const child = spawn(process.execPath, [...flags, ...args, '--out', out], { cwd: ROOT });
    let err = '';
    child.stderr.on('data', (data) => (err += data));
    const closed = once(child, 'close');
    // After the first entry of the log.
    await once(child.stdout, 'data');
    child.stdout.resume();
    child.kill(signal);
    const [code] = await closed;
    assert.is(code, 130, err);
    const [, step, words] =
      /^stopped after step (\d+), which has a checkpoint; go on with:\nalbert-wasm (.*)\n$/.exec(err) ?? [];
    assert.ok(words?.endsWith(`--out '${folder}/it'\\''s ${signal}' --resume`), err);
    assert.ok(existsSync(`${out}/checkpoint-${step}/train_state.safetensors`));
    assert.is(rows(readFileSync(`${out}/metrics.jsonl`, 'utf8')).at(-1)?.step, Number(step));
    assert.not.ok(existsSync(`${out}/model.safetensors`));
    const resumed = await run([...args, '--out', out, '--resume']);
    assert.is(resumed.code, 0, resumed.err);
    assert.equal(readFileSync(`${out}/model.safetensors`), readFileSync(`${whole}/model.safetensors`));
    const log = (path: string) =>
      rows(readFileSync(`${path}/metrics.jsonl`, 'utf8')).map(
        ({ train_runtime: _, train_samples_per_second: __, train_steps_per_second: ___, ...entry }) => entry,
      );
    assert.equal(log(out), log(whole));
  }
});

test('what it refuses', async () => {
  const base = ['train', '--train', JSONL, '--out', `${folder}/refused`];
  const usage: [args: string[], words: RegExp][] = [
    [['train', '--train', JSONL], /--out/],
    [['train', '--out', 'x'], /--train/],
    [[...base, '--task', 'translation'], /text-classification/],
    [[...base, '--learning-rate', '0'], /above 0/],
    [[...base, '--warmup-ratio', '1'], /below 1/],
    [[...base, '--column', 'text'], /text=review/],
    [[...base, '--best', 'accuracy'], /--eval/],
    [[...base, '--freeze', 'all'], /encoder/],
    [['train', '--train', '-', '--eval', '-', '--out', 'x'], /standard input/],
    [['evaluate', '--eval', JSONL], /--model/],
  ];
  for (const [args, words] of usage) {
    const { code, err } = await run(args);
    assert.is(code, 2, args.join(' '));
    assert.match(err, words);
  }
  // Before anything is read.
  const unwritable = await run(['train', '--train', 'no-such-file', '--out', `${JSONL}/out`]);
  assert.is(unwritable.code, 1);
  assert.match(unwritable.err, /cannot write to .*texts\.jsonl\/out/);
  const none = await run([...base, ...QUICK, '--resume']);
  assert.is(none.code, 1);
  assert.match(none.err, /no checkpoint in .*refused to resume from/);
  const metric = await run([...base, ...QUICK, '--eval', JSONL, '--best', 'beauty', '--max-steps', '1']);
  assert.match(metric.err, /"--best" expected loss, accuracy, f1, .*beauty/);
  // The words of the command line.
  const memory = await run([...base, ...QUICK, '--max-memory', '1', '--max-steps', '1']);
  assert.match(memory.err, /--max-memory/);
  assert.match(memory.err, /[1-9] MiB/);
  assert.not.match(memory.err, /maxMemoryBytes|bytes|\d{6}/);
  const column = await run([...base, ...QUICK, '--column', 'text=body']);
  assert.match(column.err, /"--column" expected one of text, label, got "body"/);
  const type = await run([...base, ...QUICK, '--task', 'fill-mask', '--problem-type', 'regression']);
  assert.match(
    type.err,
    /"--problem-type" expected the task text-classification, which has this option, got "fill-mask"/,
  );
  const length = await run([...base, ...QUICK, '--max-length', '2']);
  assert.match(length.err, /^albert-wasm: "--max-length" expected more than 2, the special tokens of a text, got 2\n$/);
});

test('--help teaches by example', async () => {
  const { out } = await run(['train', '--help']);
  for (const words of ['Examples:', '--resume', 'token-classification  {"tokens"', 'default: 0.0001', '--no-dropout']) {
    assert.ok(out.includes(words), words);
  }
});

test('the chart: each value at its place, labels escaped', () => {
  const log: LogEntry[] = [
    { step: 5, epoch: 0.5, loss: 2 },
    { step: 10, epoch: 1, loss: 1 },
    { step: 10, epoch: 1, eval_loss: 1.5, eval_accuracy: 0.5, eval_runtime: 3 },
    { step: 20, epoch: 2, eval_loss: 1, eval_accuracy: 0.75 },
  ];
  const svg = trainingChart(log, '<script>&"\u001b');
  assert.ok(svg.includes('&lt;script&gt;&amp;&quot;\\u001b'));
  assert.not.ok(svg.includes('<script'));
  assert.not.ok(svg.includes('runtime'));
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);
  for (const word of ['loss', 'training', 'evaluation', 'metric', 'accuracy', 'step', '1', '2', '0.5', '0.75', '20']) {
    assert.ok(texts.includes(word), word);
  }
  // Losses from 1 to 2 in a panel from 56 to 266, steps 0 to 20 from 64 to 736.
  assert.ok(svg.includes('d="M232 56L400 266"'), 'training');
  assert.ok(svg.includes('d="M400 161L736 266"'), 'evaluation');
  assert.is([...svg.matchAll(/<circle/g)].length, 6);
  assert.match(trainingChart([], 'nothing'), /<\/svg>/);
  assert.not.match(trainingChart([{ step: 1, epoch: 1, loss: 3 }], 'one'), /NaN|Infinity/);
});

test.run();
