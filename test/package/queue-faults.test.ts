/** What strangers write into the queue, and what becomes of directories that two runs, a deletion or a crash has touched. */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type EnqueueOptions, enqueue, startWorker } from '@albert-wasm/queue';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stateCases } from '../cases.js';
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
const [input, output] = [`${folder}/input`, `${folder}/output`];
for (const path of [input, output, `${folder}/outside`]) mkdirSync(path);
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

const file = `${input}/lines.jsonl`;
writeFileSync(file, '"good"\n"bad"\n"on \u2028 two \u0085 lines"\nno json\n');
const TASK = 'text-classification';
const RUN = 'a'.repeat(32);

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

const claimed = `${output}/claimed`;
const part = { uri: file, start: 0, end: 20, part: 0, parts: 1, run: RUN, output: claimed, task: TASK };
const code = (marker: string) =>
  `data:text/javascript,import{writeFileSync as w}from'node:fs';w(${JSON.stringify(marker)},'x')`;
const marker = `${folder}/outside/ran`;
const deep = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`);

/** Payloads that no `enqueue` has written, and what is said of them. */
const PAYLOADS: [change: Record<string, unknown>, said: RegExp][] = [
  [
    { options: { load: { worker: true, workerUrl: code(marker) } } },
    /"load" expected no other keys than dtype, threads/,
  ],
  [{ options: { load: { threads: 2, workerUrl: code(marker) } } }, /"load" expected no other keys/],
  [{ options: { load: { wasmUrl: 'data:application/wasm,x' } } }, /"load" expected no other keys.*"wasmUrl"/],
  [{ options: { load: { cacheDir: '/' } } }, /"load" expected no other keys.*"cacheDir"/],
  [{ options: { load: { token: 'x' } } }, /"load" expected no other keys/],
  [{ options: { load: { dtype: 'float64' } } }, /"dtype" expected float32 or int8/],
  [{ options: { load: { threads: 65 } } }, /"threads" expected an integer from 1 to 64/],
  [{ options: { load: { threads: 1.5 } } }, /"threads"/],
  [{ options: { load: { revision: 7 } } }, /"revision"/],
  [{ options: { load: [] } }, /"load" expected an object/],
  [{ options: { other: 1 } }, /"options" expected no other keys/],
  [{ options: 'x' }, /"options" expected an object/],
  [{ options: { call: { signal: {} } } }, /"call" expected no other keys/],
  [{ options: { call: { top_k: '1' } } }, /"top_k" expected an integer/],
  [{ options: { call: { ignore_labels: [1] } } }, /"ignore_labels"/],
  [{ options: { call: { pooling: deep } } }, /"pooling" expected a name, got an array/],
  [{ __proto__: null, polluted: 1 }, /"job" expected no other keys/],
  [{ run: '/../../x' }, /"run" expected 32 hexadecimal digits, got "\/..\/..\/x"/],
  [{ run: RUN.toUpperCase() }, /"run"/],
  [{ run: `${RUN}\n` }, /"run"/],
  [{ run: 7 }, /"run"/],
  [{ part: -1 }, /"part"/],
  [{ part: 1 }, /"part" expected an integer below 1/],
  [{ part: '0' }, /"part"/],
  [{ parts: 0 }, /"parts"/],
  [{ parts: 1e9 }, /"parts"/],
  [{ start: 0.5 }, /"start"/],
  [{ end: null }, /"end"/],
  [{ task: 'toString' }, /"task"/],
  [{ task: deep }, /"task"/],
  [{ model: 7 }, /"model"/],
  [{ model: 'owner/name' }, /"model" expected one of the worker’s option "models"/],
  [{ model: 'http://127.0.0.1:1/' }, /"model" expected one of/],
  [{ model: `${folder}/outside` }, /"input" expected a place under/],
  [{ uri: 'lines.jsonl' }, /"uri" expected an absolute path/],
  [{ uri: `file://${file}` }, /"uri" expected an absolute path/],
  [{ uri: '/etc/passwd' }, /"input" expected a place under/],
  [{ uri: `${input}/../outside/secret` }, /"input" expected a place under/],
  [{ uri: `${input}/link` }, /"input" expected a place under/],
  [{ uri: `${input}/none` }, /cannot read .*none/],
  [{ output: `${folder}/outside` }, /"output" expected a place under/],
  [{ output: `${output}/link` }, /"output" expected a place under/],
  [{ output: `${output}/../outside` }, /"output" expected a place under/],
  [{ output: `${output}-other` }, /cannot read|"output" expected a place under/],
  [{ output: 'claimed' }, /"output" expected an absolute path/],
  [{ output }, /got one with the rows of another run/],
  [{ run: 'b'.repeat(32) }, /got one with the rows of another run/],
];

withRedis(
  'what is no job of ours is refused: nothing runs, nothing is read or written outside of the roots',
  async () => {
    mkdirSync(claimed);
    writeFileSync(`${claimed}/_RUN`, `${RUN}\n`);
    writeFileSync(`${folder}/outside/secret`, '"secret"\n');
    symlinkSync(`${folder}/outside/secret`, `${input}/link`);
    symlinkSync(`${folder}/outside`, `${output}/link`);
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
  assert.not.ok(existsSync(given.output));
});

test.run();
