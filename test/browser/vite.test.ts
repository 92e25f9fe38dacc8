/** The package in a page: built by Vite, run by headless Chromium, the same scores as in Node. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, createServer, type InlineConfig, type PreviewServer, preview } from 'vite';
import { type ModelInfo, pipeline } from '../../src/index.js';
import { sendFile, TestHub, times } from '../hub/server.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const browserTest = suite('browser');

let browser: Browser;
let directory: string;

browserTest.before(async () => {
  directory = await mkdtemp(`${tmpdir()}/albert-wasm-page-`);
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
});

browserTest.after(async () => {
  await browser.close();
  await rm(directory, { recursive: true });
});

/** What makes a page cross-origin isolated, so that it may share memory with workers. */
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** The page's configuration: the package as it is published, the model as the bundler copies it. */
function config(headers: Record<string, string>): InlineConfig {
  return {
    root: path('page'),
    configFile: false,
    logLevel: 'error',
    cacheDir: `${directory}/cache`,
    resolve: { alias: { 'albert-wasm': path('../../dist/index.js') } },
    build: { outDir: `${directory}/dist`, target: 'esnext' },
    server: { port: 0, headers, fs: { allow: [path('../..')] } },
    preview: { port: 0, headers },
  };
}

/** Opens the page and compares its answer with Node's. Returns the model's `info()`. */
async function check(url: string): Promise<ModelInfo> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  try {
    await page.goto(url);
    await page.waitForFunction(() => document.querySelector('#answer')?.textContent !== '', undefined, {
      timeout: 60_000,
    });
    const answer = JSON.parse((await page.textContent('#answer')) ?? '');
    assert.is(answer.error, undefined);
    await using classify = await pipeline('sentiment-analysis');
    const labels = await classify('What a lovely day', { top_k: 2 });
    labels.forEach(({ label, score }, i) => {
      assert.is(answer.labels[i].label, label);
      assert.ok(
        Math.abs(answer.labels[i].score - score) < 1e-5,
        `${answer.labels[i].score} in the page, ${score} in Node`,
      );
    });
    assert.match(answer.info.kernels, /simd/);
    assert.equal(errors, []);
    return answer.info;
  } finally {
    await page.close();
  }
}

/** One thread, two, and two where the page may not share memory. */
async function checkThreads(serve: (headers: Record<string, string>) => Promise<Served>): Promise<void> {
  for (const [headers, wanted, threads, why] of [
    [{}, 1, 1, undefined],
    [ISOLATED, 2, 2, undefined],
    [{}, 2, 1, /not cross-origin isolated/],
  ] as const) {
    const server = await serve(headers);
    try {
      const info = await check(`${server.resolvedUrls?.local[0]}?threads=${wanted}`);
      assert.is(info.threads, threads, info.whyNotThreaded);
      assert.match(info.whyNotThreaded ?? '', why ?? /^$/);
    } finally {
      await server.close();
    }
  }
}

type Served = Pick<PreviewServer, 'resolvedUrls' | 'close'>;

browserTest('Vite, built', async () => {
  await build(config({}));
  await checkThreads((headers) => preview(config(headers)));
});

browserTest('Vite, development server', () =>
  checkThreads(async (headers) => {
    const server = await createServer(config(headers));
    return server.listen();
  }),
);

browserTest('Vite, development server, both packages installed: bundled beforehand as dependencies are', async () => {
  const root = `${directory}/installed`;
  const modules = `${root}/node_modules`;
  await mkdir(`${modules}/@albert-wasm`, { recursive: true });
  await cp(path('page'), root, { recursive: true });
  for (const part of ['package.json', 'dist', 'build'])
    await cp(path(`../../${part}`), `${modules}/albert-wasm/${part}`, { recursive: true });
  const model = 'albert-mini-en-sst2';
  await cp(path(`../../models/${model}`), `${modules}/@albert-wasm/${model}`, { recursive: true });
  for (const name of ['@assemblyscript', 'wasm-feature-detect', 'pbf'])
    await symlink(path(`../../node_modules/${name}`), `${modules}/${name}`);
  const cacheDir = `${modules}/.vite`;
  const server = await createServer({ ...config({}), root, cacheDir, resolve: {}, server: { port: 0 } });
  try {
    await server.listen();
    await check(`${server.resolvedUrls?.local[0]}?threads=1`);
    const bundled = readdirSync(`${cacheDir}/deps`);
    assert.ok(bundled.includes('albert-wasm.js') && bundled.includes(`@albert-wasm_${model}.js`), bundled.join(', '));
  } finally {
    await server.close();
  }
});

browserTest('a Hub id: fetched past redirects to another origin, verified, kept in the Cache', async () => {
  const folder = new URL('../../models/albert-mini-en-sst2/', import.meta.url);
  const lfs = /safetensors|model$/;
  const hub = await TestHub.start(
    new Map(
      readdirSync(folder).map((name) => [name, { bytes: readFileSync(new URL(name, folder)), lfs: lfs.test(name) }]),
    ),
  );
  hub.token = 'hf_secret';
  hub.faults.push(
    times(1, 'GET /model.safetensors', (request, response, file) => sendFile(request, response, file!, '"x"', 99)),
  );
  const server = await createServer(config({}));
  try {
    await server.listen();
    const url = `${server.resolvedUrls?.local[0]}hub.html?endpoint=${hub.endpoint}`;
    await check(url);
    const onCdn = hub.requests.filter(({ host }) => host === 'cdn');
    assert.ok(onCdn.some(({ headers }) => headers.range !== undefined));
    for (const { headers } of onCdn) assert.is(headers.authorization, undefined);
    assert.ok(hub.requests.some(({ url }) => url.includes('/raw/')));
  } finally {
    await server.close();
    hub.close();
  }
});

if (existsSync(CHROMIUM)) {
  browserTest.run();
} else {
  const missing = suite('browser');
  missing.skip('needs Chromium');
  missing.run();
  console.log(`skipped: no Chromium at ${CHROMIUM} (apt-get install chromium)`);
}
