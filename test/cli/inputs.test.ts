/** What stands between options and a task, without a model: columns of a CSV, options that do not go together, files of answers, cells. */
import {
  chmodSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import type { CommanderError } from 'commander';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openCsv } from '../../src/cli/csv-inputs.js';
import { inputFormat, type LineOptions, outputFormat } from '../../src/cli/options.js';
import { openFile } from '../../src/cli/output.js';
import { table } from '../../src/cli/table.js';
import { type TaskInput, TEXT } from '../../src/cli/task-input.js';
import { checkUsage } from '../../src/cli/usage.js';
import { writeAnswers } from '../../src/cli/writers.js';
import { decodeLine } from '../../src/ground/lines.js';
import { FORMATS, type ParsedLine } from '../../src/shards/formats.js';
import { expectError } from '../support/expect-error.js';

const test = suite('inputs and outputs');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-inputs-`);
test.after(() => rmSync(folder, { recursive: true }));

const PAIR: TaskInput = {
  ...TEXT,
  most: 2,
  fields: ([text, text_pair]) => (text_pair === undefined ? { text } : { text, text_pair }),
};
const MANY: TaskInput = { ...TEXT, lines: 'jsonl', columns: [], least: 2, most: Number.POSITIVE_INFINITY };

async function parsedCsv(text: string, options: LineOptions): Promise<ParsedLine<unknown>[]> {
  async function* bytes() {
    yield Buffer.from(text);
  }
  const { batches, parse } = await openCsv(bytes(), options, FORMATS['text-classification'], PAIR);
  const all = [];
  for await (const batch of batches) for (const record of batch) all.push(parse(decodeLine(record)));
  return all;
}

test('columns by name, by number, in their order; the others by their names', async () => {
  const csv = 'id,,text,2\n7,b,c,d\n';
  const others = (wanted: object) => ({ id: '7', column2: 'b', text: 'c', 2: 'd', ...wanted });
  for (const [column, input, gone] of [
    [undefined, 'c', ['text']],
    [['id'], '7', ['id']],
    [['4'], 'd', ['2']],
    // A name is one before it is a number.
    [['2'], 'd', ['2']],
    [['column2'], 'b', ['column2']],
    [['text', '1'], { text: 'c', text_pair: '7' }, ['text', 'id']],
  ] as const) {
    const wanted = Object.entries(others({})).filter(([name]) => !(gone as readonly string[]).includes(name));
    assert.equal(await parsedCsv(csv, column === undefined ? {} : { column }), [
      { input, others: Object.fromEntries(wanted) },
    ]);
  }
  assert.equal(await parsedCsv('a,b\n', { column: ['2'], header: false }), [{ input: 'b', others: { column1: 'a' } }]);
  assert.equal(await parsedCsv('\n\r\ntext;__proto__\nx;y\n', { delimiter: ';' }), [
    { input: 'x', others: JSON.parse('{"__proto__":"y"}') },
  ]);
  assert.equal(await parsedCsv('text\n', {}), []);
  assert.equal(await parsedCsv('', { header: false }), []);
});

const COLUMNS: [csv: string, options: LineOptions, message: string][] = [
  ['id,review\n1,a\n', {}, '"--column" expected a column\'s name ("id", "review") or a number from 1 to 2, got "text"'],
  ['id,review\n1,a\n', { column: ['3'] }, 'got "3"'],
  ['id,review\n1,a\n', { column: ['0'] }, 'got "0"'],
  ['\na,text,a\n1,2,3\n', {}, 'line 2: expected a name of its own for each column, got "a" for columns 1 and 3'],
  ['\n', {}, 'standard input: expected a CSV with a line of column names, got an empty one'],
  ['', { file: 'empty.csv' }, 'empty.csv: expected a CSV with a line of column names, got an empty one'],
  ['text,b\n1\n', {}, 'expected 2 fields as in the first line, got 1'],
  ['text,b\n1,2,3\n', {}, 'expected 2 fields as in the first line, got 3'],
  ['text,b\n1,"2\n3,4\n', {}, 'field 2: expected a quote at its end'],
  ['"text\n1', {}, 'line 1: field 1: expected a quote at its end'],
  [`${'x'.repeat(70_000)},b\n1,2\n`, {}, '…) or a number'],
];
for (const [csv, options, message] of COLUMNS) {
  test(`refused: ${JSON.stringify(csv.slice(0, 40))} with ${JSON.stringify(options)}`, async () => {
    const error = await expectError(() => parsedCsv(csv, options), 'ERR_INPUT', message);
    assert.ok(error.message.length < 1500);
  });
}

const USAGE: [given: number, options: LineOptions, kind: TaskInput, message: RegExp][] = [
  [0, { column: ['a'], jsonl: true }, TEXT, /--column and --no-header are for CSV/],
  [0, { header: false }, TEXT, /--column and --no-header are for CSV/],
  [0, { column: ['a'], inputFormat: 'text' }, TEXT, /--column and --no-header are for CSV/],
  [1, { delimiter: ';' }, TEXT, /--delimiter is for CSV/],
  [1, { inputFormat: 'csv' }, TEXT, /CSV comes from a --file or standard input/],
  [0, { file: 'A.CSV', shard: { index: 1, count: 2 } }, TEXT, /--shard cuts a file at line ends/],
  [0, { file: 'a.csv', column: ['a', 'b', 'c'] }, PAIR, /reads 1 to 2 of the columns of a CSV, got 3/],
  [0, { file: 'a.csv', column: ['a', 'b'] }, TEXT, /reads 1 of the columns of a CSV, got 2/],
  [0, { file: 'a.csv' }, MANY, /reads 2 or more of the columns of a CSV, got 0/],
];
for (const [given, options, kind, message] of USAGE) {
  test(`usage: ${JSON.stringify(options)} with ${given} arguments`, () => {
    try {
      checkUsage(given, options, kind);
    } catch (error) {
      assert.is((error as CommanderError).exitCode, 2);
      assert.match((error as Error).message, message);
      return;
    }
    assert.unreachable();
  });
}

test('formats by options, then by names of files, then by what the task and the terminal are', () => {
  const inputs = [
    {},
    { file: 'a.txt' },
    { file: 'a.json' },
    { file: 'a.jsonl' },
    { file: 'a.NDJSON' },
    { file: 'a.csv' },
    { column: ['a'] },
  ];
  assert.equal(
    inputs.map((options) => inputFormat(options, TEXT)),
    ['text', 'text', 'text', 'jsonl', 'jsonl', 'csv', 'csv'],
  );
  assert.is(inputFormat({}, MANY), 'jsonl');
  assert.is(inputFormat({ jsonl: true, file: 'a.csv' }, TEXT), 'jsonl');
  assert.is(inputFormat({ jsonl: true, inputFormat: 'text' }, TEXT), 'text');
  const outputs = [
    { output: 'a' },
    { output: 'a.JSON' },
    { output: 'a.jsonl' },
    { output: 'a.csv' },
    { output: 'a.csv', jsonl: true },
  ];
  assert.equal(outputs.map(outputFormat), ['jsonl', 'json', 'jsonl', 'csv', 'jsonl']);
  assert.is(outputFormat({ format: 'csv', jsonl: true, output: 'a.json' }), 'csv');
});

const left = () => readdirSync(folder).filter((name) => name.endsWith('.incomplete'));
const answer = (json: object) => ({
  json,
  rows: [],
  csv: () => ({ columns: Object.keys(json), input: json, records: [] }),
});

test('a file of answers is whole or not there', async () => {
  const path = `${folder}/answers.json`;
  writeFileSync(path, 'before');
  chmodSync(path, 0o640);
  symlinkSync(path, `${folder}/link.json`);
  const thrown = new Error('work');
  const failed = writeAnswers({ output: path }, [], async (writer) => {
    await writer.add(answer({ a: 1 }));
    assert.is(left().length, 1);
    throw thrown;
  });
  assert.is(await failed.catch((error) => error), thrown);
  assert.is(readFileSync(path, 'utf8'), 'before');
  assert.equal(left(), []);
  const listeners = process.listenerCount('SIGTERM');
  await writeAnswers({ output: `${folder}/link.json` }, [], async (writer) => {
    for (let i = 0; i < 3; i++) await writer.add(answer({ a: `\u202e${i}`.padEnd(50_000) }));
    assert.is(readFileSync(path, 'utf8'), 'before');
  });
  const text = readFileSync(path, 'utf8');
  assert.equal(
    JSON.parse(text).map(({ a }: { a: string }) => a.trim()),
    ['\u202e0', '\u202e1', '\u202e2'],
  );
  assert.match(text, '\\u202e');
  assert.is(statSync(path).mode & 0o777, 0o640);
  assert.equal(left(), []);
  assert.is(process.listenerCount('SIGTERM'), listeners);
  await writeAnswers({ output: `${folder}/empty.json` }, [], async () => {});
  assert.is(readFileSync(`${folder}/empty.json`, 'utf8'), '[]\n');
});

test('an output that is an input, or no file, or in no directory', async () => {
  const path = `${folder}/texts.txt`;
  writeFileSync(path, 'good\n');
  linkSync(path, `${folder}/same.txt`);
  const same = '"--output" expected another file than what is read';
  for (const input of [path, pathToFileURL(path).href, `${folder}/../${folder.split('/').at(-1)}/texts.txt`]) {
    await expectError(() => openFile(`${folder}/same.txt`, [undefined, input]), 'ERR_INPUT', same);
  }
  for (const output of [folder, '/dev/null', '']) {
    await expectError(() => openFile(output, []), 'ERR_INPUT', '"--output" expected a regular file');
  }
  await expectError(() => openFile(`${folder}/none/a`, []), 'ERR_SOURCE', 'cannot write', 'ENOENT');
  assert.is(readFileSync(path, 'utf8'), 'good\n');
  assert.equal(left(), []);
  const other = openFile(`${folder}/other.txt`, [path]);
  await other.discard();
  assert.equal(left(), []);
});

test('a cell is one line, and steers no terminal', () => {
  const shown = table([
    ['a\u001b[31m\n', 'b'],
    ['\u202e\u2028\u009b', '👨‍👩‍👧 می‌خواهم'],
  ]);
  assert.is(shown, 'a\\u001b[31m\\u000a   b\n\\u202e\\u2028\\u009b  👨‍👩‍👧 می‌خواهم');
});

test.run();
