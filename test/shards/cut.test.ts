/** Slices of files: together every line once, wherever the cuts fall; and lines however their bytes arrive. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeLine, type Line, MAX_LINE_BYTES, readLines } from '../../src/ground/lines.js';
import { cutFile, readShard } from '../../src/shards/cut.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';

const test = suite('shards');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-shards-`);
test.after(() => rmSync(folder, { recursive: true }));

async function gather(batches: AsyncIterable<readonly Line[]>): Promise<{ offset: number; text: string }[]> {
  const lines = [];
  for await (const batch of batches) {
    assert.ok(batch.length > 0 && batch.length <= 32);
    for (const line of batch) lines.push({ offset: line.offset, text: decodeLine(line) });
  }
  return lines;
}

/** Short lines, empty ones, some longer than the stream's 64 KB, all with characters of one to four bytes. */
const line = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: fc.constantFrom('a', 'é', '語', '😀', '\r', ' '), maxLength: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 70_000 }).map((length) => 'é'.repeat(length)) },
);
const file = fc.record({
  lines: fc.array(fc.record({ text: line, end: fc.constantFrom('\n', '\r\n') }), { maxLength: 60 }),
  closed: fc.boolean(),
  count: fc.integer({ min: 1, max: 90 }),
});

test('together the slices have every line once, in order, at its byte', async () => {
  let cases = 0;
  const path = `${folder}/lines.txt`;
  await fc.assert(
    fc.asyncProperty(file, async ({ lines, closed, count }) => {
      let content = '';
      const wanted: { offset: number; text: string }[] = [];
      for (const [i, { text, end }] of lines.entries()) {
        const offset = Buffer.byteLength(content);
        const open = !closed && i === lines.length - 1;
        content += open ? text : text + end;
        // One return is the line's end, any before it are text.
        if (!open || text !== '') wanted.push({ offset, text: (open ? text : text + end).replace(/\r?\n?$/, '') });
      }
      writeFileSync(path, content);
      const shards = await cutFile(count % 2 ? path : pathToFileURL(path).href, count);
      assert.is(shards.length, count);
      const found = [];
      for (const [i, shard] of shards.entries()) {
        assert.is(shard.start, shards[i - 1]?.end ?? 0);
        for (const got of await gather(readShard(shard))) {
          assert.ok(got.offset >= shard.start && got.offset < shard.end);
          found.push(got);
        }
      }
      assert.is(shards.at(-1)?.end, Buffer.byteLength(content));
      assert.equal(found, wanted);
      cases++;
    }),
    { numRuns: 300 },
  );
  stateCases(cases, 300);
});

async function* inChunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let [from, i] = [0, 0]; from < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number;
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

test('however the bytes arrive, the lines are the same', async () => {
  let cases = 0;
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\r', '\n'), maxLength: 200 });
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(text, sizes, async (content, sizes) => {
      const lines = await gather(readLines(inChunks(Buffer.from(content), sizes)));
      const wanted = content.split('\n').map((line) => line.replace(/\r$/, ''));
      if (content === '' || content.endsWith('\n')) wanted.pop();
      assert.equal(
        lines.map(({ text }) => text),
        wanted,
      );
      cases++;
    }),
    { numRuns: 1000 },
  );
  stateCases(cases, 1000);
});

test('the mark of UTF-8 before a file is no text; anywhere else it is', async () => {
  const lines = await gather(readLines(inChunks(Buffer.from('\ufeffone\n\ufefftwo\n'), [5])));
  assert.equal(
    lines.map(({ text }) => text),
    ['one', '\ufefftwo'],
  );
});

test('a line beyond the limit is refused, its bytes are not kept, and the next one is read', async () => {
  const chunk = new Uint8Array(1 << 20).fill(0x61);
  const count = (4 * MAX_LINE_BYTES) / chunk.length;
  async function* bytes() {
    yield Buffer.from('first\n');
    for (let i = 0; i < count; i++) yield chunk;
    yield Buffer.from('\nlast\n');
  }
  const batches: Line[] = [];
  for await (const batch of readLines(bytes())) batches.push(...batch);
  assert.is(batches.length, 3);
  assert.is(batches[1]?.bytes.length, MAX_LINE_BYTES + 2);
  assert.is(batches[2]?.offset, 6 + count * chunk.length + 1);
  assert.is(decodeLine(batches[2] as Line), 'last');
  await expectError(() => decodeLine(batches[1] as Line), 'ERR_TOO_LONG', '"line" expected at most 16777216 bytes');
});

test('lines about the limit', async () => {
  for (const [bytes, end, wanted] of [
    [MAX_LINE_BYTES, '\n', true],
    [MAX_LINE_BYTES, '\r\n', true],
    [MAX_LINE_BYTES, '', true],
    [MAX_LINE_BYTES + 1, '\n', false],
    [MAX_LINE_BYTES + 1, '\r\n', false],
    // A return within the line, where reading ends.
    [MAX_LINE_BYTES, '\r and more\n', false],
    [MAX_LINE_BYTES + 1, '\r and more\n', false],
  ] as const) {
    const content = Buffer.concat([Buffer.alloc(bytes, 'a'), Buffer.from(end)]);
    const [line] = (await readLines(inChunks(content, [1 << 16])).next()).value as Line[];
    const decode = () => decodeLine(line as Line);
    if (wanted) assert.is(decode().length, bytes);
    else await expectError(decode, 'ERR_TOO_LONG', '"line"');
  }
});

test('a shard reads no further than its last line', async () => {
  const path = `${folder}/long.txt`;
  writeFileSync(path, `short\n${'a'.repeat(50e6)}`);
  const { rss } = process.memoryUsage();
  const start = performance.now();
  for (let i = 0; i < 200; i++) await gather(readShard({ uri: path, start: 0, end: 5 }));
  assert.ok(performance.now() - start < 5000, 'the long line was read');
  assert.ok(process.memoryUsage().rss - rss < 100e6);
});

test('a file that breaks off while it is read', async () => {
  // Where no memory is mapped at its first bytes, Linux gives EIO.
  if (!existsSync('/proc/self/mem')) return;
  await expectError(() => gather(readShard({ uri: '/proc/self/mem', start: 0, end: 5 })), 'ERR_SOURCE', 'EIO', 'mem');
});

test('what is no UTF-8 is refused', async () => {
  for (const bytes of [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
    await expectError(() => decodeLine({ offset: 3, bytes: Uint8Array.from(bytes) }), 'ERR_INPUT', 'UTF-8');
  }
});

test('invalid files and counts', async () => {
  await expectError(() => cutFile(`${folder}/none`, 2), 'ERR_SOURCE', 'ENOENT');
  await expectError(() => cutFile(folder, 2), 'ERR_SOURCE', 'a regular file');
  await expectError(() => cutFile('/dev/null', 2), 'ERR_SOURCE', 'a regular file');
  for (const count of [0, 1.5, -1, Number.NaN]) {
    await expectError(() => cutFile(`${folder}/long.txt`, count), 'ERR_INPUT', '"count"');
  }
  await expectError(() => gather(readShard({ uri: folder, start: 0, end: 5 })), 'ERR_SOURCE', 'a regular file');
});

test.run();
