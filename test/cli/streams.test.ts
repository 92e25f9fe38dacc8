/** Long inputs through the command line: memory that stays as it is, readers that wait or leave, bytes that are no text. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomFiles } from '../pipelines/checkpoint.js';
import { stateCases } from '../support/cases.js';
import { ROOT, run } from './command-line.js';

const streams = suite('streams');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-streams-`);
for (const [file, bytes] of Object.entries(await randomFiles('sequence_classification'))) {
  writeFileSync(`${folder}/${file}`, bytes as string);
}
const children: ChildProcess[] = [];
streams.after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const FLAGS = ['--import', 'tsx', '--conditions=@albert-wasm/source', 'src/entry/cli.ts'];
const CLASSIFY = ['classify', '--model', folder];

/** A text of few tokens and many bytes: what is measured is reading and writing. */
const lineOf = (bytes: number) => `${'good'.padEnd(bytes - 1)}\n`;

function start(args: readonly string[]): ChildProcess & { stdin: NonNullable<ChildProcess['stdin']> } {
  const child = spawn(process.execPath, [...FLAGS, ...args], { cwd: ROOT });
  child.stdin.on('error', () => {});
  children.push(child);
  return child as never;
}

/** The most memory that the process has had, in MiB; 0 where the system does not tell. */
function peak({ pid }: ChildProcess): number {
  const status = `/proc/${pid}/status`;
  return existsSync(status) ? Number(/VmHWM:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1] ?? 0) / 1024 : 0;
}

streams('100 MB on standard input: constant memory, and nothing is read while the answers are not read', async () => {
  const child = start(CLASSIFY);
  const closed = new Promise((resolve) => child.on('close', resolve));
  const plan = [
    { count: 20_000, bytes: 1000 },
    { count: 80, bytes: 1_000_000 },
  ];
  let sent = 0;
  const writing = (async () => {
    for (const { count, bytes } of plan) {
      const line = lineOf(bytes);
      for (let i = 0; i < count; i++) {
        sent += line.length;
        if (!child.stdin.write(line)) await new Promise((resolve) => child.stdin.once('drain', resolve));
      }
    }
    child.stdin.end();
  })();
  // Answers have come; then two pipes, a chunk and a batch are full.
  await new Promise((resolve) => child.stdout?.once('readable', resolve));
  for (let before = -1; sent > before; await sleep(1500)) before = sent;
  assert.ok(sent < 2e6, `${sent} bytes were read ahead`);

  let [rows, bytes, most, inMany] = [0, 0, 0, 0];
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) rows++;
    bytes += chunk.length;
    most = Math.max(most, peak(child));
    if (rows <= 20_000) inMany = most;
  });
  child.stdout?.resume();
  await writing;
  assert.is(await closed, 0);
  assert.is(rows, 20_080);
  assert.ok(bytes > 100e6, 'texts are part of the answers');
  console.log(`\ncases: ${rows} rows, peak ${inMany.toFixed(0)} MiB after 20 MB, ${most.toFixed(0)} MiB in the end`);
  // An empty process of this kind takes 90. Strings of 1 MB leave garbage, on Node 24 more than on Node 20, however many they are.
  assert.ok(inMany < 220, `${inMany} MiB`);
  assert.ok(most < 360, `${most} MiB`);
  stateCases(rows, 20_080);
});

streams('a file is read as it is answered', async () => {
  const path = `${folder}/lines.txt`;
  writeFileSync(path, lineOf(1000).repeat(200_000));
  const child = start([...CLASSIFY, '--file', path]);
  let rows = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) rows++;
    if (rows >= 2000) child.stdout?.destroy();
  });
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, peak(child))), 20);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  assert.is(code, 0, 'a reader that has seen enough is no failure');
  assert.ok(most < 220, `${most} MiB for a file of 200 MB`);
});

streams('a line beyond the tokenizer’s limit, and one beyond any', async () => {
  for (const [bytes, message] of [
    [(1 << 20) + 1, /^albert-wasm: line 2: "text" expected at most 1048576 characters, got 1048577\n$/],
    [17 << 20, /^albert-wasm: line 2: "line" expected at most 16777216 bytes, got more\n$/],
  ] as const) {
    const { code, out, err } = await run(CLASSIFY, `good\n${'a'.repeat(bytes)}\ngood\n`);
    assert.is(code, 1);
    assert.is(out.trim().split('\n').length, 1);
    assert.match(err, message);
  }
});

const shell = (command: string) =>
  promisify(execFile)('bash', ['-c', command], {
    cwd: ROOT,
    env: { ...process.env, A: [process.execPath, ...FLAGS].join(' '), M: folder },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );

const TABLE: readonly [name: string, command: string, code: number, message: RegExp][] = [
  ['no UTF-8', "printf 'good\\n\\xff\\xfe\\n' | $A classify --model $M", 1, /line 2: "line" expected valid UTF-8/],
  [
    'no UTF-8 in a file',
    "printf 'a\\xc3' > $M/bad; $A classify --model $M --file $M/bad",
    1,
    /line 1: "line" expected/,
  ],
  ['no UTF-8 in a context', "printf 'a\\xc3' | $A answer --model $M Who?", 1, /standard input: "line" expected valid/],
  ['a directory on standard input', '$A classify --model $M < src', 1, /cannot read standard input: it is a directory/],
  ['a directory as a context', '$A answer --model $M Who? < src', 1, /cannot read standard input: it is a directory/],
  ['a context without an end', 'yes | $A answer --model $M Who?', 1, /standard input: "line" expected at most/],
  ['a directory as a file', '$A classify --model $M --file src', 1, /cannot read src: EISDIR/],
  ['no such file', '$A classify --model $M --file none', 1, /cannot read none: ENOENT/],
  ['a directory in shards', '$A classify --model $M --file src --shard 1/2', 1, /"file" expected a regular file/],
  ['a full disk', 'echo good | $A classify --model $M > /dev/full', 1, /cannot write: ENOSPC/],
  [
    'a reader that leaves',
    'set -o pipefail; (trap "" PIPE; yes good 2> /dev/null; true) | $A classify --model $M | head -1',
    0,
    /^$/,
  ],
  ['no reader of complaints', 'set -o pipefail; $A classify --file none 2>&1 | true', 1, /^$/],
  ['standard input that cannot be read', '$A classify --model $M 0> $M/out', 1, /cannot read standard input: EBADF/],
  ['standard input closed', '$A classify --model $M <&-', 0, /^$/],
];
for (const [name, command, wanted, message] of TABLE) {
  streams(`${name}: ${wanted}`, async () => {
    const { code, stderr } = await shell(command);
    assert.is(code, wanted, stderr);
    assert.match(stderr, message);
    if (wanted === 1 && stderr !== '') assert.match(stderr, /^albert-wasm: [^\n]+\n$/);
  });
}

streams('shards: together every line once, in order; their faults name the byte', async () => {
  const path = `${folder}/shards.txt`;
  const texts = Array.from({ length: 50 }, (_, i) => `film ${'é'.repeat(i % 7)} ${i}`);
  writeFileSync(path, texts.join('\r\n'));
  const parts = await Promise.all([1, 2, 3].map((i) => run([...CLASSIFY, '--file', path, '--shard', `${i}/3`])));
  for (const { code, out, err } of parts) {
    assert.is(code, 0, err);
    assert.ok(out.split('\n').length > 10);
  }
  const whole = await run([...CLASSIFY, '--file', path]);
  assert.is(parts.map(({ out }) => out).join(''), whole.out);
  assert.equal(
    whole.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).text),
    texts,
  );
  writeFileSync(path, `${'"good"\n'.repeat(10)}none\n`);
  const { code, err } = await run([...CLASSIFY, '--jsonl', '--file', path, '--shard', '2/2']);
  assert.is(code, 1);
  assert.match(err, /^albert-wasm: byte 70: expected JSON[^\n]+\n$/);
});

for (const args of [
  ['--file', 'package.json', 'text'],
  ['--shard', '1/2', 'text'],
  ['--shard', '1/2'],
  ['--shard', '1/2', '--file', 'package.json', 'text'],
  ['--shard', '3/2', '--file', 'package.json'],
  ['--shard', '0/2', '--file', 'package.json'],
  ['--shard', '1/0', '--file', 'package.json'],
  ['--shard', '1', '--file', 'package.json'],
  ['--shard', '1/2/3', '--file', 'package.json'],
  ['--shard', 'x', '--file', 'package.json'],
]) {
  streams(`usage: ${args.join(' ')} exits with 2`, async () => {
    const { code, out, err } = await run(['classify', ...args]);
    assert.is(code, 2, err);
    assert.is(out, '');
    assert.match(err, /^error: [^\n]*(i\/n|--shard|--file)/);
  });
}

streams.run();
