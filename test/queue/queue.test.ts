/** The queue of shards over a real Redis: workers that die, rows at fault, runs that fail and are tried again, a Redis that is gone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type EnqueueOptions, enqueue, startWorker } from '@albert-wasm/queue';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stateCases } from '../support/cases.js';
import { fails } from './fails.js';
import { freePort, hasRedis, TestRedis } from './redis.js';

const test = suite('shards over a queue');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/albert-wasm-queue-`);
/** Where the workers of these tests read and write. */
const ROOTS = { input: folder, output: folder };
const redis = hasRedis ? await TestRedis.start() : undefined;
const connection = { port: redis?.port as number };
const children: ChildProcess[] = [];
test.after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await redis?.stop();
  rmSync(folder, { recursive: true });
});
if (!hasRedis) console.log('\nskipped: there is no redis-server here (Debian: redis-server)');
const withRedis = hasRedis ? test : test.skip;

/** A process that takes jobs; locks are short, so that a dead one's jobs are soon another's. */
function startProcess(queue: string): { child: ChildProcess; said: () => string; ready: Promise<void> } {
  const program = `
    import { startWorker } from '@albert-wasm/queue';
    const worker = await startWorker({
      connection: { port: ${connection.port} }, queue: '${queue}', lockDuration: 1500, stalledInterval: 500,
      input: '${folder}', output: '${folder}',
    });
    worker.on('stalled', (id) => console.log('stalled', id));
    let start;
    worker.on('active', () => (start = performance.eventLoopUtilization()));
    worker.on('completed', ({ name }) => console.log(name, 'busy', performance.eventLoopUtilization(start).utilization));
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT });
  children.push(child);
  let said = '';
  const ready = new Promise<void>((resolve) => {
    child.stdout?.on('data', (data) => {
      said += data;
      if (said.includes('ready')) resolve();
    });
  });
  child.stderr?.on('data', (data) => (said += data));
  return { child, said: () => said, ready };
}

const incomplete = (output: string) => readdirSync(output).filter((name) => name.endsWith('.incomplete'));

/** All rows of a run, in the order of its parts. */
function rowsOf(output: string): { text?: string; error?: { code: string; message: string } }[] {
  const parts = readdirSync(output).filter((name) => name.startsWith('part-'));
  return parts.sort().flatMap((name) =>
    readFileSync(`${output}/${name}`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
}

const LINES = Array.from({ length: 600 }, (_, i) => JSON.stringify(`film number ${i} is ${i % 3 ? 'good' : 'bad'}`));
const FAULTS = { 41: 'no json', 300: '{"text": 7}', 599: '"open' };
for (const [i, line] of Object.entries(FAULTS)) LINES[Number(i)] = line;
const file = `${folder}/lines.jsonl`;
writeFileSync(file, Buffer.concat([Buffer.from(LINES.join('\n')), Buffer.from([0x0a, 0x22, 0xff, 0x22])]));

withRedis('two workers, one killed half-way: every line is one row, and nothing else is left', async () => {
  const output = `${folder}/killed`;
  const options = { connection, queue: 'killed', file, parts: 12, output, task: 'text-classification' } as const;
  const workers = [startProcess('killed'), startProcess('killed')] as const;
  await Promise.all(workers.map(({ ready }) => ready));
  await using run = await enqueue(options);
  await using twice = await enqueue(options);
  assert.is(twice.id, run.id);

  // Both are at work, and some of it is done.
  const started = performance.now();
  while (incomplete(output).length < 2 || (await run.progress()).done < 2) {
    assert.ok(performance.now() - started < 60_000, workers.map(({ said }) => said()).join('\n'));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  workers[0].child.kill('SIGKILL');
  let seen = 0;
  const success = await run.finished({
    onProgress({ done, parts, rows }) {
      assert.is(parts, 12);
      assert.ok(done <= parts && rows >= seen - 60, 'what the dead worker had of a part is done again');
      seen = rows;
    },
  });
  assert.match(workers[1].said(), /stalled \w+-\d+/, 'the dead worker held a part');

  const rows = rowsOf(output);
  assert.equal({ ...success, run: '' }, { run: '', parts: 12, rows: 601, errors: 4 });
  assert.equal(JSON.parse(readFileSync(`${output}/_SUCCESS`, 'utf8')), success);
  const wanted = LINES.map((line, i) => (i in FAULTS ? 'ERR_INPUT' : JSON.parse(line)));
  assert.equal(
    rows.map(({ text, error }) => text ?? error?.code),
    [...wanted, 'ERR_INPUT'],
  );
  assert.match(rows[41]?.error?.message as string, /^byte \d+: expected JSON/);
  assert.equal(
    readdirSync(output).filter((name) => !/^part-\d{5}-\w{8}\.jsonl$/.test(name)),
    ['_RUN', '_SUCCESS'],
  );

  await using again = await enqueue(options);
  assert.equal(await again.finished(), success);
  await fails(enqueue({ ...options, parts: 3 }), 'ERR_SOURCE', /got one with the rows of another run at/);
  stateCases(rows.length, 601);
});

withRedis('the thread that renews locks is free while the model computes in another', async () => {
  const { ready, said } = startProcess('long');
  await ready;
  const output = `${folder}/long`;
  await using run = await enqueue({ connection, queue: 'long', file, parts: 1, output, task: 'text-classification' });
  assert.is((await run.finished()).rows, 601);
  const [, busy] = /^part busy (.*)$/m.exec(said()) ?? [];
  assert.ok(Number(busy) < 0.5, said());
});

withRedis('a run that fails says why, and is tried again where it was', async () => {
  const [output, model] = [`${folder}/failed`, `${folder}/model`];
  cpSync(`${ROOT}/models/albert-mini-en-sst2`, model, { recursive: true });
  const worker = await startWorker({ connection, queue: 'failed', ...ROOTS, onError: () => {} });
  try {
    const options: EnqueueOptions<'text-classification'> = {
      connection,
      queue: 'failed',
      file,
      parts: 3,
      output,
      task: 'text-classification',
      model,
      options: { call: { top_k: 2 }, load: { dtype: 'int8' } },
      attempts: 1,
    };
    // Paused, so that the model is gone before a part asks for it.
    await worker.pause();
    await using run = await enqueue(options);
    renameSync(model, `${model}-away`);
    worker.resume();
    await fails(run.finished(), 'ERR_INTERNAL', /has failed: part \d: cannot read .*model/);
    assert.equal(readdirSync(output), ['_RUN']);
    renameSync(`${model}-away`, model);
    await using again = await enqueue(options);
    assert.is(again.id, run.id);
    assert.is((await again.finished()).rows, 601);
    const [first] = rowsOf(output) as unknown as { labels: object[] }[];
    assert.is(first?.labels.length, 2);
  } finally {
    await worker.close();
  }
});

withRedis('the example of its README', async () => {
  const readme = readFileSync(`${ROOT}/packages/queue/README.md`, 'utf8');
  const [, example = ''] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
  writeFileSync(`${folder}/reviews.jsonl`, '"good"\n'.repeat(200));
  const code = example.replace(/'(reviews\.jsonl|rows|\.)'/g, `'${folder}/$1'`);
  const env = { ...process.env, REDIS_URL: `redis://127.0.0.1:${connection.port}` };
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: ROOT, env });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  assert.is(await new Promise((resolve) => child.on('close', resolve)), 0, said);
  assert.match(said, /8 of 8\n[\s\S]*rows: 200/);
  assert.is(rowsOf(`${folder}/rows`).length, 200);
});

test('a Redis that does not answer', async () => {
  const nobody = await freePort();
  const where = new RegExp(`cannot reach Redis at (127.0.0.1|localhost):${nobody}: .*ECONNREFUSED`);
  const output = `${folder}/nowhere`;
  const options = { file, parts: 2, output, task: 'text-classification' } as const;
  await fails(enqueue({ ...options, connection: { port: nobody } }), 'ERR_SOURCE', where);
  await fails(enqueue({ ...options, connection: `redis://127.0.0.1:${nobody}` }), 'ERR_SOURCE', where);
  await fails(startWorker({ connection: { port: nobody }, ...ROOTS }), 'ERR_SOURCE', where);
  await fails(enqueue({ ...options, file: 'none', connection: { port: nobody } }), 'ERR_SOURCE', /ENOENT/);
});

withRedis('a Redis that goes away while a run is waited for', async () => {
  const other = await TestRedis.start();
  const options = { file, parts: 2, output: `${folder}/gone`, task: 'text-classification' } as const;
  await using run = await enqueue({ ...options, connection: { port: other.port } });
  const stopped = new AbortController();
  setTimeout(() => stopped.abort(), 100);
  await fails(run.finished({ signal: stopped.signal }), 'ERR_ABORTED', /aborted/);
  const waiting = run.finished();
  await other.stop();
  await fails(waiting, 'ERR_SOURCE', new RegExp(`cannot reach Redis at (127.0.0.1|localhost):${other.port}`));
});

test.run();
