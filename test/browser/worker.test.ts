/** A model in a Web Worker: the page stays free, an unavailable worker is reported or done without, and no worker is left. */
import * as assert from 'uvu/assert';
import { build, type PreviewServer, preview } from 'vite';
import type { ModelInfo } from '../../src/entry/index.js';
import { answerOf, browserSuite, pagesConfig } from './chromium.js';
import { ISOLATED } from './engines/headers.js';

interface Answer {
  readonly longest: number;
  readonly info: ModelInfo;
  readonly scores: readonly number[];
}

/** What neighbours on the machine do to a page passes; what the page does itself comes again. */
const TRIES = 5;

browserSuite('a model in a Web Worker', (test, surroundings) => {
  let server: PreviewServer;
  const open = async (headers: Record<string, string>) => {
    await server?.close();
    server = await preview(pagesConfig(surroundings().directory, headers));
  };
  const ask = (query = '', look?: Parameters<typeof answerOf>[2]) =>
    answerOf<Answer>(surroundings().browser, `${server.resolvedUrls?.local[0]}worker.html?${query}`, look);

  test.before(async () => {
    const config = pagesConfig(surroundings().directory);
    await build({ ...config, build: { ...config.build, rolldownOptions: { input: `${config.root}/worker.html` } } });
  });
  test.after(() => server.close());

  test('100 texts: no turn of the page’s event loop takes 50 ms; without a worker some do', async () => {
    await open(ISOLATED);
    const local = await ask('worker=false');
    assert.is(local.info.workers, 0);
    assert.ok(local.longest > 50, `the measurement misses what takes long: ${local.longest} ms`);
    // On a busy machine every turn is longer, those of the page's own computing too.
    const bound = Math.max(50, local.longest / 4);
    const turns: number[] = [];
    for (let attempt = 0; attempt < TRIES && !(turns.at(-1)! < bound); attempt++) {
      const { longest, info, scores } = await ask();
      assert.is(info.workers, 1);
      assert.is(scores.length, 100);
      turns.push(longest);
    }
    console.log(
      `\nlongest turns: ${turns.map((turn) => turn.toFixed(1)).join(', ')} ms; without a worker ${local.longest}`,
    );
    assert.ok(turns.at(-1)! < bound, `longest turns: ${turns} ms; without a worker ${local.longest}`);
    const remote = await ask('worker=true');
    assert.equal(remote.scores, local.scores);
  });

  test('its worker is gone when it is disposed of', async () => {
    // The browser tells of its end after the page has its answer.
    await ask('', async (page) => {
      const worker = page.workers()[0];
      if (worker !== undefined) await worker.waitForEvent('close', { timeout: 10_000 }).catch(() => {});
      assert.is(page.workers().length, 0);
    });
  });

  test('no worker available: the page’s own thread and why, or ERR_WORKER where one was asked for', async () => {
    for (const [headers, query, words] of [
      [{}, `workerUrl=${encodeURIComponent('http://localhost:1/none.js')}`, /worker/],
      [{}, `workerUrl=${encodeURIComponent(`${server.resolvedUrls?.local[0]}none.js`)}`, /cannot be loaded; workerUrl/],
      [{ 'Content-Security-Policy': "worker-src 'none'" }, '', /worker/],
    ] as const) {
      await open(headers);
      const { info } = await ask(query);
      assert.is(info.workers, 0, query);
      assert.match(info.whyNoWorker ?? '', words, query);
      const refused = await ask(`${query}&worker=true`).catch((error: Error) => error);
      assert.match((refused as Error).message, /ERR_WORKER/, query);
    }
  });
});
