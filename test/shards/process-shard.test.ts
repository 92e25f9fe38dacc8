/** Shards through pipelines: rows in order, faults as rows, and what is no line's fault thrown. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PartJob } from '../../packages/queue/src/jobs.js';
import { countPart, writePart } from '../../packages/queue/src/output.js';
import { AlbertError, pipeline } from '../../src/entry/index.js';
import { cutFile, processShard, type Shard } from '../../src/shards/index.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';

const test = suite('processShard');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-shards-`);
test.after(() => rmSync(folder, { recursive: true }));

const path = `${folder}/texts.jsonl`;
const LINES = [
  '"A lovely film."',
  '{"text": "A dreadful film.", "id": 7}',
  'no json',
  '["two", "texts"]',
  `"${'a'.repeat(1 << 20)}b"`,
  '{"text": "A man sleeps.", "text_pair": "He is awake."}',
  'null',
  '"Good."',
];
writeFileSync(path, LINES.join('\n'));
const offsets = LINES.map((_, i) => LINES.slice(0, i).join('\n').length + (i > 0 ? 1 : 0));

test('each line is one row, also where it is at fault', async () => {
  await using classify = await pipeline('text-classification');
  const answers = [];
  for (const shard of await cutFile(path, 3)) {
    for await (const answer of processShard('text-classification', classify, shard)) answers.push(answer);
  }
  assert.equal(
    answers.map(({ offset }) => offset),
    offsets,
  );
  assert.equal(
    answers.map(({ failed }) => failed),
    [false, false, true, true, true, false, true, false],
  );
  const [first, second, third, , long] = answers.map(({ row }) => row as Record<string, never>);
  const alone = await classify('A lovely film.');
  assert.equal(first, { text: 'A lovely film.', labels: alone });
  assert.equal({ ...(second as object), labels: 0 }, { id: 7, text: 'A dreadful film.', labels: 0 });
  const error = (third as unknown as { error: { code: string; message: string } }).error;
  assert.is(error.code, 'ERR_INPUT');
  assert.match(error.message, new RegExp(`^byte ${offsets[2]}: expected JSON`));
  assert.is((long as unknown as { error: { code: string } }).error.code, 'ERR_TOO_LONG');
});

test('a line of poison, whatever its error, is one row while the model lives', async () => {
  await using classify = await pipeline('text-classification');
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const poison: Record<string, unknown> = {
    plain: new RangeError('Maximum call stack size exceeded'),
    memory: new AlbertError('ERR_MEMORY', 'no memory for this one'),
    worker: new AlbertError('ERR_WORKER', 'a worker was lost'),
    nothing: null,
    '\u001b[2J': new Error('\u001b[2J\u009b\u2028'),
  };
  const faulty = Object.assign(
    async (input: string | string[], options: object) => {
      for (const text of [input].flat()) if (Object.hasOwn(poison, text)) throw poison[text];
      return classify(input as string, options);
    },
    { model: classify.model },
  );
  const lines = [
    '"a"',
    ...Object.keys(poison).map((key) => JSON.stringify(key)),
    `{"text": "a", "text_pair": ${deep}}`,
    deep,
    '"b"',
  ];
  const file = `${folder}/poison.jsonl`;
  writeFileSync(file, lines.join('\n'));
  const [shard] = (await cutFile(file, 1)) as [Shard];
  const rows = [];
  for await (const row of processShard('text-classification', faulty as never, shard)) rows.push(row);
  const codes = rows.map(({ row }) => (row as { error?: { code: string } }).error?.code);
  const own = ['ERR_INTERNAL', 'ERR_MEMORY', 'ERR_WORKER', 'ERR_INTERNAL', 'ERR_INTERNAL', 'ERR_INPUT', 'ERR_INPUT'];
  assert.equal(codes, [undefined, ...own, undefined]);
  assert.not.match(JSON.stringify(rows), /[\p{Cc}\p{Zl}]/u);

  // A model that is gone is no line's fault.
  const gone = Object.assign(async () => Promise.reject(new Error('any')), {
    model: await pipeline('text-classification').then(({ model }) => model),
  });
  await gone.model.dispose();
  await expectError(() => processShard('text-classification', gone as never, shard).next(), 'ERR_DISPOSED');
  stateCases(rows.length, 9);
});

test('what is no line’s fault ends it', async () => {
  const shard: Shard = { uri: path, start: 0, end: 10 };
  const classify = await pipeline('text-classification');
  const drain = async (given: Shard, options?: object) => {
    for await (const _ of processShard('text-classification', classify, given, options));
  };
  await drain(shard);
  await expectError(() => drain({ ...shard, uri: `${folder}/none` }), 'ERR_SOURCE', 'ENOENT');
  await expectError(() => drain(shard, { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  const unknown = processShard('summarization' as never, classify as never, shard);
  await expectError(() => unknown.next(), 'ERR_INPUT', '"task"');
  await classify.dispose();
  await expectError(() => drain(shard), 'ERR_DISPOSED');
});

test('keys of the caller in every row, also where a line is at fault; blank lines are no rows; parts are counted again as they were', async () => {
  const lines = [
    '{"text": "good", "id": 1, "error": "mine", "labels": "gold"}',
    '',
    ' \r',
    '{"text": 5, "id": 2, "error": "mine", "labels": "gold", "0": 0}',
    '{"text": "good", "id": 12345678901234567890}',
    '{"id": 3}',
  ];
  const uri = `${folder}/keys.jsonl`;
  writeFileSync(uri, `${lines.join('\n')}\n\n`);
  await using classify = await pipeline('text-classification');
  const shard = { uri, start: 0, end: Buffer.byteLength(lines.join('\n')) + 2 };
  const rows = [];
  for await (const { row, offset } of processShard('text-classification', classify, shard)) {
    rows.push(row as Record<string, unknown>);
    assert.match(
      lines.find((_, i) => lines.slice(0, i).join('\n').length + (i > 0 ? 1 : 0) === offset) as string,
      /^\{/,
    );
  }
  const labels = await classify('good');
  const [first, second, third, fourth] = rows as [object, { error: object }, { error: object }, { error: object }];
  assert.is(rows.length, 4);
  assert.equal(first, { id: 1, input_error: 'mine', input_labels: 'gold', text: 'good', labels });
  assert.equal({ ...second, error: 0 }, { error: 0, id: 2, input_error: 'mine', input_labels: 'gold', 0: 0 });
  assert.match(JSON.stringify(third.error), /"ERR_INPUT".*\\"id\\" expected a number within/);
  assert.equal({ ...fourth, error: 0 }, { error: 0, id: 3 });

  const job = { output: folder, run: 'a'.repeat(32), part: 0 };
  const shards = () => processShard('text-classification', classify, shard);
  const counts = await writePart(job as PartJob, shards(), () => {});
  assert.equal(counts, { rows: 4, errors: 3 });
  assert.equal(await countPart(job), counts);
});

test.run();
