/** `bench`: a line a shape, and figures that can be. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomFiles } from '../pipelines/checkpoint.js';
import { run } from './command-line.js';

const test = suite('bench command');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-bench-`);
test.after(() => rmSync(folder, { recursive: true }));
const files = await randomFiles('sequence_classification', { max_position_embeddings: 130 });
for (const [file, bytes] of Object.entries(files)) writeFileSync(`${folder}/${file}`, bytes as string);

test('tokens a second of three shapes, in each dtype', async () => {
  const { code, out, err } = await run(['bench', '--model', folder]);
  assert.is(code, 0, err);
  const rows = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const shapes = ['1x16', '1x128', '8x128'];
  assert.equal(
    rows.map(({ dtype, batch, seq }) => `${dtype} ${batch}x${seq}`),
    ['float32', 'int8'].flatMap((dtype) => shapes.map((shape) => `${dtype} ${shape}`)),
  );
  for (const { dtype, kernels, threads, activationBits, batch, seq, milliseconds, tokensPerSecond, runs } of rows) {
    assert.match(kernels, 'simd');
    assert.match(`${dtype} ${activationBits}`, /^(float32 undefined|int8 (7|8|13))$/);
    assert.is(threads, 1);
    assert.ok(runs >= 1 && milliseconds > 0);
    assert.ok(Math.abs((tokensPerSecond * milliseconds) / 1000 / (batch * seq) - 1) < 1e-9);
  }
});

test('one dtype, several threads; no shape beyond the positions', async () => {
  const short = await randomFiles('sequence_classification', { max_position_embeddings: 64 });
  for (const [file, bytes] of Object.entries(short)) writeFileSync(`${folder}/${file}`, bytes as string);
  const { out, err } = await run(['bench', '--model', folder, '--dtype', 'int8', '--threads', '2']);
  const [row, ...more] = out.trim().split('\n');
  assert.equal(more, [], err);
  const { dtype, threads, seq } = JSON.parse(row as string);
  assert.equal([dtype, threads, seq], ['int8', 2, 16]);
  const table = await run(['bench', '--model', folder, '--dtype', 'int8', '--format', 'table']);
  assert.match(table.out, /^batch × tokens +tokens\/s +ms +runs +on\n1 × 16 +\d+ +\d+\.\d +\d+ +int8, .*1 thread\n$/);
});

test('CSV has the bits of both dtypes; --wide says once why it has no effect, if it has none', async () => {
  const { code, out, err } = await run(['bench', '--wide', '--model', folder, '--format', 'csv']);
  assert.is(code, 0, err);
  const [head, ...records] = out
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const bits = records.map((record) => record[head?.indexOf('activationBits') ?? -1]);
  assert.match(bits.join(), /^,(7|8|13)$/);
  const available = process.arch === 'x64' && Number.parseInt(process.versions.node, 10) >= 24;
  if (available) assert.match(err, /^(--wide has no effect: V8's flag is set, [^\n]+\n)?$/);
  else assert.match(err, /^--wide has no effect: [^\n]+\n$/);
});

test.run();
