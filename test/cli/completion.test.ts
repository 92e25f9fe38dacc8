/** Completion: what a shell makes of the script, and that it has every command and option. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from './command-line.js';

const test = suite('completion');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-completion-`);
test.after(() => rmSync(folder, { recursive: true }));

for (const shell of ['bash', 'zsh', 'fish']) {
  writeFileSync(`${folder}/${shell}`, (await run(['completion', shell])).out);
}

/** What bash would offer for the last of these words. */
async function offered(...words: string[]): Promise<string[]> {
  const list = words.map((word) => `'${word}'`).join(' ');
  const script = `source ${folder}/bash; COMP_WORDS=(albert-wasm ${list}); COMP_CWORD=${words.length}
    $(complete -p albert-wasm | grep -o '_albert_wasm'); printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script]);
  return stdout.split('\n').filter((word) => word !== '');
}

test('bash is offered commands, their options, and choices', async () => {
  assert.equal(await offered('cl'), ['classify']);
  assert.equal(await offered('c'), ['classify', 'choose', 'convert', 'completion']);
  assert.equal(await offered('fill-mask', '--ta'), ['--targets']);
  assert.equal(await offered('classify', '--dtype', ''), ['float32', 'int8']);
  assert.equal(await offered('convert', '--dtype', 'f'), ['float32', 'float16']);
  assert.equal(await offered('tag', '--model', 'x', '--aggregation', 'a'), ['average']);
  assert.equal(await offered('embed', '--pooling', ''), [
    'mean',
    'cls',
    'max',
    'mean_sqrt_len_tokens',
    'weightedmean',
    'lasttoken',
  ]);
  assert.equal(await offered('completion', ''), ['bash', 'zsh', 'fish', '--help']);
  assert.equal(await offered('--v'), ['--version']);
  // Then bash completes files.
  assert.equal(await offered('classify', '--file', ''), []);
  assert.equal(await offered('classify', 'any te'), []);
  assert.equal(await offered('nonsense', ''), []);
});

test('every option of every command’s help is in each script', async () => {
  const commands = await offered('');
  assert.ok(commands.length > 10);
  for (const command of commands.filter((word) => /^[a-z]/.test(word) && word !== 'help')) {
    const { out } = await run([command, '--help']);
    const flags = [...out.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag as string);
    assert.equal((await offered(command, '--')).sort(), flags.sort(), command);
    const fish = readFileSync(`${folder}/fish`, 'utf8').split('\n');
    const line = fish.find((line) => line.includes(`from ${command}'`)) ?? '';
    for (const flag of flags) assert.match(line, flag);
  }
});

test('a person at a terminal presses the tab key', async () => {
  // Not a pipe: bash completes for terminals only.
  const typist = spawn('script', ['-qc', 'bash --norc --noprofile -i', '/dev/null'], { cwd: folder });
  typist.on('error', () => {});
  let shown = '';
  typist.stdout.on('data', (data) => (shown += data));
  const closed = new Promise((resolve) => typist.on('close', resolve));
  typist.stdin.write(`source ${folder}/bash; albert-wasm() { echo "$*" > ran; }\n`);
  await sleep(500);
  typist.stdin.write('albert-wasm cla\t--dt\ti\t\n');
  await sleep(500);
  typist.stdin.end('exit\n');
  await closed;
  assert.is(readFileSync(`${folder}/ran`, 'utf8'), 'classify --dtype int8\n', shown);
});

test('other shells are refused', async () => {
  const { code, err } = await run(['completion', 'tcsh']);
  assert.is(code, 2);
  assert.match(err, 'bash, zsh, fish');
});

test.run();
