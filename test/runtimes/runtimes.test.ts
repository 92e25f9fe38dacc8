/** The published package in other runtimes, out of other bundlers and from another origin: each gives Node's scores. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { type AlbertError, type LabelScore, type ModelInfo, pipeline } from '../../src/entry/index.js';
import { answerOf, browserSuite, path } from '../browser/chromium.js';

interface Answer extends Pick<ModelInfo, 'threads' | 'workers' | 'kernels' | 'whyNoWorker'> {
  readonly labels: readonly LabelScore[];
}

const HERE = new URL('.', import.meta.url).pathname;
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
const PAGE = (script: string) => `<!doctype html><html lang="en"><title>page</title><pre id="answer"></pre>
  <script type="module" src="${script}"></script></html>`;

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** Fails unless the scores are Node's to 1e-5, by the kernels that are available. */
async function check({ labels, kernels }: Answer, expected = /simd/): Promise<void> {
  await using classify = await pipeline('sentiment-analysis');
  const wanted = await classify('What a lovely day', { top_k: 2 });
  assert.is(labels.length, 2);
  for (const [i, { label, score }] of wanted.entries()) {
    assert.is(labels[i]?.label, label);
    assert.ok(Math.abs((labels[i]?.score as number) - score) < 1e-5, `${labels[i]?.score}, ${score} in Node`);
  }
  assert.match(kernels, expected);
}

/** Serves a folder on a port of its own. */
async function serve(folder: string, headers: Record<string, string> = {}): Promise<Server & { origin: string }> {
  const server = createServer((request, response) => {
    const file = join(folder, new URL(request.url ?? '/', 'http://localhost').pathname.replace(/\/$/, '/index.html'));
    if (!existsSync(file)) return response.writeHead(404, headers).end();
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    return response.writeHead(200, { 'Content-Type': type, ...headers }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(server, { origin: `http://127.0.0.1:${port}` });
}

if (!existsSync(`${HERE}/node_modules`)) {
  console.log('skipped: npm run test:runtimes installs what these need');
}

browserSuite('runtimes and bundlers', (test, surroundings) => {
  const project = mkdtempSync(`${tmpdir()}/albert-wasm-runtimes-`);
  const page = async (folder: string, headers?: Record<string, string>): Promise<Answer> => {
    const server = await serve(folder, headers);
    try {
      return await answerOf<Answer>(surroundings().browser, `${server.origin}/`);
    } finally {
      server.close();
    }
  };

  /** A project that has installed both packages. */
  test.before(async () => {
    await cp(`${HERE}/programs`, project, { recursive: true });
    await mkdir(`${project}/node_modules/@albert-wasm`, { recursive: true });
    symlinkSync(path('../..'), `${project}/node_modules/albert-wasm`);
    const model = '@albert-wasm/albert-mini-en-sst2';
    symlinkSync(path('../../models/albert-mini-en-sst2'), `${project}/node_modules/${model}`);
    await writeFile(`${project}/package.json`, '{ "type": "module" }');
  });
  test.after(() => rm(project, { recursive: true }));

  const RUNTIMES = [
    ['Node', process.execPath, []],
    ['Bun', `${HERE}/node_modules/@oven/bun-linux-x64/bin/bun`, ['run']],
    ['Deno', `${HERE}/node_modules/@deno/linux-x64-glibc/deno`, ['run', '--allow-all', '--node-modules-dir=manual']],
  ] as const;
  /** Runs `classify.js` or a bundle of it: it answers on the calling thread, on two threads and in a worker. */
  async function checkWays(binary: string, args: readonly string[], cwd = project): Promise<void> {
    const { stdout } = await run(binary, args, { cwd, timeout: 120_000 });
    const answers: Answer[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const answer of answers) await check(answer);
    assert.equal(
      answers.map(({ threads, workers }) => [threads, workers]),
      [
        [1, 0],
        [2, 0],
        [1, 1],
      ],
    );
  }

  for (const [name, binary, args] of RUNTIMES) {
    if (!existsSync(binary)) {
      console.log(`skipped: there is no ${name} for this machine`);
      test.skip(name);
      continue;
    }
    test(`${name}: on the calling thread, with two threads, in a worker`, async () => {
      await checkWays(binary, [...args, 'classify.js']);
    });
  }

  test('webpack: kernels, workers and the model where it has copied them', async () => {
    const webpack = require('webpack');
    const folder = `${project}/webpack`;
    const config = {
      mode: 'production',
      context: project,
      entry: './webpack.js',
      output: { path: folder, filename: 'main.js', module: true },
      experiments: { outputModule: true },
      target: ['web', 'es2022'],
      performance: false,
    };
    const stats = await promisify(webpack)(config);
    assert.not.ok(stats.hasErrors(), stats.toString());
    await writeFile(`${folder}/index.html`, PAGE('main.js'));
    const answer = await page(folder);
    await check(answer);
    assert.equal([answer.workers, answer.whyNoWorker], [1, undefined]);
    assert.ok(readdirSync(folder).some((file) => file.endsWith('.safetensors')));
    await check(await page(folder, { 'Content-Security-Policy': "script-src 'self'" }), /scalar/);
  });

  test('esbuild: the inline entry, which needs no file beside the bundle', async () => {
    const { build } = require('esbuild');
    const folder = `${project}/esbuild`;
    await build({
      absWorkingDir: project,
      entryPoints: ['page.js'],
      bundle: true,
      format: 'esm',
      minify: true,
      alias: { 'albert-wasm': 'albert-wasm/inline' },
      outfile: `${folder}/main.js`,
      logLevel: 'error',
    });
    assert.equal(readdirSync(folder), ['main.js']);
    await writeFile(`${folder}/index.html`, PAGE('main.js'));
    symlinkSync(path('../../models/albert-mini-en-sst2'), `${folder}/model`);
    const answer = await page(folder);
    await check(answer);
    assert.equal([answer.workers, answer.whyNoWorker], [1, undefined]);
  });

  test('esbuild with the main entry: what is missing, and what to do', async () => {
    const { build } = require('esbuild');
    const folder = `${project}/main-entry`;
    const outfile = `${folder}/main.js`;
    await build({ absWorkingDir: project, entryPoints: ['main-entry.js'], bundle: true, format: 'esm', outfile });
    await writeFile(`${folder}/index.html`, PAGE('main.js'));
    symlinkSync(path('../../models/albert-mini-en-sst2'), `${folder}/model`);
    const server = await serve(folder);
    try {
      const url = `${server.origin}/`;
      const faults = await answerOf<Record<string, AlbertError>>(surroundings().browser, url);
      const { model, kernels, worker } = faults;
      assert.equal([model?.code, kernels?.code, worker?.code], ['ERR_SOURCE', 'ERR_SOURCE', 'ERR_WORKER']);
      assert.match(
        model?.message as string,
        /json" expected to exist, got "no file" at http.*albert-wasm\/inline.*source/,
      );
      assert.match(
        kernels?.message as string,
        /no kernels at http.*\.wasm; .*albert-wasm\/inline.*wasmUrl and workerUrl/,
      );
      assert.match(worker?.message as string, /cannot be loaded; workerUrl .*albert-wasm\/inline/);
    } finally {
      server.close();
    }
  });

  /** Runs a bundle of `classify.js` in Node. */
  const checkBundle = (file: string, cwd = project) => checkWays(process.execPath, [file], cwd);

  for (const format of ['esm', 'cjs'] as const) {
    test(`Node, bundled by esbuild as ${format}: files that node_modules have, or an error that says so`, async () => {
      const { build } = require('esbuild');
      const bundled = { absWorkingDir: project, entryPoints: ['classify.js'], bundle: true, platform: 'node' };
      const file = format === 'esm' ? 'main.mjs' : 'main.cjs';
      const away = mkdtempSync(`${tmpdir()}/albert-wasm-away-`);
      try {
        // CommonJS has no `import.meta`, of which esbuild warns.
        await build({ ...bundled, format, outfile: `${project}/bundled/${file}`, logLevel: 'error' });
        await checkBundle(`bundled/${file}`);
        await cp(`${project}/bundled/${file}`, `${away}/${file}`);
        await checkBundle(`${away}/${file}`);
        const alone = await run(process.execPath, [file], { cwd: away }).catch(({ stderr }) => stderr);
        if (format === 'esm') assert.match(alone, /got "no file" at file:.*serverExternalPackages: \['albert-wasm'/);
        else assert.match(alone, /a bundler must leave '@albert-wasm\/albert-mini-en-sst2' external/);
      } finally {
        await rm(away, { recursive: true });
      }
    });
  }

  test('webpack for Node: kernels and model copied, workers from node_modules, no warnings', async () => {
    const webpack = require('webpack');
    const stats = await promisify(webpack)({
      mode: 'production',
      context: project,
      entry: './classify.js',
      output: { path: `${project}/webpack-node`, filename: 'main.cjs' },
      target: 'node20',
      performance: false,
    });
    assert.equal([stats.hasErrors(), stats.hasWarnings()], [false, false], stats.toString());
    await checkBundle('webpack-node/main.cjs');
  });

  test("Cloudflare's workerd: kernels compiled beforehand, the model from a server", async () => {
    const [{ build }, { Miniflare }] = [require('esbuild'), require('miniflare')];
    const folder = `${project}/workerd`;
    // As Cloudflare's own bundler does: kernels are modules of their own, beside the program.
    const compiledWasm = {
      name: 'compiled wasm',
      setup: ({ onResolve }: { onResolve: (at: object, found: (file: { path: string }) => object) => void }) =>
        onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path: `./${basename(path)}`, external: true })),
    };
    await build({
      absWorkingDir: project,
      entryPoints: ['workerd.js'],
      bundle: true,
      format: 'esm',
      conditions: ['workerd', 'worker', 'browser'],
      plugins: [compiledWasm],
      outfile: `${folder}/main.js`,
      logLevel: 'error',
    });
    const kernels = ['simd.wasm', 'relaxed.wasm'].map((name) => ({
      type: 'CompiledWasm',
      path: `${folder}/${name}`,
      contents: readFileSync(path(`../../build/${name}`)),
    }));
    const modules = [{ type: 'ESModule', path: `${folder}/main.js` }, ...kernels];
    const service = new Miniflare({ modules, modulesRoot: folder, compatibilityDate: '2026-01-01' });
    const server = await serve(path('../../models/albert-mini-en-sst2'));
    try {
      const query = new URLSearchParams({ text: 'What a lovely day', model: `${server.origin}/` });
      const response = await service.dispatchFetch(`http://service/?${query}`);
      assert.is(response.status, 200, response.statusText);
      await check((await response.json()) as Answer);
    } finally {
      server.close();
      await service.dispose();
    }
  });

  test('a page without a bundler: the library from another origin, as from a CDN', async () => {
    const folder = `${project}/page`;
    await mkdir(folder);
    const cdn = await serve(path('../../dist'), { 'Access-Control-Allow-Origin': '*' });
    try {
      const program = readFileSync(`${HERE}/programs/page.js`, 'utf8');
      await writeFile(`${folder}/main.js`, program.replace("'albert-wasm'", `'${cdn.origin}/inline.js'`));
      await writeFile(`${folder}/index.html`, PAGE('main.js'));
      symlinkSync(path('../../models/albert-mini-en-sst2'), `${folder}/model`);
      const policy = (wasm: string) => ({
        'Content-Security-Policy': `script-src 'self' ${cdn.origin} ${wasm}; worker-src blob:; connect-src 'self'`,
      });
      for (const [headers, kernels] of [
        [{}, /simd/],
        [policy("'wasm-unsafe-eval'"), /simd/],
        [policy(''), /scalar/],
      ] as const) {
        const answer = await page(folder, headers);
        await check(answer, kernels);
        assert.equal([answer.workers, answer.whyNoWorker], [1, undefined]);
      }
    } finally {
      cdn.close();
    }
  });
});
