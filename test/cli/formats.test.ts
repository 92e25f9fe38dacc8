/** Formats of inputs and answers: CSV and JSON in, four formats out, the caller's own keys, blank lines, and files of answers. */
import { execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { splitRecord } from '../../src/ground/csv.js';
import { randomFiles } from '../pipelines/checkpoint.js';
import { ROOT, run } from './command-line.js';

const test = suite('formats');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-formats-`);
test.after(() => rmSync(folder, { recursive: true }));
for (const [name, files] of Object.entries({
  classify: await randomFiles('sequence_classification'),
  'fill-mask': await randomFiles('masked_lm'),
  embed: await randomFiles('sequence_classification'),
  tag: await randomFiles('token_classification', { id2label: { 0: 'O', 1: 'B-PER', 2: 'I-PER' } }),
  answer: await randomFiles('question_answering'),
  similarity: await randomFiles('sequence_classification'),
  order: await randomFiles('pretraining'),
  choose: await randomFiles('multiple_choice'),
})) {
  mkdirSync(`${folder}/${name}`);
  for (const [file, bytes] of Object.entries(files)) writeFileSync(`${folder}/${name}/${file}`, bytes as string);
}
const CLASSIFY = ['classify', '--model', `${folder}/classify`];

async function answers(args: string[], input = ''): Promise<string> {
  const { code, out, err } = await run(args, input);
  assert.is(code, 0, err);
  assert.is(err, '');
  return out;
}
const parsed = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
/** The fields of lines that have no newline in one. */
const fields = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => splitRecord(line, ','));
const left = () => readdirSync(folder).filter((name) => name.endsWith('.incomplete'));

writeFileSync(
  `${folder}/reviews.csv`,
  '\ufeffid,review,label\r\n007,"A ""warm"",\nlovely film",pos\r\n\r\n8,,neg\r\n9,Fine,"a\u001b[31m"\r\n',
);
const REVIEWS = ['A "warm",\nlovely film', '', 'Fine'];

test('one CSV as JSON lines, an array, CSV and a table: the same answers, the other columns beside them', async () => {
  const from = [...CLASSIFY, '--file', `${folder}/reviews.csv`, '--column', 'review'];
  const rows = parsed(await answers(from));
  const alone = parsed(await answers([...CLASSIFY, ...REVIEWS]));
  const labels = ['pos', 'neg', 'a\u001b[31m'];
  assert.equal(
    rows,
    alone.map((row, i) => ({ id: ['007', '8', '9'][i], label: labels[i], ...row })),
  );
  const array = await answers([...from, '--format', 'json']);
  assert.equal(JSON.parse(array), rows);
  assert.is(array.split('\n').length, rows.length + 3);
  const csv = await answers([...from, '--format', 'csv']);
  const score = (i: number) => `${rows[i].labels[0].label},${rows[i].labels[0].score}`;
  assert.is(
    csv,
    `id,input_label,text,label,score\n007,pos,"A ""warm"",\nlovely film",${score(0)}\n8,neg,,${score(1)}\n9,a\u001b[31m,Fine,${score(2)}\n`,
  );
  const shown = await answers([...from, '--format', 'table']);
  assert.match(shown, /^LABEL_\d {2}\d+\.\d % {2}A "warm",\\u000alovely film\nLABEL_\d {2}\d+\.\d %\nLABEL_/);
});

/** What each command takes from a CSV without a header, which columns it writes, and from how many answers. */
const COMMANDS: [name: string, csv: string, options: string[], columns: string, rows: number][] = [
  [
    'classify',
    'x,a man sleeps,he is awake\n',
    ['--column', '2', '--column', '3', '--top-k', '2'],
    'text,text_pair,label,score',
    2,
  ],
  [
    'fill-mask',
    'x,a [MASK] of [MASK]\n',
    ['--column', '2', '--top-k', '2'],
    'text,mask,score,token,token_str,sequence',
    4,
  ],
  ['embed', 'x,good\n', ['--column', '2'], 'text,embedding_0,', 1],
  ['tag', 'x,Anna stayed\n', ['--column', '2', '--ignore', 'O,PER'], 'text,entity_group,score,word,start,end', 1],
  ['answer', 'who?,Anna stayed,x\n', ['--column', '1', '--column', '2'], 'question,score,start,end,answer', 1],
  [
    'similarity',
    'x,good,bad,fine\n',
    ['--column', '4', '--column', '2', '--column', '3'],
    'source_sentence,sentence,score',
    2,
  ],
  ['order', 'good,x,bad\n', ['--column', '1', '--column', '3'], 'first,second,inOrder,swapped', 1],
  ['choose', 'x,it is,good,bad\n', ['--column', '2', '--column', '3', '--column', '4'], 'prompt,index,choice,score', 2],
];
for (const [name, csv, options, columns, count] of COMMANDS) {
  test(`${name}: columns of a CSV in, columns out`, async () => {
    const given = [name, '--model', `${folder}/${name}`, '--input-format', 'csv', '--no-header', ...options];
    const [header, ...rows] = fields(await answers([...given, '--format', 'csv'], csv));
    const names = header?.join(',') as string;
    // Every command leaves one column to the caller.
    const [, other, ours] = /^(column\d),(.*)$/.exec(names) ?? [];
    assert.is(ours?.slice(0, columns.length), columns);
    assert.is(rows.length, count);
    for (const row of rows) {
      assert.is(row.length, header?.length);
      assert.is(row[0], 'x');
    }
    const [json] = parsed(await answers(given, csv));
    assert.is(json[other as string], 'x');
    // No answer is a row of nothing but the text.
    if (name === 'tag') assert.equal(rows[0]?.slice(1), ['Anna stayed', '', '', '', '', '']);
  });
}

test('keys of the caller come back, in front; one that is ours too is renamed', async () => {
  const line = {
    text: 'good',
    id: 12,
    labels: ['gold'],
    input_labels: null,
    error: 'mine',
    nested: { a: [1, { b: 'é' }] },
  };
  const [row] = parsed(await answers([...CLASSIFY, '--jsonl'], JSON.stringify(line)));
  const { labels, ...rest } = row;
  assert.is(labels.length, 1);
  assert.equal(rest, {
    id: 12,
    input_input_labels: ['gold'],
    input_labels: null,
    input_error: 'mine',
    nested: { a: [1, { b: 'é' }] },
    text: 'good',
  });
  assert.equal(Object.keys(row).slice(-2), ['text', 'labels']);
  const csv = await answers(
    [...CLASSIFY, '--jsonl', '--format', 'csv'],
    '{"text":"good","id":1,"tags":["a"]}\n{"text":"bad"}',
  );
  assert.match(csv, /^id,tags,text,label,score\n1,"\[""a""\]",good,LABEL_\d,[\d.]+\n,,bad,LABEL_\d,[\d.]+\n$/);
});

const REFUSED: [name: string, args: string[], input: string, message: RegExp, rows: number][] = [
  [
    'a number that JavaScript would change',
    ['--jsonl'],
    '{"text":"a"}\n\n{"text":"a","id":9007199254740993}',
    /line 3: "id" expected a number within/,
    1,
  ],
  ['one within', ['--jsonl'], '{"text":"a","id":[{"of":1e999}]}', /line 1: "id" expected a number within/, 0],
  [
    'values without an end',
    ['--jsonl'],
    `{"text":"a","id":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    /line 1: "id" expected at most 100 arrays/,
    0,
  ],
  [
    'a key that the first answer has not',
    ['--jsonl', '--format', 'csv'],
    '{"text":"a"}\n{"text":"a","id":1}',
    /line 2: "id" expected one of the columns[^\n]*jsonl/,
    2,
  ],
];
for (const [name, options, input, message, rows] of REFUSED) {
  test(`refused: ${name}; what stands before it is answered`, async () => {
    const { code, out, err } = await run([...CLASSIFY, ...options], input);
    assert.is(code, 1, err);
    assert.match(err, /^albert-wasm: [^\n]+\n$/);
    assert.match(err, message);
    assert.is(out.split('\n').length - 1, rows, out);
  });
}

test('blank lines are skipped in every format, and counted', async () => {
  const plain = parsed(await answers(CLASSIFY, '\ufeff\n\ngood\n \t\r\n\r\nbad\n\n'));
  assert.equal(
    plain.map(({ text }) => text),
    ['good', 'bad'],
  );
  assert.equal(
    parsed(await answers([...CLASSIFY, '--jsonl'], '\n"good"\n  \n"bad"\n""\n')).map(({ text }) => text),
    ['good', 'bad', ''],
  );
  writeFileSync(`${folder}/blank.txt`, '\n\ngood\n\n\nbad\n\n');
  const parts = await Promise.all(
    [1, 2].map((i) => run([...CLASSIFY, '--file', `${folder}/blank.txt`, '--shard', `${i}/2`])),
  );
  assert.equal(parts.flatMap(({ out }) => out.trim().split('\n')).length, 2);
  assert.is(await answers(CLASSIFY, '\n\n'), '');
  assert.is(await answers([...CLASSIFY, '--format', 'json'], '\n\n'), '[]\n');
  const { err } = await run(CLASSIFY, `\n\ngood\n\n${'a'.repeat((1 << 20) + 1)}`);
  assert.match(err, /^albert-wasm: line 5: "text"/);
});

test('in JSON, what would steer a terminal is escaped, and means the same', async () => {
  const text = 'a\u007f\u009b31m\u202e\u2028b\u200dc';
  const out = await answers([...CLASSIFY, text]);
  assert.match(out, 'a\\u007f\\u009b31m\\u202e\\u2028b\u200dc');
  assert.is(JSON.parse(out).text, text);
});

test('a file of answers: its format by its name, whole or not there', async () => {
  const path = `${folder}/labels.csv`;
  writeFileSync(path, 'before', { mode: 0o600 });
  symlinkSync(path, `${folder}/link.csv`);
  const from = [...CLASSIFY, '--column', 'a'];
  const failed = await run([...from, '--output', path], 'a\ngood\n"\n');
  assert.is(failed.code, 1);
  assert.match(failed.err, /line 3: field 1: expected a quote/);
  assert.is(readFileSync(path, 'utf8'), 'before');
  assert.equal(left(), []);
  assert.is(await answers([...from, '--output', `${folder}/link.csv`], 'a\ngood\n'), '');
  assert.match(readFileSync(path, 'utf8'), /^text,label,score\ngood,LABEL_\d,[\d.]+\n$/);
  assert.is((await promisify(execFile)('stat', ['-c', '%a %h', path])).stdout, '600 1\n');
  assert.ok(existsSync(`${folder}/link.csv`));
  await answers([...from, '--output', `${folder}/labels.json`], 'a\ngood\n');
  assert.is(JSON.parse(readFileSync(`${folder}/labels.json`, 'utf8'))[0].text, 'good');
  await answers([...CLASSIFY, '--output', `${folder}/labels`, 'good']);
  assert.is(JSON.parse(readFileSync(`${folder}/labels`, 'utf8')).text, 'good');
  assert.equal(left(), []);
});

test('an output that is an input, or no file, or cannot be written, is refused before anything is loaded', async () => {
  const path = `${folder}/texts.txt`;
  writeFileSync(path, 'good\n');
  for (const [args, message] of [
    [
      ['answer', '--model', 'none', 'who?', '--context-file', path, '--output', path],
      /"--output" expected another file/,
    ],
  ] as const) {
    const { code, err } = await run([...args]);
    assert.is(code, 1, err);
    assert.match(err, message);
  }
  const program = `${process.execPath} --import tsx --conditions=@albert-wasm/source src/entry/cli.ts`;
  const shell = (command: string) =>
    promisify(execFile)('bash', ['-c', command], { cwd: ROOT }).then(
      () => 'it was written',
      ({ code, stderr }) => `${code} ${stderr}`,
    );
  assert.match(await shell(`${program} classify --model none --output ${path} < ${path}`), /^1 .*\(standard input\)/);
  const full = `ulimit -f 8; seq 400 | sed 's/^/film /' | ${program} ${CLASSIFY.join(' ')} --output ${folder}/full.jsonl`;
  assert.match(await shell(full), /^1 albert-wasm: cannot write [^\n]*full\.jsonl: EFBIG[^\n]*\n$/);
  assert.not.ok(existsSync(`${folder}/full.jsonl`));
  assert.is(readFileSync(path, 'utf8'), 'good\n');
  assert.equal(left(), []);
});

test('a run that is ended leaves no file', async () => {
  const flags = ['--import', 'tsx', '--conditions=@albert-wasm/source', 'src/entry/cli.ts'];
  const child = spawn(process.execPath, [...flags, ...CLASSIFY, '--output', `${folder}/ended.jsonl`], { cwd: ROOT });
  const closed = new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)));
  child.stdin.on('error', () => {});
  child.stdin.write('good\n');
  while (left().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGTERM');
  assert.is(await closed, 'SIGTERM');
  assert.equal(left(), []);
  assert.not.ok(existsSync(`${folder}/ended.jsonl`));
});

const USAGE: [args: string[], message: RegExp][] = [
  [['classify', '--column', 'a', 'text'], /CSV comes from a --file or standard input/],
  [['classify', '--column', 'a', '--delimiter', '"'], /one ASCII character/],
  [['order', '--input-format', 'text'], /jsonl, csv/],
  [['classify', '--format', 'xml', 'text'], /json, jsonl, csv, table/],
];
for (const [args, message] of USAGE) {
  test(`usage: ${args.join(' ')} exits with 2`, async () => {
    const { code, out, err } = await run(args);
    assert.is(code, 2, err);
    assert.is(out, '');
    assert.match(err, message);
  });
}

test('figures in each format too', async () => {
  const [names, values] = fields(await answers(['info', '--model', `${folder}/classify`, '--format', 'csv']));
  const info = JSON.parse(await answers(['info', '--model', `${folder}/classify`]));
  assert.equal(names, Object.keys(info));
  assert.is(values?.[0], `${folder}/classify`);
  await answers(['bench', '--model', `${folder}/classify`, '--dtype', 'int8', '--output', `${folder}/bench.json`]);
  assert.is(JSON.parse(readFileSync(`${folder}/bench.json`, 'utf8'))[0].dtype, 'int8');
});

test.run();
