/** The examples, run as their readers run them. Those in pages are in test/browser. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('examples');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts an example. */
function start(
  file: string,
  args: readonly string[] = [],
  env: object = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [`examples/${file}`, ...args], { cwd: ROOT, env: { ...process.env, ...env } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err }))) };
}

test('each is in the list', () => {
  const list = readFileSync(`${ROOT}/examples/README.md`, 'utf8');
  for (const name of readdirSync(`${ROOT}/examples`).filter((name) => name !== 'README.md')) {
    assert.match(list, `(${name}`, name);
  }
});

test('a script', async () => {
  const { code, out, err } = await start('classify.js', ['A lovely film.', 'A dreadful film.']).ended;
  assert.is(code, 0, err);
  assert.match(out, /^POSITIVE\t0\.99\d\tA lovely film\.\nNEGATIVE\t0\.99\d\tA dreadful film\.\n$/);
  assert.match(err, /2 of 2/);
});

test('a queue: every line answered in order, no more of them waiting than there is room for', async () => {
  const { child, ended } = start('queue.js');
  const lines = Array.from({ length: 400 }, (_, i) => (i % 3 === 0 ? `a dreadful film ${i}` : `a lovely film ${i}`));
  child.stdin?.end(`${lines.join('\n')}\n`);
  const { code, out, err } = await ended;
  assert.is(code, 0, err);
  const wanted = lines.map((line, i) => `${i % 3 === 0 ? 'NEGATIVE' : 'POSITIVE'}\t${line}`);
  assert.equal(out.trim().split('\n'), wanted);
  const [, most] = /at most (\d+) lines waited/.exec(err) ?? [];
  assert.ok(Number(most) > 16 && Number(most) <= 64, err);
});

test('a queue that is full refuses, and an error reaches those whom it concerns', async () => {
  const { Queue } = await import(new URL('../../examples/queue.js', import.meta.url).href);
  const batches: string[][] = [];
  const answerAll = async (items: string[]) => {
    batches.push(items);
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (items.includes('bad')) throw new Error('no answer');
    return items.map((item) => item.toUpperCase());
  };
  const queue = new Queue(answerAll, { size: 2, batch: 2 });
  const answers = ['a', 'b', 'c'].map((item) => queue.add(item));
  assert.throws(() => queue.add('d'), /2 items are waiting already/);
  await queue.room();
  answers.push(queue.add('bad').catch((error: Error) => error.message));
  assert.equal(await Promise.all(answers), ['A', 'B', 'C', 'no answer']);
  assert.is(await queue.add('e'), 'E');
  assert.equal(batches, [['a'], ['b', 'c'], ['bad'], ['e']]);
});

test('a server: requests that meet, refusals by status, a calm end', async () => {
  const { child, ended } = start('server.js', [], { PORT: '0' });
  const url = await new Promise<string>((resolve) =>
    child.stdout?.once('data', (data) => resolve(String(data).trim())),
  );
  const post = async (body: string) => {
    const response = await fetch(url, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const classify = (text: unknown) => post(JSON.stringify({ text }));

  const texts = Array.from({ length: 50 }, (_, i) => `a ${i % 2 === 0 ? 'lovely' : 'dreadful'} film ${i}`);
  const answers = await Promise.all([...texts.map(classify), classify(7)]);
  const refused = answers.pop();
  assert.is(refused?.status, 400);
  assert.is(refused?.body.code, 'ERR_INPUT');
  for (const [i, { status, body }] of answers.entries()) {
    assert.is(status, 200);
    assert.is(body.label, i % 2 === 0 ? 'POSITIVE' : 'NEGATIVE', texts[i]);
  }

  assert.is((await post('{ "text": ')).status, 400);
  assert.is((await post('null')).status, 400);
  assert.is((await classify('long '.repeat(20_000))).status, 413);
  assert.is((await fetch(url)).status, 405);
  assert.is((await classify('still here')).status, 200);

  // The first has a run of its own; the others wait for the next one when the signal comes.
  const last = Array.from({ length: 20 }, (_, i) => classify(`a long and lovely film ${'and so on '.repeat(20)} ${i}`));
  await Promise.race(last);
  child.kill('SIGTERM');
  for (const { status } of await Promise.all(last)) assert.is(status, 200);
  const { code, err } = await ended;
  assert.is(code, 0, err);
  assert.is(err, '');
  await classify('too late').then(
    () => assert.unreachable('the server has ended'),
    () => {},
  );
});

test.run();
