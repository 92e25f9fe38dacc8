/** What the worst Flax checkpoints take to read, in a process whose heap is 128 MB: less than three times their bytes and 32 MiB. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stateCases } from '../support/cases.js';

const test = suite('memory of a checkpoint');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The trees, as source: each child makes its own. */
const FILES: Readonly<Record<string, string>> = {
  'one array of 64 MB': '{ a: array([2 ** 24]) }',
  'chunks of 64 MB': `{ a: { __msgpack_chunked_array__: true, shape: { 0: ${2 ** 24} }, chunks: {
    0: array([2 ** 23]), 1: array([2 ** 23]) } } }`,
  '65,536 keys of 256 bytes': `keys(65_535, (i) => String(i).padEnd(256, 'n'))`,
  '65,536 short keys': 'keys(65_535, String)',
  '4,096 arrays of nothing': `{ a: keys(4096, String, () => array([0])) }`,
};

/** Memory is what the process has had at most beyond what it had with the file in hand. */
const CHILD = `
  import { readFileSync, writeFileSync } from 'node:fs';
  import { encode, ExtData } from '@msgpack/msgpack';
  import { decodeFlaxMsgpack } from './src/weights/flax-msgpack.ts';
  const peak = () => 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  const now = () => 1024 * Number(/VmRSS:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  const array = (shape) => new ExtData(1, encode([shape, 'float32', new Uint8Array(4 * shape[0])]));
  const keys = (count, name, value = () => ({})) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), value()]));
  const file = (() => encode(TREE).slice())();
  globalThis.gc();
  // 5: the most becomes what there is now.
  writeFileSync('/proc/self/clear_refs', '5');
  const before = now() - file.length;
  let outcome = 'read';
  try {
    for (const { bytes } of decodeFlaxMsgpack(file, 'flax_model.msgpack').tensors.values()) bytes.slice();
  } catch (error) { outcome = error.code; }
  console.log(JSON.stringify({ outcome, bytes: file.length, used: peak() - before }));
`;

let cases = 0;
for (const [name, tree] of Object.entries(FILES)) {
  test(name, () => {
    if (!existsSync('/proc/self/clear_refs')) return;
    const args = ['--expose-gc', '--max-old-space-size=128', '--import', 'tsx', '--conditions=@albert-wasm/source'];
    const source = CHILD.replace('TREE', tree);
    const child = spawnSync(process.execPath, [...args, '--input-type=module', '-e', source], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.is(child.status, 0, child.stderr);
    const { outcome, bytes, used } = JSON.parse(child.stdout);
    assert.is(outcome, 'read');
    assert.ok(used <= 3 * bytes + 32 * 2 ** 20, `${used} bytes for a file of ${bytes}`);
    cases++;
  });
}

test('how many', () => {
  if (existsSync('/proc/self/clear_refs')) stateCases(cases, 5);
});

test.run();
