/** The queue's rules without a queue: which work a worker takes, where it reads and writes, and whose a directory is. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkWork } from '../../packages/queue/src/check.js';
import { type EnqueueOptions, enqueue } from '../../packages/queue/src/enqueue.js';
import { countPart, isWhole, writePart, writeSuccess } from '../../packages/queue/src/output.js';
import { rootsOf } from '../../packages/queue/src/roots.js';
import { doJob } from '../../packages/queue/src/work.js';
import { fails } from '../queue/fails.js';
import { freePort } from '../queue/redis.js';
import { stateCases } from '../support/cases.js';
import { code, makeFolders, payloads, RUN, TASK } from './payloads.js';

const test = suite('the rules of the queue');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-rules-`);
const { input, output, file, claimed, marker, part } = makeFolders(folder);
const roots = rootsOf({ input, output, models: ['owner/allowed'] });
const MODEL = fileURLToPath(new URL('../../models/albert-mini-en-sst2', import.meta.url));
const nobody = await freePort();
const before = process.cwd();
test.after(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

const job = (name: string, data: unknown, children: Record<string, unknown> = {}) => ({
  name,
  data,
  updateProgress: () => {},
  getChildrenValues: async () => children,
});

/** What a worker says of a job. */
async function refusal(name: string, data: unknown): Promise<string> {
  return doJob(job(name, data), roots).then(
    () => 'no error',
    ({ message }: Error) => message,
  );
}

test('what is no job of ours is refused: nothing runs, nothing is read or written outside of the roots', async () => {
  const cases = payloads(folder);
  for (const [change, said] of cases) assert.match(await refusal('part', { ...part, ...change }), said);
  for (const data of [null, 7, 'x', [part]]) assert.match(await refusal('part', data), /"job" expected an object/);
  for (const name of ['other', 'Part', '__proto__']) assert.match(await refusal(name, part), /part or success/);
  assert.match(await refusal('success', part), /"job" expected no other keys than run, parts, output/);
  const closing = { run: RUN, parts: 1, output: claimed };
  for (const [change, said] of [
    [{ run: 'b'.repeat(32) }, /rows of another run/],
    [{ run: '/../../x' }, /"run" expected 32/],
    [{ output: `${folder}/outside` }, /"output" expected a place under/],
    [{ output }, /rows of another run/],
    [{}, /part-00000-aaaaaaaa.jsonl is not there/],
  ] as const) {
    assert.match(await refusal('success', { ...closing, ...change }), said);
  }
  for (const counts of [{ rows: '1', errors: 0 }, { rows: 1, errors: 0, more: 1 }, null]) {
    const children = { one: counts };
    await fails(doJob(job('success', closing, children), roots), 'ERR_INPUT', /"(rows|counts)" expected/);
  }
  assert.not.ok(existsSync(marker), 'code of the queue ran');
  assert.equal(readdirSync(`${folder}/outside`), ['secret']);
  assert.equal(readdirSync(claimed), ['_RUN']);
  stateCases(cases.length, 47);
});

test('a good job is done, and its run is closed by its own counts', async () => {
  const path = `${output}/good`;
  cpSync(claimed, path, { recursive: true });
  const { size } = statSync(file);
  const counts = await doJob(job('part', { ...part, end: size, output: path }), roots);
  assert.equal(counts, { rows: 4, errors: 1 });
  const success = await doJob(job('success', { run: RUN, parts: 1, output: path }, { one: counts }), roots);
  assert.equal(success, { run: RUN, parts: 1, rows: 4, errors: 1 });
  assert.equal(readdirSync(path).sort(), ['_RUN', '_SUCCESS', 'part-00000-aaaaaaaa.jsonl']);
  assert.ok(await isWhole(path, { run: RUN, parts: 1 }));
  // Done again, it is only counted.
  assert.equal(await doJob(job('part', { ...part, uri: `${input}/gone`, output: path }), roots), counts);
});

const WRITTEN = { output: `${output}/rows`, run: RUN, part: 0 };
async function* rows(...values: object[]) {
  for (const row of values) yield { row, failed: 'error' in row, offset: 0 } as never;
}

test('rows are counted by the byte that ends them, whatever their texts have in them; half a part is none', async () => {
  mkdirSync(WRITTEN.output);
  const texts = ['one', 'on \u2028 two', '\u2029\u0085\u000b\u000c\r', '\u{1f600}'.repeat(20_000)];
  const values = [...texts.map((text) => ({ text })), { error: { code: 'ERR_INPUT', message: '\u2028' } }];
  const written = await writePart(WRITTEN, rows(...values), () => {});
  assert.equal(written, { rows: 5, errors: 1 });
  assert.equal(await countPart(WRITTEN), written);
  const path = join(WRITTEN.output, 'part-00000-aaaaaaaa.jsonl');
  const whole = readFileSync(path);
  for (const cut of [1, 5, 40_000]) {
    writeFileSync(path, whole.subarray(0, whole.length - cut));
    assert.is(await countPart(WRITTEN), undefined, `${cut} bytes less`);
  }
  writeFileSync(path, whole);
});

test('a run is whole only with its own `_SUCCESS`, written in full, and every part', async () => {
  const run = { run: RUN, parts: 1 };
  const success = await writeSuccess({ ...WRITTEN, parts: 1 }, { rows: 5, errors: 1 });
  assert.ok(await isWhole(WRITTEN.output, run));
  const path = `${WRITTEN.output}/_SUCCESS`;
  assert.is(readFileSync(path, 'utf8'), `${JSON.stringify(success)}\n`);
  for (const content of ['', '{"run": "4', '{"run": 7}', 'null', JSON.stringify({ ...success, run: 'b'.repeat(32) })]) {
    writeFileSync(path, content);
    assert.not.ok(await isWhole(WRITTEN.output, run), content);
  }
  assert.equal(await writeSuccess({ ...WRITTEN, parts: 1 }, { rows: 5, errors: 1 }), success, 'over another one');
  assert.ok(await isWhole(WRITTEN.output, run));
  assert.not.ok(await isWhole(WRITTEN.output, { run: RUN, parts: 2 }), 'a part is missing');
  // Nothing is left of it where it could not be written whole.
  rmSync(path);
  mkdirSync(path);
  await writeSuccess({ ...WRITTEN, parts: 1 }, { rows: 5, errors: 1 }).then(
    () => assert.unreachable(),
    () => {},
  );
  assert.equal(readdirSync(WRITTEN.output).sort(), ['_SUCCESS', 'part-00000-aaaaaaaa.jsonl']);
});

const options = (name: string, change: Partial<EnqueueOptions<typeof TASK>> = {}): EnqueueOptions<typeof TASK> => ({
  connection: { port: nobody },
  file,
  parts: 2,
  output: `${output}/${name}`,
  task: TASK,
  ...change,
});

/** The id of a run that could claim its directory: the next that it needs is Redis, which is not there. */
async function claimedBy(given: EnqueueOptions<typeof TASK>): Promise<string> {
  await fails(enqueue(given), 'ERR_SOURCE', /cannot reach Redis/);
  return readFileSync(`${given.output}/_RUN`, 'utf8').trim();
}

test('a directory is one run’s from the moment that it is enqueued', async () => {
  const id = await claimedBy(options('taken'));
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.is(await claimedBy(options('taken')), id);
  await fails(enqueue(options('taken', { parts: 3 })), 'ERR_SOURCE', /got one with the rows of another run at/);
  const call = { top_k: 2 };
  await fails(enqueue(options('taken', { options: { call } })), 'ERR_SOURCE', /rows of another run/);
  // Rows and a `_SUCCESS` of a run that an older release has begun there.
  for (const [name, content] of [
    ['part-00000-01234567.jsonl', '{}\n'],
    ['_SUCCESS', JSON.stringify({ run: 'b'.repeat(32), parts: 1, rows: 1, errors: 0 })],
  ] as const) {
    mkdirSync(`${output}/${name}-older`);
    writeFileSync(`${output}/${name}-older/${name}`, content);
    await fails(enqueue(options(`${name}-older`)), 'ERR_SOURCE', /rows of another run/);
  }
});

test('a model is the same place for every worker, and another content is another run', async () => {
  cpSync(MODEL, `${input}/model`, { recursive: true });
  process.chdir(input);
  const id = await claimedBy(options('model', { model: './model' }));
  assert.is(await claimedBy(options('model', { model: `${input}/model` })), id);
  const config = readFileSync(`${input}/model/config.json`, 'utf8');
  writeFileSync(`${input}/model/config.json`, `${config} `);
  await fails(enqueue(options('model', { model: './model' })), 'ERR_SOURCE', /rows of another run/);
  process.chdir(before);
  // A path that is relative for a worker is none.
  assert.match(await refusal('part', { ...part, model: './model' }), /"model" expected one of the worker/);
  assert.is((await refusal('part', { ...part, model: 'owner/allowed-not' })).includes('"model" expected one of'), true);
});

test('work that no worker takes is refused before a directory is made', async () => {
  const load = { workerUrl: code(marker) } as object;
  await fails(enqueue(options('refused', { options: { load } })), 'ERR_INPUT', /"load" expected no other keys/);
  await fails(enqueue(options('refused', { parts: 100_001 })), 'ERR_INPUT', /"parts" expected an integer/);
  await fails(enqueue(options('refused', { task: 'x' as never })), 'ERR_INPUT', /"task" expected text-classification/);
  assert.not.ok(existsSync(`${output}/refused`));
  const good = { task: TASK, options: { load: { dtype: 'int8', threads: 'auto' }, call: { top_k: null } } } as const;
  assert.equal(checkWork(good as never), good);
});

test.run();
