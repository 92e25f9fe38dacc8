/** The packages as they are published: what is in them, and that a newcomer's first lines run with nothing else installed. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('published packages');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODELS = ['albert-mini-en', 'albert-mini-en-ner', 'albert-mini-en-sst2', 'albert-mini-en-sts'] as const;
/** Files of one model alone: sentence-transformers'. */
const EMBEDDING = ['1_Pooling/config.json', 'modules.json', 'sentence_bert_config.json'];
const ofItsOwn = (name: string) => (name === 'albert-mini-en-sts' ? EMBEDDING : []);
const readJson = (path: string) => JSON.parse(readFileSync(`${ROOT}/${path}`, 'utf8'));
const run = promisify(execFile);
const folder = mkdtempSync(`${tmpdir()}/albert-wasm-published-`);

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** Packs a package of the repository into the folder. */
async function pack(path: string): Promise<Packed> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, `${ROOT}/${path}`]);
  const packed = JSON.parse(stdout);
  // Since npm 11 by the package's name, before that a list.
  return Object.values(packed)[0] as Packed;
}

/** Runs a module as a process of its own. */
async function runModule(name: string, code: string, ...flags: string[]): Promise<string> {
  writeFileSync(`${folder}/${name}`, code);
  return (await run(process.execPath, [...flags, name], { cwd: folder })).stdout;
}

let library: Packed;
let sst2: Packed;

test.before(async () => {
  [library, sst2] = await Promise.all([pack('.'), pack('models/albert-mini-en-sst2')]);
});

test.after(() => rmSync(folder, { recursive: true }));

test('the library: built code and kernels, 820 KB at most, no model', () => {
  assert.ok(library.size <= 820_000, `${library.size} bytes`);
  for (const [page, pattern] of [
    ['README.md', /a download of ([\d.]+) MB/],
    ['docs/comparison.md', /([\d.]+) MB packed/],
  ] as const) {
    const [, stated] = pattern.exec(readFileSync(`${ROOT}/${page}`, 'utf8')) ?? [];
    assert.ok(Math.abs(library.size / 1e6 - Number(stated)) < 0.01, `${page}: ${stated} MB, ${library.size} bytes`);
  }
  const paths = library.files.map(({ path }) => path);
  const builds = ['relaxed-threads', 'relaxed', 'simd-threads', 'simd', 'scalar'];
  const modules = builds.flatMap((name) => [`build/${name}.wasm`, `build/training-${name}.wasm`]);
  const kernels = [...modules, 'build/scalar.js'];
  const page = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
  assert.equal(paths.filter((path) => !path.startsWith('dist/')).sort(), [...kernels, ...page].sort());
  for (const path of paths.filter((path) => path.startsWith('dist/'))) assert.match(path, /\.(js|d\.ts)$/);
  const { exports, bin } = readJson('package.json');
  for (const target of [
    ...Object.values(exports['.']),
    ...Object.values(exports['./training']),
    ...Object.values(bin),
  ]) {
    assert.ok(paths.includes(String(target).replace('./', '')), `${target} is not in the package`);
  }
});

test('a model: its files, their URLs, its licence and sources, in the versions that the library knows', async () => {
  const { peerDependencies, peerDependenciesMeta, version } = readJson('package.json');
  assert.equal(
    Object.keys(peerDependencies),
    MODELS.map((name) => `@albert-wasm/${name}`),
  );
  for (const name of MODELS) {
    const { filename, files } = name === 'albert-mini-en-sst2' ? sst2 : await pack(`models/${name}`);
    assert.match(filename, /\.tgz$/);
    const common = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
    const checkpoint = [...common, ...ofItsOwn(name)].sort();
    const page = ['LICENSE', 'README.md', 'index.d.ts', 'index.js', 'node.js', 'package.json', 'spiece.model'];
    assert.equal(files.map(({ path }) => path).sort(), [...checkpoint, ...page].sort());
    const urls: Record<string, URL> = (await import(`@albert-wasm/${name}`)).default;
    assert.equal(Object.keys(urls).sort(), checkpoint);
    for (const [file, url] of Object.entries(urls)) assert.ok(url.href.endsWith(`/models/${name}/${file}`), url.href);
    assert.is(readFileSync(`${ROOT}/models/${name}/LICENSE`, 'utf8'), readFileSync(`${ROOT}/LICENSE`, 'utf8'));
    assert.match(readFileSync(`${ROOT}/models/${name}/README.md`, 'utf8'), /Wikipedia[\s\S]*CC BY-SA 3\.0/);
    const { license, ...manifest } = readJson(`models/${name}/package.json`);
    assert.is(license, 'Apache-2.0');
    assert.is(manifest.version, version);
    assert.is(peerDependencies[`@albert-wasm/${name}`], `^${version}`);
    assert.equal(peerDependenciesMeta[`@albert-wasm/${name}`], { optional: true });
  }
});

test('the code of all models is one, but for names: each package stands alone', () => {
  const codeOf = (name: string) =>
    ['index.js', 'index.d.ts', 'node.js'].map((file) => {
      const lines = readFileSync(`${ROOT}/models/${name}/${file}`, 'utf8').split('\n');
      const text = lines.filter((line) => !ofItsOwn(name).some((own) => line.includes(`'${own}'`))).join('\n');
      return text
        .replaceAll(`'@albert-wasm/${name}'`, "'@albert-wasm/…'")
        .replaceAll(`@albert-wasm/${name}/`, '@albert-wasm/…/');
    });
  const manifestOf = (name: string) => readJson(`models/${name}/package.json`);
  const shared = manifestOf(MODELS[0]);
  for (const model of MODELS) {
    assert.equal(codeOf(model), codeOf(MODELS[0]), model);
    const { name, description, keywords } = manifestOf(model);
    assert.is(name, `@albert-wasm/${model}`);
    const { files, ...manifest } = manifestOf(model);
    const { files: common, ...rest } = shared;
    assert.equal(manifest, { ...rest, name, description, keywords }, model);
    assert.equal([...files].sort(), [...common, ...ofItsOwn(model)].sort(), model);
  }
});

test('a newcomer: install both, run the lines of README.md', async () => {
  writeFileSync(`${folder}/package.json`, JSON.stringify({ type: 'module', private: true }));
  const tarballs = [library, sst2].map(({ filename }) => `./${filename}`);
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=1', '--fetch-timeout=20000'];
  try {
    await run('npm', ['install', ...flags, ...tarballs], { cwd: folder });
  } catch (error) {
    const { stderr } = error as { stderr: string };
    if (!/EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|E40[13]|network/i.test(stderr)) throw error;
    console.log('\nskipped: no registry to install from');
    return;
  }
  assert.equal(readdirSync(`${folder}/node_modules/@albert-wasm`), ['albert-mini-en-sst2']);
  const lines = readFileSync(`${ROOT}/README.md`, 'utf8').match(/## Quick start[\s\S]*?```js\n([\s\S]*?)```/)?.[1];
  assert.match(await runModule('readme.js', lines as string), /POSITIVE/);
  const byName = `
    import { pipeline } from 'albert-wasm';
    const classify = await pipeline('sentiment-analysis', undefined, { threads: 2 });
    console.log((await classify('What a dreadful day'))[0].label, classify.model.info().threads);
    await classify.dispose();
    await pipeline('fill-mask').catch(({ code, message }) => console.log(code, message));
  `;
  const answer = await runModule('by-name.js', byName);
  assert.match(
    answer,
    /^NEGATIVE 2\nERR_SOURCE "source" expected a model for fill-mask.*npm install @albert-wasm\/albert-mini-en`/,
  );
  // Whichever small model is installed.
  const { stdout } = await run('npx', ['--no-install', 'albert-wasm', 'info'], { cwd: folder });
  assert.match(JSON.parse(stdout).model, 'node_modules/@albert-wasm/albert-mini-en-sst2');
});

test('importing the library reads at most 20 files and 220 KB', () => {
  // What an import takes is this and the machine; the machine is not ours to test.
  const read = new Map<string, number>();
  const follow = (path: string): void => {
    if (read.has(path)) return;
    const code = readFileSync(path, 'utf8');
    read.set(path, code.length);
    for (const [, file] of code.matchAll(/(?:\bfrom|\bimport)\s*["'](\.[^"']+)["']/g)) {
      follow(resolve(dirname(path), file as string));
    }
  };
  follow(`${ROOT}/dist/node/index.js`);
  const bytes = [...read.values()].reduce((sum, size) => sum + size, 0);
  assert.ok(read.size > 5 && bytes > 100_000, `${read.size} files were followed`);
  assert.ok(read.size <= 20 && bytes <= 220_000, `${read.size} files of ${bytes} bytes`);
});

test('the command line is one file beside the library’s, and knows its version', async () => {
  const { bin, version } = readJson('package.json');
  const paths = library.files.map(({ path }) => path);
  const ofCommandLine = paths.filter((path) => /^dist\/(node\/)?(cli|entry\/cli\.)/.test(path));
  assert.equal(ofCommandLine, ['dist/node/cli.js']);
  const cli = `${ROOT}/${bin['albert-wasm']}`;
  assert.is((await run(process.execPath, [cli, '--version'])).stdout, `${version}\n`);
  // Its task's module and the model's package are found from there too.
  assert.match((await run(process.execPath, [cli, 'classify', 'A lovely film.'])).stdout, /"label":"POSITIVE"/);
});

test.run();
