/** Shards through pipelines: rows in order, faults as rows, and what is no line's fault thrown. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline } from '../../src/index.js';
import { cutFile, processShard, type Shard } from '../../src/shards/index.js';
import { expectError } from '../expect-error.js';

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
  assert.is((second as { text?: string })?.text, 'A dreadful film.');
  const error = (third as unknown as { error: { code: string; message: string } }).error;
  assert.is(error.code, 'ERR_INPUT');
  assert.match(error.message, new RegExp(`^byte ${offsets[2]}: expected JSON`));
  assert.is((long as unknown as { error: { code: string } }).error.code, 'ERR_TOO_LONG');
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

test.run();
