/** A Chrome extension of manifest version 3: a page, the service worker, and the example with its offscreen document. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { type BrowserContext, chromium, type Worker } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build } from 'vite';
import { type LabelScore, type ModelInfo, type PipelineOptions, pipeline } from '../../src/entry/index.js';
import { CHROMIUM, path } from './chromium.js';

interface Answer {
  readonly labels: readonly LabelScore[];
  readonly info: ModelInfo;
  readonly code?: string;
  readonly message?: string;
}

const NO_WORKER = /^a worker cannot be started: this thread cannot start workers; in an extension, offscreen documents/;

const test = suite('an extension');
let folder: string;

/** Builds an extension, installs it in a browser of its own, and gives its service worker and the address of its files. */
async function install(
  root: string,
  use: (context: BrowserContext, worker: Worker, origin: string) => Promise<void>,
  policy?: string,
): Promise<void> {
  const outDir = `${folder}/built`;
  const config = existsSync(`${root}/vite.config.js`) ? `${root}/vite.config.js` : false;
  const entries = { page: `${root}/page.html`, background: `${root}/background.js` };
  const own = { rolldownOptions: { input: entries, output: { entryFileNames: '[name].js' } } };
  await build({
    root,
    configFile: config,
    logLevel: 'error',
    resolve: { alias: { 'albert-wasm': path('../../dist/entry/index.js') } },
    build: { outDir, emptyOutDir: true, target: 'esnext', ...(config === false && own) },
  });
  const manifest = JSON.parse(await readFile(`${outDir}/manifest.json`, 'utf8'));
  if (policy !== undefined) manifest.content_security_policy = { extension_pages: policy };
  await writeFile(`${outDir}/manifest.json`, JSON.stringify(manifest));
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  const context = await chromium.launchPersistentContext(`${folder}/profile`, {
    executablePath: CHROMIUM,
    ignoreDefaultArgs: ['--disable-extensions'],
    args: [...args, `--disable-extensions-except=${outDir}`, `--load-extension=${outDir}`],
  });
  try {
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'));
    await use(context, worker, new URL('.', worker.url()).href);
  } finally {
    await context.close();
    await rm(`${folder}/profile`, { recursive: true });
  }
}

async function check({ labels, message, info }: Answer): Promise<void> {
  assert.is(message, undefined);
  await using classify = await pipeline('sentiment-analysis');
  for (const [i, { label, score }] of (await classify('What a lovely day', { top_k: 2 })).entries()) {
    assert.is(labels[i]?.label, label);
    assert.ok(Math.abs((labels[i] as LabelScore).score - score) < 1e-5, `${labels[i]?.score}, ${score} in Node`);
  }
  assert.match(info.kernels, /simd/);
}

const run = (options: PipelineOptions) =>
  (globalThis as unknown as { classify(options: object): Promise<Answer> }).classify(options);

if (existsSync(CHROMIUM)) {
  test.before(async () => {
    folder = await mkdtemp(`${tmpdir()}/albert-wasm-extension-`);
  });
  test.after(() => rm(folder, { recursive: true }));

  test('a page has its worker; the service worker computes by itself, and says why', () =>
    install(path('extension'), async (context, worker, origin) => {
      const page = await context.newPage();
      await page.goto(`${origin}page.html`);
      const inPage = await page.evaluate(run, {});
      await check(inPage);
      assert.equal([inPage.info.workers, inPage.info.whyNoWorker], [1, undefined]);

      for (const options of [{}, { threads: 2 }]) {
        const inWorker = await worker.evaluate(run, options);
        await check(inWorker);
        assert.equal([inWorker.info.workers, inWorker.info.threads], [0, 1]);
        assert.match(inWorker.info.whyNoWorker as string, NO_WORKER);
      }
      const refused = await worker.evaluate(run, { worker: true });
      assert.is(refused.code, 'ERR_WORKER');
      assert.match(refused.message as string, NO_WORKER);
    }));

  test("without 'wasm-unsafe-eval': slow in a page, refused by name in the service worker, which imports nothing", () =>
    install(
      path('extension'),
      async (context, worker, origin) => {
        const page = await context.newPage();
        await page.goto(`${origin}page.html`);
        const { info } = await page.evaluate(run, {});
        assert.is(info.kernels, 'scalar');
        assert.match(info.whyNotSimd as string, /refuses to run WebAssembly: .*Content Security/);
        const { code, message } = await worker.evaluate(run, {});
        assert.is(code, 'ERR_ENVIRONMENT');
        assert.match(message as string, /import\(\) is disallowed.*'wasm-unsafe-eval' in a policy's script-src allows/);
      },
      "script-src 'self'",
    ));

  test('the example: a popup asks the service worker, whose offscreen document has the model', () =>
    install(path('../../examples/extension'), async (context, _worker, origin) => {
      const page = await context.newPage();
      await page.goto(`${origin}popup.html`);
      for (const [text, answer] of [
        ['What a lovely day', /^POSITIVE 9\d\.\d %$/],
        ['What a dreadful day', /^NEGATIVE 9\d\.\d %$/],
      ] as const) {
        await page.fill('#text', text);
        await page.press('#text', 'Enter');
        await page.waitForFunction(
          (answer) => new RegExp(answer).test(document.querySelector('#answer')?.textContent ?? ''),
          answer.source,
        );
      }
    }));
} else {
  test.skip('needs Chromium');
  console.log(`skipped: no Chromium at ${CHROMIUM} (apt-get install chromium)`);
}

test.run();
