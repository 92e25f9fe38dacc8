/** The choice of a build: whatever compiles its code and however, int8 products come out right. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const kernels = suite('choice of kernels');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Prints the build and the share of error in int8's answer. */
const SCRIPT = `
  import { AlbertModel } from './src/model/models.ts';
  import { TINY, TINY_INPUTS } from './test/support/tiny.ts';
  const answers = [];
  let info;
  for (const dtype of ['float32', 'int8']) {
    const model = await AlbertModel.from_config(TINY, { seed: 1, dtype });
    info = model.info();
    answers.push((await model.forward(TINY_INPUTS)).last_hidden_state.data);
  }
  const [x, y] = answers;
  const error = x.reduce((sum, v, i) => sum + (v - y[i]) ** 2, 0) / x.reduce((sum, v) => sum + v * v, 0);
  console.log(JSON.stringify({ kernels: info.kernels, error }));
`;
// Relaxed SIMD is behind a flag in Node 20, and wrong in its baseline compiler; later the flag is gone.
const relaxed = process.version.startsWith('v20.') ? ['--experimental-wasm-relaxed-simd'] : [];

for (const flags of [[], relaxed, [...relaxed, '--liftoff-only'], [...relaxed, '--no-liftoff']]) {
  kernels(`node ${flags.join(' ')}`, () => {
    const source = ['--import', 'tsx', '--conditions=@albert-wasm/source', '--input-type=module', '-e', SCRIPT];
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, ...source], { cwd: ROOT, encoding: 'utf8' });
    assert.ok(stdout.startsWith('{'), stderr);
    const { error, kernels } = JSON.parse(stdout);
    assert.ok(error < 0.05, `${kernels}: ${error}`);
    if (relaxed.length === 0) assert.is(kernels, 'relaxed-simd');
  });
}

kernels.run();
