/** CSV: records however their bytes arrive, fields as RFC 4180 has them, and what is written is read again as it was. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatRecord, readRecords, splitRecord } from '../../src/ground/csv.js';
import { decodeLine, type Line, MAX_LINE_BYTES } from '../../src/ground/lines.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';

const test = suite('CSV');

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

async function recordsOf(text: string, delimiter = ',', size = 1 << 16): Promise<Line[]> {
  const records: Line[] = [];
  for await (const batch of readRecords(inChunks(Buffer.from(text), size), delimiter)) {
    assert.ok(batch.length > 0 && batch.length <= 32);
    records.push(...batch);
  }
  return records;
}

async function fieldsOf(text: string, delimiter = ',', size?: number): Promise<string[][]> {
  return (await recordsOf(text, delimiter, size)).map((record) => splitRecord(decodeLine(record), delimiter));
}

/** What Python's csv makes of them with `strict=True`, but for the mark of UTF-8, which its `utf-8-sig` takes away. */
const READ: [text: string, fields: string[][]][] = [
  [
    'a,b\r\n1,2\r\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'a,b\n1,2',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'a,b\r1,2\r',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  ['"a,b","c""d"\n', [['a,b', 'c"d']]],
  ['"two\r\nlines","one"\r\n', [['two\r\nlines', 'one']]],
  ['"",x,\n', [['', 'x', '']]],
  ['""""\n', [['"']]],
  ['""""""\n', [['""']]],
  [',\n', [['', '']]],
  ['5" pipe,7\n', [['5" pipe', '7']]],
  [
    'a"b",c"\nd,e\n',
    [
      ['a"b"', 'c"'],
      ['d', 'e'],
    ],
  ],
  [' "a",b\n', [[' "a"', 'b']]],
  [
    '\ufeffid,text\n1,é😀\n',
    [
      ['id', 'text'],
      ['1', 'é😀'],
    ],
  ],
  ['\ufeff"id\n",text\n', [['id\n', 'text']]],
  ['a\n\ufeff"b"\n', [['a'], ['\ufeff"b"']]],
];
for (const [text, wanted] of READ) {
  test(`reads ${JSON.stringify(text)}, in chunks of any size`, async () => {
    for (const size of [1, 2, 3, 5, 100]) assert.equal(await fieldsOf(text, ',', size), wanted, `chunks of ${size}`);
  });
}

test('other delimiters, blank records, and the line at which each begins', async () => {
  assert.equal(await fieldsOf('a;"b;c"\n1,5;2\n', ';'), [
    ['a', 'b;c'],
    ['1,5', '2'],
  ]);
  assert.equal(await fieldsOf('a\t"b\t"\n', '\t'), [['a', 'b\t']]);
  const records = await recordsOf('a\r\n"b\r\n\r\nc"\r\n\r\nd\n"e\r"\rf');
  assert.equal(
    records.map(({ number, offset, bytes }) => [number, offset, bytes.length]),
    [
      [1, 0, 1],
      [2, 3, 8],
      [5, 13, 0],
      [6, 15, 1],
      [7, 17, 4],
      [9, 22, 1],
    ],
  );
});

test('what is written is read again, whatever it is, in whatever chunks', async () => {
  let cases = 0;
  const field = fc.string({ unit: fc.constantFrom('a', ',', ';', '"', '\r', '\n', ' ', 'é', '😀', '='), maxLength: 8 });
  const rows = fc
    .integer({ min: 2, max: 4 })
    .chain((width) =>
      fc.array(fc.array(field, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 50 }),
    );
  await fc.assert(
    fc.asyncProperty(
      rows,
      fc.constantFrom(',', ';'),
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      async (rows, delimiter, size, end) => {
        const text = rows.map((row) => formatRecord(row, delimiter) + end).join('');
        assert.equal(await fieldsOf(text, delimiter, size), rows);
        cases++;
      },
    ),
    { numRuns: 1000 },
  );
  stateCases(cases, 1000);
});

test('quotes without an end, and text behind one', async () => {
  await expectError(() => splitRecord('a,"b', ','), 'ERR_INPUT', 'field 2: expected a quote at its end');
  await expectError(() => splitRecord('"a"b,c', ','), 'ERR_INPUT', 'field 1: expected "," after its closing quote');
  await expectError(() => splitRecord('"a""', ','), 'ERR_INPUT', 'field 1: expected a quote at its end');
});

test('a quote without an end takes no more memory than the longest line, however long the file is', async () => {
  async function* bytes() {
    yield Buffer.from('id,text\n1,"');
    for (let i = 0; i < 64; i++) yield Buffer.alloc(1 << 20, `${'a'.repeat(1023)}\n`);
  }
  const records: Line[] = [];
  for await (const batch of readRecords(bytes(), ',')) records.push(...batch);
  assert.is(records.length, 2);
  assert.is(records[1]?.bytes.length, MAX_LINE_BYTES + 1);
  assert.is(records[1]?.number, 2);
  await expectError(() => decodeLine(records[1] as Line), 'ERR_TOO_LONG', '"line" expected at most 16777216 bytes');
});

test('60 MB are read as they are asked for', async () => {
  const block = Buffer.from('7,"a ""text""\nof two lines"\n'.repeat(40_000));
  let given = 0;
  async function* bytes() {
    for (let i = 0; i < 60; i++, given += block.length) yield block;
  }
  let count = 0;
  let most = 0;
  const { rss } = process.memoryUsage();
  for await (const batch of readRecords(bytes(), ',')) {
    count += batch.length;
    if (count % 40_000 < 32) most = Math.max(most, process.memoryUsage().rss - rss);
    assert.ok(given <= (count / 40_000 + 1) * block.length, 'nothing is read ahead');
  }
  assert.is(count, 60 * 40_000);
  assert.ok(given > 60e6);
  assert.ok(most < 100e6, `${most} bytes`);
  stateCases(count, 2_400_000);
});

test('numbers, nothing, other values, and half a character', async () => {
  assert.is(formatRecord(['=1+1', 0.5, true, null, undefined, { a: [1] }], ','), '=1+1,0.5,true,,,"{""a"":[1]}"');
  assert.is(formatRecord(['a;b', 'c,d'], ';'), '"a;b";c,d');
  await expectError(() => formatRecord(['\ud83d'], ','), 'ERR_INPUT', 'well-formed');
});

test.run();
