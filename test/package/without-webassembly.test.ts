/** The package as it is built, in processes that have no WebAssembly: the JavaScript kernels, and what is said where they lack. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ModelInfo, pipeline } from '../../src/entry/index.js';

const test = suite('without WebAssembly');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TEXTS = ['What a lovely day', 'The plot makes no sense and the jokes fall flat.'];

interface Classified {
  readonly scores: readonly number[];
  readonly info: ModelInfo;
}

await using classify = await pipeline('sentiment-analysis');
const wanted = (await classify(TEXTS)).map(([best]) => best?.score ?? Number.NaN);

test('a sentence is classified as with SIMD', () => {
  const script = `
    delete globalThis.WebAssembly;
    const { pipeline } = await import('./dist/entry/index.js');
    const classify = await pipeline('sentiment-analysis', undefined, { dtype: process.argv[1] });
    const answers = await classify(${JSON.stringify(TEXTS)});
    console.log(JSON.stringify({ scores: answers.map(([best]) => best.score), info: classify.model.info() }));
  `;
  const args = ['--input-type=module', '-e', script];
  const run = (dtype: string) =>
    JSON.parse(execFileSync(process.execPath, [...args, dtype], { cwd: ROOT, encoding: 'utf8' })) as Classified;
  const got = run('float32');
  got.scores.forEach((score, i) => {
    assert.ok(Math.abs(score - wanted[i]!) < 1e-5, `${score}, not ${wanted[i]}`);
  });
  assert.is(got.info.kernels, 'scalar');
  assert.is(got.info.whyNotSimd, 'this engine has no WebAssembly');
  const { scores, info } = run('int8');
  assert.is(info.dtype, 'int8');
  scores.forEach((score, i) => {
    assert.ok(Math.abs(score - wanted[i]!) < 0.03, `${score}, not about ${wanted[i]}`);
  });
});

test('where nothing runs: ERR_ENVIRONMENT, and why', () => {
  const project = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    cpSync(`${ROOT}/package.json`, `${project}/package.json`);
    cpSync(`${ROOT}/dist`, `${project}/dist`, { recursive: true });
    symlinkSync(`${ROOT}/node_modules`, `${project}/node_modules`);
    const script = `
      delete globalThis.WebAssembly;
      const { loadKernels } = await import('./dist/entry/kernels.js');
      await loadKernels().catch(({ code, message }) => console.log(code, message));
    `;
    const args = ['--input-type=module', '-e', script];
    const output = execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    assert.match(output, /^ERR_ENVIRONMENT this engine has no WebAssembly, and its substitute cannot be loaded: /);
  } finally {
    rmSync(project, { recursive: true });
  }
});

test.run();
