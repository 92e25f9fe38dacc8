/** The package in a page: built by Vite, run by headless Chromium, the same scores as in Node. */
import { readdirSync } from 'node:fs';
import { cp, mkdir, symlink } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { build, createServer, type PreviewServer, preview } from 'vite';
import { type LabelScore, type ModelInfo, pipeline } from '../../src/entry/index.js';
import { answerOf, browserSuite, pagesConfig, path } from './chromium.js';
import { ISOLATED } from './engines/headers.js';

browserSuite('browser', (browserTest, surroundings) => {
  const config = (headers: Record<string, string>) => pagesConfig(surroundings().directory, headers);

  /** Opens the page and compares its answer with Node's. Returns the model's `info()`. */
  async function check(url: string): Promise<ModelInfo> {
    const answer = await answerOf<{ labels: LabelScore[]; info: ModelInfo }>(surroundings().browser, url);
    await using classify = await pipeline('sentiment-analysis');
    const labels = await classify('What a lovely day', { top_k: 2 });
    labels.forEach(({ label, score }, i) => {
      const got = answer.labels[i] as LabelScore;
      assert.is(got.label, label);
      assert.ok(Math.abs(got.score - score) < 1e-5, `${got.score} in the page, ${score} in Node`);
    });
    assert.match(answer.info.kernels, /simd/);
    assert.is(answer.info.whyNoWorker, undefined);
    return answer.info;
  }

  /** In a worker: one thread, two; in two workers, where the page may not share memory. */
  async function checkThreads(serve: (headers: Record<string, string>) => Promise<Served>): Promise<void> {
    for (const [headers, wanted, threads, workers, why] of [
      [{}, 1, 1, 1, undefined],
      [ISOLATED, 2, 2, 1, undefined],
      [{}, 2, 1, 2, /not cross-origin isolated/],
    ] as const) {
      const server = await serve(headers);
      try {
        const info = await check(`${server.resolvedUrls?.local[0]}?threads=${wanted}`);
        assert.equal([info.threads, info.workers], [threads, workers], info.whyNotThreaded);
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
    const root = `${surroundings().directory}/installed`;
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
});
