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

/** What a person sees, and the exit code. */
async function see(command: string): Promise<{ code: number; shown: string }> {
  const program = `${process.execPath} --import tsx --conditions=@albert-wasm/source src/entry/cli.ts`;
  const run = promisify(execFile)(SCRIPT, ['-qec', `${program} ${command}`, '/dev/null'], { cwd: ROOT });
  const { code, stdout } = await run.then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }) => ({ code, stdout }),
  );
  return { code, shown: stdout.replaceAll('\r', '') };
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

test('a bench is a table', async () => {
  const { code, shown } = await see(`bench --model ${folder} --dtype int8 --threads 2`);
  assert.is(code, 0, shown);
  assert.match(shown, /^batch × tokens {2}tokens\/s +ms +on\n1 × 16 .* int8, (relaxed-)?simd, 2 threads\n$/);
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
