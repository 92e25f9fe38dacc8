/** What a page loads of the package: only what it imports, and how much that is. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, type Rolldown } from 'vite';

const test = suite('what a page loads');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let root: string;

test.before(() => {
  root = mkdtempSync(`${tmpdir()}/albert-wasm-page-`);
  mkdirSync(`${root}/node_modules`);
  symlinkSync(ROOT, `${root}/node_modules/albert-wasm`);
  symlinkSync(`${ROOT}/models`, `${root}/node_modules/@albert-wasm`);
  writeFileSync(`${root}/index.html`, '<script type="module" src="./main.js"></script>');
});

test.after(() => rmSync(root, { recursive: true }));

interface Bundled {
  /** The scripts that the page loads at once. */
  readonly code: string;
  /** Their bytes with gzip, and those of the worker that runs models. */
  readonly gzip: number;
  readonly workerGzip: number;
  /** The scripts that are loaded when something is met, and their bytes with gzip. */
  readonly later: string;
  readonly laterGzip: number;
  /** The names of the files beside them. */
  readonly assets: readonly string[];
}

/** Builds a page of one script. */
async function bundle(script: string): Promise<Bundled> {
  writeFileSync(`${root}/main.js`, script);
  const options = { root, configFile: false, logLevel: 'error', build: { target: 'esnext', write: false } } as const;
  const { output } = (await build(options)) as Rolldown.RolldownOutput;
  const worker = output.flatMap((file) =>
    /entry-[\w-]+\.js$/.test(file.fileName) && 'source' in file ? file.source : [],
  );
  const chunks = output.filter((file): file is Rolldown.OutputChunk => file.type === 'chunk');
  const atOnce = new Set(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName));
  // A set's iteration reaches what is added on the way.
  for (const name of atOnce)
    for (const found of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) atOnce.add(found);
  const scripts = (now: boolean) =>
    chunks.filter(({ fileName }) => atOnce.has(fileName) === now).map(({ code }) => code);
  const gzipped = (codes: readonly (string | Uint8Array)[]) =>
    codes.reduce((sum, code) => sum + gzipSync(code).length, 0);
  return {
    code: scripts(true).join('\n'),
    gzip: gzipped(scripts(true)),
    workerGzip: gzipped(worker),
    later: scripts(false).join('\n'),
    laterGzip: gzipped(scripts(false)),
    assets: output.flatMap((file) => (file.type === 'asset' ? file.names : [])),
  };
}

test('a page that classifies: as much JavaScript as README.md says, the model and the kernels', async () => {
  const { code, gzip, workerGzip, assets, later, laterGzip } = await bundle(`
    import model from '@albert-wasm/albert-mini-en-sst2';
    import { pipeline } from 'albert-wasm';
    const classify = await pipeline('sentiment-analysis', model);
    document.body.textContent = JSON.stringify(await classify('What a lovely day'));
  `);
  const readme = readFileSync(`${ROOT}/README.md`, 'utf8').replaceAll(/\s+/g, ' ');
  const [, all, inWorker] =
    /loads (\d+) KB of JavaScript with them \(gzip\), (\d+) KB of it in the worker/.exec(readme) ?? [];
  const [got, stated] = [`${gzip} bytes and ${workerGzip} in the worker`, `README.md says ${all} and ${inWorker} KB`];
  const right =
    Math.abs((gzip + workerGzip) / 1000 - Number(all)) < 1 && Math.abs(workerGzip / 1000 - Number(inWorker)) < 1;
  assert.ok(right, `${got}, ${stated}`);
  for (const name of ['simd.wasm', 'relaxed.wasm', 'model.safetensors', 'tokenizer.json']) {
    assert.ok(assets.includes(name), `${name} is not among ${assets.join(', ')}`);
  }
  for (const trace of TRACES) assert.ok(code.includes(trace), `${trace} tells nothing of what is bundled`);
  // The readers of Flax's and PyTorch's files are loaded by the page when one is met; its worker has none of them.
  for (const trace of RARE) {
    assert.not.ok(code.includes(trace), `${trace} is loaded at once`);
    assert.ok(later.includes(trace), `${trace} tells nothing of what is loaded later`);
  }
  // The readers of rare formats, and the code of all tasks but this one.
  assert.ok(laterGzip < 27_500, `${laterGzip} bytes`);
});

/** What minified code shows of readers that most pages do not need. */
const RARE = ['_rebuild_tensor_v2', 'zip archive', 'tf_model'];

/** What minified code shows of kernels, models, checkpoints and pipelines. */
const TRACES = ['.wasm', 'WebAssembly', 'last_hidden_state', 'model.safetensors', 'sentiment-analysis'];

test('a page that only tokenizes: no kernels, no models', async () => {
  const { code, gzip } = await bundle(`
    import { AlbertTokenizer } from 'albert-wasm';
    console.log(await AlbertTokenizer.from_pretrained('/tokenizer/'));
  `);
  for (const trace of TRACES) assert.not.ok(code.includes(trace), trace);
  assert.ok(gzip < 24_500, `${gzip} bytes`);
});

test('a page that only multiplies: the kernels, no models, as much JavaScript as docs/kernels.md says', async () => {
  const { code, gzip, assets } = await bundle(`
    import { loadKernels } from 'albert-wasm/kernels';
    const k = await loadKernels();
    document.body.textContent = k.matmul(new Float32Array(6), new Float32Array(6), 2, 3, 2).join();
  `);
  for (const trace of ['last_hidden_state', 'model.safetensors', 'sentiment-analysis']) {
    assert.not.ok(code.includes(trace), trace);
  }
  for (const name of ['simd.wasm', 'scalar.wasm', 'scalar.js']) assert.ok(assets.includes(name), assets.join(', '));
  const docs = readFileSync(`${ROOT}/docs/kernels.md`, 'utf8').replaceAll(/\s+/g, ' ');
  const [, stated] = /loads (\d+) KB of JavaScript \(gzip\)/.exec(docs) ?? [];
  assert.ok(Math.abs(gzip / 1000 - Number(stated)) < 1, `${gzip} bytes, docs/kernels.md says ${stated} KB`);
});

test.run();
