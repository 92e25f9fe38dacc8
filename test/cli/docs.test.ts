/** docs/cli.md: every line of its examples runs, prints what is shown below it, and every command and option that it names exists. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomFiles } from '../pipelines/checkpoint.js';
import { stateCases } from '../support/cases.js';
import { ROOT, run } from './command-line.js';

const test = suite('docs/cli.md');

const text = readFileSync(`${ROOT}/docs/cli.md`, 'utf8');
const folder = mkdtempSync(`${tmpdir()}/albert-wasm-docs-`);
test.after(() => rmSync(folder, { recursive: true }));

interface Block {
  readonly language: string;
  readonly name: string;
  readonly body: string;
}
const blocks: Block[] = [...text.matchAll(/```(\w+) ?(\S*)\n([\s\S]*?)```/g)].map(
  ([, language = '', name = '', body = '']) => ({ language, name, body }),
);
for (const { language, name, body } of blocks)
  if (language !== 'sh' && name !== '') writeFileSync(`${folder}/${name}`, body);

for (const [name, files] of Object.entries({
  'my-ner': await randomFiles('token_classification', { id2label: { 0: 'O', 1: 'B-PER', 2: 'I-PER' } }),
  'my-qa': await randomFiles('question_answering'),
  'my-swag': await randomFiles('multiple_choice'),
  'my-nli': await randomFiles('sequence_classification', { id2label: { 0: 'entailment', 1: 'neutral' } }),
})) {
  mkdirSync(`${folder}/${name}`);
  for (const [file, bytes] of Object.entries(files)) writeFileSync(`${folder}/${name}/${file}`, bytes as string);
}

/** The built command line, as a shell's function in place of npx. */
const bash = (script: string) =>
  promisify(execFile)(
    'bash',
    ['-c', `set -euo pipefail; npx() { shift; "${process.execPath}" "${ROOT}/dist/node/cli.js" "$@"; }; ${script}`],
    { cwd: folder, maxBuffer: 1 << 24 },
  );

/** Scores differ in their last digits from one build of the kernels to another, and the page shows few of them. */
function same(got: string, shown: string): void {
  const number = /\d+\.\d+/g;
  assert.is(got.replace(number, '#'), shown.replace(number, '#'));
  const [left, right] = [got, shown].map((part) => (part.match(number) ?? []).map(Number)) as [number[], number[]];
  left.forEach((value, i) => {
    assert.ok(
      Math.abs(value - (right[i] as number)) <= 0.0002 * Math.max(1, value),
      `${value} is shown as ${right[i]}`,
    );
  });
}

test('every example runs, and prints what is shown', async () => {
  let cases = 0;
  for (const [i, { language, name, body }] of blocks.entries()) {
    if (language !== 'sh' || name === 'install') continue;
    const next = blocks[i + 1];
    const shown = next?.name === '' && next.language !== 'sh' ? next.body : undefined;
    const masked = (text: string) => (name === 'tour' ? text.trimEnd().replace(/[\d.]+ ms|on [a-z-]+,/g, '#') : text);
    for (const line of body.trim().split('\n')) {
      const { stdout, stderr } = await bash(line);
      assert.is(stderr, '', line);
      if (shown !== undefined) same(masked(stdout), masked(shown));
      cases++;
    }
  }
  stateCases(cases, 25);
});

test('the page names every command, and no option that there is not', async () => {
  const { out } = await run(['--help']);
  const list = out.slice(out.indexOf('\nCommands:'), out.indexOf('\nExamples:'));
  const commands = [...list.matchAll(/^ {2}([a-z][\w-]+)[ \n]/gm)].map(([, name]) => name as string);
  const documented = [...text.matchAll(/^\| `([\w-]+)` \| [a-z]/gm)].map(([, name]) => name);
  const named = commands.filter((name) => name !== 'help');
  assert.equal(
    named.filter((name) => !documented.includes(name)),
    [],
  );
  const helps = await Promise.all(
    ['classify', 'zero-shot', 'embed', 'fill-mask', 'convert', 'train', 'evaluate'].map((name) =>
      run([name, '--help']),
    ),
  );
  const options = new Set(helps.flatMap(({ out }) => out.match(/--[a-z][\w-]+/g) ?? []));
  for (const [option] of text.matchAll(/--[a-z][\w-]+/g)) assert.ok(options.has(option), option);
});

test.run();
