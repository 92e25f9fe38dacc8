/** The choice of a build and of int8's activations: whatever compiles its code and however, int8 products come out right. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const kernels = suite('choice of kernels');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Prints the build, the bits of int8's activations and the share of error in its answer. */
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
  console.log(JSON.stringify({ kernels: info.kernels, bits: info.activationBits, error }));
`;
// Relaxed SIMD is behind a flag in Node 20, and wrong in its baseline compiler; later the flag is gone.
const relaxed = process.version.startsWith('v20.') ? ['--experimental-wasm-relaxed-simd'] : [];

/** Flags of V8 that make a lesser processor of this one. */
const LESSER = [['--no-enable-avx-vnni'], ['--no-enable-avx-vnni', '--no-enable-avx2'], ['--no-enable-avx']].map(
  (flags) => [...flags, '--no-enable-avx-vnni-int8'],
);
const CPUINFO = '/proc/cpuinfo';
const VNNI = existsSync(CPUINFO) && /\bavx_vnni\b/.test(readFileSync(CPUINFO, 'utf8'));
const knows = (flags: readonly string[]) => spawnSync(process.execPath, [...flags, '-e', '0']).status === 0;
const x64 = process.arch === 'x64' && relaxed.length === 0 && knows(LESSER[0] as string[]);
if (!x64) console.log('skipped: lesser processors: this Node or machine cannot play them');

for (const flags of [
  [],
  relaxed,
  [...relaxed, '--liftoff-only'],
  [...relaxed, '--no-liftoff'],
  ...(x64 ? LESSER : []),
]) {
  kernels(`node ${flags.join(' ')}`, () => {
    const source = ['--import', 'tsx', '--conditions=@albert-wasm/source', '--input-type=module', '-e', SCRIPT];
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, ...source], { cwd: ROOT, encoding: 'utf8' });
    assert.ok(stdout.startsWith('{'), stderr);
    const { error, kernels, bits } = JSON.parse(stdout);
    assert.ok(error < 0.05, `${kernels}: ${error}`);
    if (relaxed.length === 0) assert.is(kernels, 'relaxed-simd');
    if (kernels === 'relaxed-simd') {
      assert.ok(bits === 7 || (bits === 8 && !LESSER.includes(flags)), `${bits} bits`);
      if (x64 && VNNI && !LESSER.includes(flags)) assert.is(bits, 8, 'this processor has AVX-VNNI');
    } else {
      assert.is(bits, 13);
    }
  });
}

kernels.run();
