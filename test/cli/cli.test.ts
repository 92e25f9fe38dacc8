/** The command line: answers, formats, exit codes, one-line errors. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline } from '../../src/entry/index.js';
import { TestHub } from '../hub/server.js';
import { expectError } from '../support/expect-error.js';
import { ROOT, run } from './command-line.js';

const cli = suite('command line');

cli('classifies arguments, one JSON line a text in a pipe', async () => {
  const { code, out, err } = await run(['classify', '--top-k', '2', 'A lovely film.', 'A dreadful film.']);
  assert.is(code, 0, err);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(
    lines.map(({ labels }) => labels[0].label),
    ['POSITIVE', 'NEGATIVE'],
  );
  assert.is(lines[0].labels.length, 2);
  assert.is(lines[0].text, 'A lovely film.');
});

cli('reads standard input line by line', async () => {
  const { code, out } = await run(['classify'], 'good\nbad\n');
  assert.is(code, 0);
  assert.is(out.trim().split('\n').length, 2);
});

cli('runs in int8 when told to', async () => {
  const { code, out, err } = await run(['info', '--dtype', 'int8']);
  assert.is(code, 0, err);
  assert.is(JSON.parse(out).dtype, 'int8');
  const { labels } = JSON.parse((await run(['classify', '--dtype', 'int8', 'A lovely film.'])).out);
  assert.is(labels[0].label, 'POSITIVE');
  const refused = await run(['classify', '--dtype', 'int4', 'text']);
  assert.is(refused.code, 2);
  assert.match(refused.err, /float32, int8/);
});

cli('runs on several threads when told to', async () => {
  const { code, out, err } = await run(['info', '--threads', '2']);
  assert.is(code, 0, err);
  assert.is(JSON.parse(out).threads, 2);
  const one = await run(['classify', 'A lovely film.']);
  assert.is((await run(['classify', '--threads', 'auto', 'A lovely film.'])).out, one.out);
  const { message } = await expectError(() => pipeline('fill-mask', undefined, { threads: 65 }), 'ERR_INPUT');
  const [limits] = /from 1 to \d+/.exec(message) ?? [];
  for (const threads of ['0', 'many', '65']) {
    const refused = await run(['classify', '--threads', threads, 'text']);
    assert.is(refused.code, 2, refused.err);
    assert.match(refused.err, `expected a whole number ${limits}, or auto`);
  }
});

cli('converts to int8, with the tokenizer, and refuses to overwrite', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    const args = ['convert', '--model', 'models/albert-mini-en-sst2', '--out', directory, '--dtype', 'int8'];
    const { code, out, err } = await run(args);
    assert.is(code, 0, err);
    const { architecture, bytesRead, bytesWritten, ignored } = JSON.parse(out);
    assert.is(architecture, 'AlbertForSequenceClassification');
    assert.equal(ignored, []);
    assert.is(bytesRead, statSync('models/albert-mini-en-sst2/model.safetensors').size);
    assert.is(bytesWritten, statSync(`${directory}/model.safetensors`).size);
    // One dense layer stays in float32 (docs/decisions/0017).
    assert.ok(bytesWritten < 0.61 * bytesRead, 'from float16 to int8');
    const info = JSON.parse((await run(['info', '--model', directory])).out);
    assert.is(info.dtype, 'int8');
    const converted = await run(['classify', '--model', directory, 'A lovely film.']);
    assert.is(converted.code, 0, converted.err);
    assert.is(converted.out, (await run(['classify', '--dtype', 'int8', 'A lovely film.'])).out);
    const again = await run(args);
    assert.is(again.code, 1);
    assert.match(again.err, /^albert-wasm: there is a config.json in [^\n]*--force overwrites it\n$/);
    const back = [...args.slice(0, 5), '--dtype', 'float16', '--force'];
    assert.is((await run(back)).code, 0);
    assert.is(JSON.parse((await run(['info', '--model', directory])).out).dtype, 'float32');
    assert.is((await run(['convert', '--out', directory])).code, 2);
    // By another path and as a URL, it is the same directory.
    for (const model of [directory, `${directory}/../${basename(directory)}/`, `file://${directory}`]) {
      const { code, err } = await run(['convert', '--model', model, '--out', directory, '--force']);
      assert.is(code, 1);
      assert.match(err, /^albert-wasm: "--out" expected another directory than that of --model[^\n]+\n$/);
    }
    const flax = [...args, '--format', 'flax_msgpack', '--force'];
    assert.is((await run(flax)).code, 1);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

cli('fills masks', async () => {
  const { code, out } = await run(['fill-mask', '--top-k', '1', 'Paris is the capital of [MASK].']);
  assert.is(code, 0);
  assert.is(JSON.parse(out).masks[0][0].token_str, 'paris');
});

cli('embeds, by default as unit vectors', async () => {
  const { code, out } = await run(['embed', 'some text']);
  assert.is(code, 0);
  const { embedding } = JSON.parse(out);
  assert.is(embedding.length, 512);
  assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-5);
  const raw = JSON.parse((await run(['embed', '--no-normalize', '--pooling', 'cls', 'some text'])).out).embedding;
  assert.ok(Math.abs(Math.hypot(...raw) - 1) > 0.1);
});

const available = process.arch === 'x64' && Number.parseInt(process.versions.node, 10) >= 24;
if (!available) console.log("skipped: --wide without AVX2: V8's flag needs Node 24 on x64");

cli('shows a model and its kernels; says when --wide has no effect', async () => {
  const { code, out } = await run(['info', '--model', 'models/albert-mini-en-sst2']);
  assert.is(code, 0);
  const info = JSON.parse(out);
  assert.is(info.hidden_size, 512);
  assert.match(info.kernels, /simd/);
  // Found by timing products: `info` computes until it is known.
  assert.ok([128, 256].includes(info.vectorBits), `${info.vectorBits}`);
  const { out: wide } = await run(['info', '--wide', '--model', 'models/albert-mini-en-sst2']);
  const { vectorBits, whyNotWide } = JSON.parse(wide);
  assert.is(whyNotWide === undefined, available && vectorBits === 256, whyNotWide);
  const { code: answered, out: answer, err } = await run(['classify', '--wide', 'A lovely film.']);
  assert.is(answered, 0);
  assert.is(JSON.parse(answer).labels[0].label, 'POSITIVE');
  if (available) assert.is(err, '');
  else assert.match(err, /^--wide has no effect: .+\n$/);
  assert.ok(info.weightBytes > 20e6 && info.weightBytes < 24e6);
});

(available ? cli : cli.skip)(
  '--wide without AVX2: after the last answer it is known that it has no effect',
  async () => {
    // Enough products to be timed.
    const texts = Array.from({ length: 90 }, (_, i) => `Film ${i} is a warm, funny and quietly moving one.\n`);
    const { code, out, err } = await run(['classify', '--wide'], texts.join(''), {}, ['--no-enable-avx2']);
    assert.is(code, 0, err);
    assert.is(out.trim().split('\n').length, texts.length);
    assert.match(err, /^--wide has no effect: V8's flag is set, [^\n]+\n$/);
  },
);

cli('loads from the Hub, quietly in a pipe', async () => {
  const folder = new URL('../../models/albert-mini-en-sst2/', import.meta.url);
  const hub = await TestHub.start(
    new Map(readdirSync(folder).map((name) => [name, { bytes: readFileSync(new URL(name, folder)), lfs: true }])),
  );
  hub.token = 'hf_secret';
  const cacheDir = mkdtempSync(join(tmpdir(), 'albert-wasm-cli-'));
  try {
    const from = ['--model', 'owner/name', '--cache-dir', cacheDir];
    const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: cacheDir };
    const first = await run(
      ['classify', ...from, '--revision', 'v1', '--token', 'hf_secret', 'A lovely film.'],
      '',
      env,
    );
    assert.is(first.code, 0, first.err);
    assert.is(first.err, '');
    assert.is(JSON.parse(first.out).labels[0].label, 'POSITIVE');
    assert.match(hub.requests[0]?.url as string, '/resolve/v1/');
    const out = join(cacheDir, 'converted');
    const converted = await run(
      ['convert', ...from, '--revision', 'v1', '--local-files-only', '--out', out, '--dtype', 'int8'],
      '',
      env,
    );
    assert.is(converted.code, 0, converted.err);
    assert.is(JSON.parse(converted.out).architecture, 'AlbertForSequenceClassification');
    hub.requests.length = 0;
    const second = await run(['info', ...from, '--revision', 'v1', '--local-files-only'], '', env);
    assert.is(second.code, 0, second.err);
    assert.is(hub.requests.length, 0);
    const refused = await run(['info', ...from], '', env);
    assert.is(refused.code, 1);
    assert.match(refused.err, /^albert-wasm: "owner\/name" is no directory, [^\n]+401[^\n]+HF_TOKEN[^\n]+\n$/);
  } finally {
    hub.close();
    rmSync(cacheDir, { recursive: true });
  }
});

const USAGE: string[][] = [
  ['classify', '--top-k', '0', 'x'],
  ['classify', '--top-k', 'many', 'x'],
  ['classify', '--nonsense', 'x'],
  ['embed', '--pooling', 'maximum', 'x'],
  ['--nonsense'],
];
for (const args of USAGE) {
  cli(`usage: ${args.join(' ')} exits with 2`, async () => {
    const { code, out, err } = await run(args);
    assert.is(code, 2);
    assert.is(out, '');
    assert.match(err, 'error:');
    assert.not.match(err, '    at ');
  });
}

cli('failures exit with 1 and one line', async () => {
  for (const args of [
    ['classify', '--model', 'no/such/directory', 'x'],
    ['fill-mask', 'no mask'],
    ['info', '--model', 'src'],
  ]) {
    const { code, err } = await run(args);
    assert.is(code, 1, err);
    assert.match(err, /^albert-wasm: [^\n]+\n$/);
  }
});

cli('a reader that has seen enough ends the run', async () => {
  const flags = ['--import', 'tsx', '--conditions=@albert-wasm/source', 'src/entry/cli.ts', 'classify'];
  const child = spawn(process.execPath, flags, { cwd: ROOT });
  // Far more than can be answered in the time allowed.
  child.stdin.on('error', () => {});
  child.stdin.end('a nice film\n'.repeat(20_000));
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise((resolve) => {
    child.on('close', resolve);
    setTimeout(() => child.kill('SIGKILL'), 20_000).unref();
  });
  assert.is(code, 0);
});

cli('control characters do not reach the terminal', async () => {
  const { out } = await run(['good \u001b[31m film\nnext\u202eline']);
  assert.match(out, 'good \\u001b[31m film\\u000anext\\u202eline  POSITIVE');
  assert.match(out, '1 text in');
});

cli('a fault in standard input names its line, and what came before it is answered', async () => {
  const { code, out, err } = await run(['fill-mask'], 'Paris is the capital of [MASK].\nno mask\n');
  assert.is(code, 1);
  assert.is(out.trim().split('\n').length, 1);
  assert.match(err, /^albert-wasm: line 2: "text" expected \[MASK\][^\n]+\n$/);
});

cli('lines that come together are answered in order; each of a slow writer’s is answered before its next', async () => {
  const { out } = await run(['classify'], Array.from({ length: 70 }, (_, i) => `film ${i}\n`).join(''));
  const texts = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).text);
  assert.equal(
    texts,
    Array.from({ length: 70 }, (_, i) => `film ${i}`),
  );
  const flags = ['--import', 'tsx', '--conditions=@albert-wasm/source', 'src/entry/cli.ts', 'classify'];
  const child = spawn(process.execPath, flags, { cwd: ROOT });
  const answers: string[] = [];
  const closed = new Promise((resolve) => child.on('close', resolve));
  child.stdin.write('first\n');
  child.stdout.on('data', (data) => {
    answers.push(JSON.parse(String(data)).text);
    if (answers.length === 1) child.stdin.write('second\n');
    else child.stdin.end();
  });
  await closed;
  assert.equal(answers, ['first', 'second']);
});

cli('a fault among many lines names its line, and all before it are answered', async () => {
  const lines = Array.from({ length: 40 }, (_, i) => (i === 36 ? 'none' : `word ${i} [MASK]`));
  const { code, out, err } = await run(['fill-mask'], lines.join('\n'));
  assert.is(code, 1);
  assert.is(out.trim().split('\n').length, 36);
  assert.match(err, /^albert-wasm: line 37: "text" expected \[MASK\][^\n]+\n$/);
});

cli('help and version exit with 0', async () => {
  const { code, out } = await run(['--help']);
  assert.is((await run(['help'])).out, out);
  assert.is(code, 0);
  assert.match(out, 'Examples:');
  assert.is((await run(['--version'])).out, '0.1.0\n');
});

cli('help for a command that does not exist says so after the list of commands', async () => {
  const { code, out, err } = await run(['help', 'clasify']);
  assert.is(code, 2);
  assert.is(out, '');
  assert.match(err, /\nerror: unknown command 'clasify', the commands are listed above\n$/);
});

cli.run();
