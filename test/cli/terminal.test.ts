/** The command line on a terminal: tables instead of JSON lines, and what it asks for when nothing comes. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomFiles } from '../pipelines/checkpoint.js';
import { ROOT } from './command-line.js';

const terminal = suite('terminal');

/** util-linux's, which gives a program a terminal. */
const SCRIPT = '/usr/bin/script';
const test = existsSync(SCRIPT) && process.platform === 'linux' ? terminal : terminal.skip;

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-terminal-`);
terminal.after(() => rmSync(folder, { recursive: true }));
const files = await randomFiles('sequence_classification');
for (const [file, bytes] of Object.entries(files)) writeFileSync(`${folder}/${file}`, bytes as string);

/** What a person sees, what the terminal receives, and the exit code. */
async function see(command: string, before = ''): Promise<{ code: number; shown: string; raw: string }> {
  const program = `${process.execPath} --import tsx --conditions=@albert-wasm/source src/entry/cli.ts`;
  const run = promisify(execFile)(SCRIPT, ['-qec', `${before} ${program} ${command}`, '/dev/null'], { cwd: ROOT });
  const { code, stdout } = await run.then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }) => ({ code, stdout }),
  );
  return { code, shown: stdout.replaceAll('\r', ''), raw: stdout };
}

test('answers are tables, of any number of rows', async () => {
  const few = await see('classify "A lovely film." "A dreadful film."');
  assert.is(few.code, 0, few.shown);
  assert.match(few.shown, /^POSITIVE {2}\d+\.\d % {2}A lovely film\.\nNEGATIVE {2}\d+\.\d % {2}A dreadful film\.\n$/);
  writeFileSync(`${folder}/texts.jsonl`, '"good"\n');
  const texts = Array.from({ length: 1003 }, (_, i) => `film ${i}`);
  writeFileSync(`${folder}/lines.txt`, texts.join('\n'));
  const { code, shown } = await see(`classify --model ${folder} --file ${folder}/lines.txt`);
  assert.is(code, 0, shown.slice(0, 500));
  const rows = shown.trimEnd().split('\n');
  assert.equal(
    rows.map((row) => row.replace(/^LABEL_\d {2}\d+\.\d % {2}/, '')),
    texts,
  );
  const json = await see(`classify --model ${folder} --jsonl --file ${folder}/texts.jsonl`);
  assert.is(JSON.parse(json.shown).text, 'good', json.shown);
});

test('training shows a bar, of which nothing stays', async () => {
  const rows = ['cat', 'dog', 'cow', 'bird'].map((word, i) => ({ text: `a ${word}`, label: i % 2 ? 'x' : 'y' }));
  writeFileSync(`${folder}/train.jsonl`, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const out = `${folder}/trained`;
  const options = `--model ${folder} --train ${folder}/train.jsonl --eval ${folder}/train.jsonl --batch-size 2 --epochs 2`;
  const { code, raw } = await see(`train ${options} --out ${out}`, 'stty cols 50;');
  assert.is(code, 0, raw);
  // Each line that is written over what was there begins so.
  const shown = raw.split('\r\x1b[K').map((text) => text.split('\r\n')[0] as string);
  const bars = shown.filter((text) => /^[█░]{24} {2}/.test(text));
  assert.ok(
    bars.some((text) => text.startsWith(`${'█'.repeat(24)}  4/4  epoch 2.00`)),
    raw,
  );
  assert.ok(bars.some((text) => text.includes('  evaluating 4 of 4')));
  assert.ok(shown.every((text) => !/[█░]/.test(text) || text.length <= 49));
  // What a screen has in the end: of each line, what follows the last time that it was cleared.
  const left = raw
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split('\r\x1b[K').at(-1) as string);
  assert.ok(
    left.every((line) => /^(step \d|the model is in )/.test(line)),
    left.join('\n'),
  );
  assert.is(left.at(-1), `the model is in ${out}`);
});

test('a terminal that does not say how wide it is has a bar, too', async () => {
  const { raw } = await see(`evaluate --model ${folder}/trained --eval ${folder}/train.jsonl`, 'stty cols 0;');
  assert.match(raw, '█  4 of 4');
});

test('a bench is a table', async () => {
  const { code, shown } = await see(`bench --model ${folder} --dtype int8 --threads 2`);
  assert.is(code, 0, shown);
  assert.match(shown, /^batch × tokens {2}tokens\/s +ms +runs +on\n1 × 16 .* int8, (relaxed-)?simd, 2 threads\n$/);
});

for (const [command, message] of [
  ['classify', /^error: give inputs as arguments or as lines \(--help shows how\)\n$/],
  ['answer --model none Who?', /^error: give a --context, or one on standard input \(--help shows how\)\n$/],
] as const) {
  test(`${command} without a text: exit code 2`, async () => {
    const { code, shown } = await see(command);
    assert.is(code, 2);
    assert.match(shown, message);
  });
}

terminal.run();
