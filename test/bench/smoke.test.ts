/** Every bench runs: one small row each, its answer checked by the bench itself, its figures in a file. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { peersInstalled } from '../../bench/peers/install.js';
import { sst2Missing } from '../../bench/sst2.js';
import { trainingPeersInstalled } from '../../bench/training/peers/install.js';

const smoke = suite('benches');
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a bench into a file of its own, and returns what it wrote. */
function bench(file: string, ...args: string[]) {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-bench-`);
  try {
    const json = `${directory}/figures.json`;
    const node = ['--import', 'tsx', '--conditions=@albert-wasm/source', `bench/${file}`, ...args, '--json', json];
    execFileSync(process.execPath, node, { cwd: ROOT, stdio: 'pipe' });
    return JSON.parse(readFileSync(json, 'utf8'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function refused(file: string, ...args: string[]): void {
  assert.throws(() => bench(file, ...args), /Command failed/);
}

smoke('kernels', () => {
  const { rows, machine } = bench('kernels/index.ts', '--only', 'matmul 8x768x768', '--seconds', '0.01');
  assert.equal(
    rows.map((row: Record<string, unknown>) => [row.kernel, row.dtype]),
    [
      ['matmul 8x768x768', 'float32'],
      ['matmul 8x768x768 int8', 'int8'],
    ],
  );
  for (const row of rows) assert.ok(row['Gop/s'] > 0 && row['peak, Gop/s'] > 0, JSON.stringify(row));
  assert.ok(machine.engine.includes(process.versions.node), machine.engine);
});

smoke('model', () => {
  const { rows } = bench('model.ts', '--shape', '1x2', '--dtype', 'int8', '--threads', '1,2', '--seconds', '0');
  assert.equal(
    rows.map(({ shape, dtype, threads }: Record<string, unknown>) => [shape, dtype, threads]),
    [
      ['1x2', 'int8', 1],
      ['1x2', 'int8', 2],
    ],
  );
  // int8 ran: neither float32 under another name, nor wrong.
  for (const { NMSE, ms } of rows) {
    assert.ok(Number(NMSE) > 1e-6 && Number(NMSE) < 3e-3 && ms > 0, `${NMSE}, ${ms} ms`);
  }
});

const built = existsSync(`${ROOT}/dist/entry/index.js`);
if (!built) console.log('skipped: cold: there is no dist (npm run build)');
(built ? smoke : smoke.skip)('cold', () => {
  const { rows } = bench('cold.ts', '--only', 'albert-wasm', '--rounds', '1');
  assert.equal(
    rows.map((row: Record<string, unknown>) => row.runtime),
    [
      'albert-wasm',
      'albert-wasm, int8 file',
      'albert-wasm, float32 file',
      'albert-wasm, PyTorch zip',
      'albert-wasm, PyTorch older format',
      'albert-wasm, PyTorch transposed',
    ],
  );
  // Memory for the weights at least, and for no second copy of the checkpoint.
  for (const row of rows) assert.ok(row['times the weights'] > 1 && row['peak, MB'] < 90, JSON.stringify(row));
  refused('cold.ts', '--only', 'no such runtime');
});

smoke('accuracy', () => {
  const { rows } = bench('accuracy/index.ts', '--only', 'fill-mask', '--limit', '2');
  assert.is(rows[0].float32, '2 words');
  assert.match(rows[0].cost, /%$/);
});

const installed = peersInstalled();
if (!installed) console.log('skipped: peers: they are not installed (npm run bench:peers installs them)');
(installed ? smoke : smoke.skip)('peers', () => {
  const { rows } = bench('peers/index.ts', '--shape', '1x2', '--dtype', 'float32', '--seconds', '0');
  const runtimes = rows.map((row: Record<string, unknown>) => row.runtime);
  for (const name of ['albert-wasm', 'onnxruntime-web', 'tfjs-backend-wasm']) assert.ok(runtimes.includes(name), name);
});

if (sst2Missing !== undefined) console.log(`skipped: pipeline: ${sst2Missing}`);
(sst2Missing === undefined ? smoke : smoke.skip)('pipeline', () => {
  const few = ['--sentences', '3', '--rounds', '1'];
  const { rows } = bench('pipeline/index.ts', ...few, '--only', 'albert-wasm', '--dtype', 'int8');
  assert.equal(
    rows.map(({ dtype, threads, runtime }: Record<string, unknown>) => [dtype, threads, runtime]),
    [
      ['int8', 1, 'albert-wasm'],
      ['int8', 2, 'albert-wasm'],
    ],
  );
  for (const row of rows)
    assert.ok(row['sentences/s'] > 0 && Number(row['largest difference']) > 0, JSON.stringify(row));
  const one = [...few, '--only', 'albert-wasm', '--dtype', 'float32', '--threads', '1', '--wide'];
  if (Number.parseInt(process.versions.node, 10) < 24 || process.arch !== 'x64') refused('pipeline/index.ts', ...one);
  else assert.match(bench('pipeline/index.ts', ...one).machine.tag, /-wide$/);
  refused('pipeline/index.ts', '--only', 'no such runtime');
  if (!installed) return;
  const all = bench('pipeline/index.ts', ...few, '--dtype', 'float32', '--threads', '1').rows;
  assert.is(all.length, 5);
  for (const row of all) assert.is(row['same labels'], '3 of 3', row.runtime);
});

smoke('training steps and products', () => {
  const { steps } = bench(
    'training/index.ts',
    '--only',
    'steps',
    '--model',
    'mini',
    '--texts',
    '2 mixed',
    '--threads',
    '2',
    '--seconds',
    '0',
  );
  assert.equal(
    steps.map(({ threads, activations }: Record<string, unknown>) => [threads, activations]),
    [
      [2, 'kept'],
      [2, 'recomputed'],
    ],
  );
  for (const row of steps) assert.ok(row['in forwards'] > 1 && row['tokens/s'] > 0, JSON.stringify(row));
  const { products } = bench('training/index.ts', '--only', 'products', '--tokens', '24', '--seconds', '0');
  assert.is(products.length, 8);
  for (const row of products) assert.ok(row['cpu ms'] > 0 && row['peak, Gop/s'] > 0, JSON.stringify(row));
});

const peers = trainingPeersInstalled();
if (!peers)
  console.log('skipped: the feed-forward block: its peers are not installed (npm run bench:train installs them)');
(peers ? smoke : smoke.skip)('the feed-forward block', () => {
  const { block } = bench('training/index.ts', '--only', 'block', '--block', '24x32x64', '--seconds', '0');
  const runtimes = block.map((row: Record<string, unknown>) => row.runtime);
  assert.equal(runtimes, ['albert-wasm', 'jax-js', 'jax-js, jit', 'tfjs-backend-wasm']);
});

smoke('a wrong choice is refused', () => {
  refused('kernels/index.ts', '--only', 'no such kernel');
  refused('model.ts', '--dtype', 'int4');
  refused('training/index.ts', '--only', 'no such part');
});

const page = existsSync(process.env.CHROMIUM ?? '/usr/bin/chromium');
if (!page) console.log('skipped: browser: there is no Chromium');
(page ? smoke : smoke.skip)('browser', () => {
  const { kernels, machine } = bench('browser/index.ts', '--only', 'gelu_new 128x3072', '--seconds', '0.01');
  assert.equal([kernels.length, kernels[0].name], [1, 'gelu_new 128x3072']);
  assert.match(machine.engine, /^Chromium/);
  const { forwards } = bench('browser/index.ts', '--only', '1x16 int8', '--seconds', '0.01');
  assert.equal([forwards.length, forwards[0].dtype], [1, 'int8']);
});

smoke.run();
