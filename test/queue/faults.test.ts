/** What strangers write into the queue, and what becomes of directories that two runs, a deletion or a crash has touched. */

import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type EnqueueOptions, enqueue, startWorker } from '@albert-wasm/queue';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { code, makeFolders, payloads, RUN, TASK } from '../shards/payloads.js';
import { stateCases } from '../support/cases.js';
import { fails } from './fails.js';
import { hasRedis, TestRedis } from './redis.js';

const test = suite('faults of a queue');

/** What is used of BullMQ, which is the package's own. */
interface QueuedJob {
  readonly id?: string;
  readonly data: { readonly model?: string };
  readonly failedReason?: string;
  getState(): Promise<string>;
}
interface JobQueue {
  add(name: string, data: object): Promise<QueuedJob>;
  getJob(id: string): Promise<QueuedJob | undefined>;
  close(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { Queue } = createRequire(`${ROOT}/packages/queue/package.json`)('bullmq') as {
  Queue: new (name: string, options: object) => JobQueue;
};
const folder = mkdtempSync(`${tmpdir()}/albert-wasm-queue-`);
const { input, output, file, claimed, marker, part } = makeFolders(folder);
const PAYLOADS = payloads(folder);
const redis = hasRedis ? await TestRedis.start() : undefined;
const connection = { port: redis?.port as number };
const told: string[] = [];
const worker = hasRedis
  ? await startWorker({ connection, queue: 'q', input, output, onError: ({ message }) => told.push(message) })
  : undefined;
const queue = hasRedis ? new Queue('q', { connection }) : undefined;
test.after(async () => {
  await queue?.close();
  await worker?.close();
  await redis?.stop();
  rmSync(folder, { recursive: true });
});
if (!hasRedis) console.log('\nskipped: there is no redis-server here (Debian: redis-server)');
const withRedis = hasRedis ? test : test.skip;

/** What the queue has made of a job. */
async function outcome(name: string, data: object): Promise<{ state: string; why: string }> {
  const job = await queue!.add(name, data);
  for (;;) {
    const state = await job.getState();
    if (state === 'completed' || state === 'failed') {
      return { state, why: (await queue!.getJob(job.id as string))?.failedReason ?? '' };
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

withRedis(
  'what is no job of ours is refused: nothing runs, nothing is read or written outside of the roots',
  async () => {
    for (const [change, said] of PAYLOADS) {
      const { state, why } = await outcome('part', { ...part, ...change });
      assert.is(state, 'failed', JSON.stringify(change).slice(0, 200));
      assert.match(why, said);
    }
    for (const name of ['other', 'success']) assert.is((await outcome(name, part)).state, 'failed', name);
    const missing = await outcome('success', { run: RUN, parts: 1, output: claimed });
    assert.match(missing.why, /part-00000-aaaaaaaa.jsonl is not there/);
    assert.not.ok(existsSync(marker), 'code of the queue ran');
    assert.equal(readdirSync(`${folder}/outside`), ['secret']);
    assert.equal(readdirSync(claimed), ['_RUN']);
    assert.equal(readdirSync(folder).sort(), ['input', 'output', 'outside']);
    // The worker lives, and a good job is done.
    assert.equal(await outcome('part', part), { state: 'completed', why: '' });
    assert.equal(readdirSync(claimed).sort(), ['_RUN', 'part-00000-aaaaaaaa.jsonl']);
    stateCases(PAYLOADS.length, 47);
  },
);

withRedis('what fails is told without what acts on a terminal', async () => {
  told.length = 0;
  await outcome('\u001b[2J', { ...part, task: '\u009b\u202e\u2028' });
  for (const message of told) assert.not.match(message, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  assert.is(told.length, 1);
});

withRedis('a worker needs its roots', async () => {
  const bad = { connection, queue: 'q' } as never as { connection: object; input: string; output: string };
  await fails(startWorker({ ...bad, output }), 'ERR_INPUT', /"input" expected the directory/);
  await fails(startWorker({ ...bad, input }), 'ERR_INPUT', /"output" expected the directory/);
  await fails(startWorker({ ...bad, input, output: [] as never }), 'ERR_INPUT', /"output"/);
});

const options = (name: string): EnqueueOptions<typeof TASK> => ({
  connection,
  queue: 'q',
  file,
  parts: 2,
  output: `${output}/${name}`,
  task: TASK,
});

async function finish(given: EnqueueOptions<typeof TASK>): Promise<object> {
  await using run = await enqueue(given);
  return { ...(await run.finished()), run: '' };
}

async function idOf(given: EnqueueOptions<typeof TASK>): Promise<string> {
  await using run = await enqueue(given);
  return run.id;
}

const WHOLE = { run: '', parts: 2, rows: 4, errors: 1 };
const rowsIn = (path: string) =>
  readdirSync(path)
    .filter((name) => name.startsWith('part-'))
    .map((name) => readFileSync(`${path}/${name}`, 'utf8'))
    .join('');

withRedis(
  'a run whose rows were deleted is done again; text with separators of lines is counted as one row',
  async () => {
    const given = options('deleted');
    assert.equal(await finish(given), WHOLE);
    const rows = rowsIn(given.output);
    assert.match(rows, '\u2028');
    // All of it, one part, `_SUCCESS` alone; half of `_SUCCESS`, and half of a part.
    const damage: ((names: string[]) => void)[] = [
      () => rmSync(given.output, { recursive: true }),
      ([, , part]) => rmSync(`${given.output}/${part}`),
      () => rmSync(`${given.output}/_SUCCESS`),
      () => writeFileSync(`${given.output}/_SUCCESS`, '{"run": "4'),
      () => writeFileSync(`${given.output}/_SUCCESS`, '{"run": 7}'),
      ([, , , part]) => {
        rmSync(`${given.output}/_SUCCESS`);
        writeFileSync(`${given.output}/${part}`, readFileSync(`${given.output}/${part}`).subarray(0, -7));
      },
    ];
    for (const harm of damage) {
      harm(readdirSync(given.output).sort());
      assert.equal(await finish(given), WHOLE, harm.toString());
      assert.is(rowsIn(given.output), rows, harm.toString());
      assert.is(readdirSync(given.output).length, 4, harm.toString());
    }
    stateCases(damage.length, 6);
  },
);

withRedis('a directory is one run’s from the moment that it is enqueued', async () => {
  const given = { ...options('shared'), queue: 'nobody' };
  // All at once: one of them gets it, and the same run finds itself.
  const runs = await Promise.allSettled([1, 2, 3, 1, 2, 3].map((parts) => enqueue({ ...given, parts })));
  const taken = runs.flatMap((run) => (run.status === 'fulfilled' ? [run.value] : []));
  assert.ok(taken.length >= 1 && new Set(taken.map(({ id }) => id)).size === 1, `${taken.length} runs`);
  for (const run of runs) {
    if (run.status === 'rejected') assert.match(run.reason.message, /got one with the rows of another run at/);
  }
  assert.is(readFileSync(`${given.output}/_RUN`, 'utf8').trim(), taken[0]?.id);
  assert.equal(readdirSync(given.output), ['_RUN']);
  await Promise.all(taken.map((run) => run.close()));

  // Rows of a run that an older release has begun there.
  mkdirSync(`${output}/older`);
  writeFileSync(`${output}/older/part-00000-01234567.jsonl`, '{}\n');
  await fails(enqueue(options('older')), 'ERR_SOURCE', /rows of another run/);
});

withRedis('a model is the same place for every worker, and another content is another run', async () => {
  cpSync(`${ROOT}/models/albert-mini-en-sst2`, `${input}/model`, { recursive: true });
  const before = process.cwd();
  const jobs = new Queue('models', { connection });
  try {
    process.chdir(input);
    const given = { ...options('model'), queue: 'models', parts: 1, model: './model' };
    const id = await idOf(given);
    assert.is((await jobs.getJob(`${id}-0`))?.data.model, `${input}/model`);
    assert.is(await idOf({ ...given, model: `${input}/model` }), id);
    const config = readFileSync(`${input}/model/config.json`, 'utf8');
    writeFileSync(`${input}/model/config.json`, `${config} `);
    await fails(enqueue(given), 'ERR_SOURCE', /rows of another run/);
    writeFileSync(`${input}/model/config.json`, config);
    assert.is(await idOf(given), id);
  } finally {
    process.chdir(before);
    await jobs.close();
  }
});

withRedis('work that no worker takes is refused before it is in the queue', async () => {
  const given = options('refused');
  const load = { workerUrl: code(marker) } as object;
  await fails(enqueue({ ...given, options: { load } }), 'ERR_INPUT', /"load" expected no other keys/);
  await fails(enqueue({ ...given, parts: 100_001 }), 'ERR_INPUT', /"parts" expected an integer from 1 to 100000/);
  await fails(enqueue({ ...given, task: 'x' } as never), 'ERR_INPUT', /"task" expected text-classification/);
  await fails(enqueue({ ...given, output: `${file}/x` }), 'ERR_SOURCE', /cannot write to/);
  if (process.platform === 'linux') {
    await fails(enqueue({ ...given, output: '/proc/albert-wasm' }), 'ERR_SOURCE', /cannot write to/);
  }
  assert.not.ok(existsSync(given.output));
});

test.run();
