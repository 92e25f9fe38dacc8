/** Pages under a Content-Security-Policy: SIMD where WebAssembly is allowed by name, JavaScript kernels where it is not. */
import * as assert from 'uvu/assert';
import { build, preview } from 'vite';
import { type LabelScore, type ModelInfo, pipeline } from '../../src/index.js';
import { answerOf, browserSuite, pagesConfig } from './chromium.js';

const SCORE = 1e-5;

browserSuite('content security policy', (csp, surroundings) => {
  for (const [policy, kernels, why] of [
    ["script-src 'self' 'wasm-unsafe-eval'", /^(relaxed-)?simd$/, /^$/],
    ["script-src 'self'", /^scalar$/, /refuses to run WebAssembly: .*Content Security Policy/],
  ] as const) {
    csp(policy, async () => {
      const { browser, directory } = surroundings();
      await build(pagesConfig(directory));
      const server = await preview(pagesConfig(directory, { 'Content-Security-Policy': policy }));
      try {
        const url = `${server.resolvedUrls?.local[0]}?threads=1`;
        const { labels, info } = await answerOf<{ labels: LabelScore[]; info: ModelInfo }>(browser, url);
        await using classify = await pipeline('sentiment-analysis');
        const wanted = await classify('What a lovely day', { top_k: 2 });
        assert.equal(
          labels.map(({ label }) => label),
          wanted.map(({ label }) => label),
        );
        for (const [i, { score }] of wanted.entries()) {
          assert.ok(Math.abs((labels[i] as LabelScore).score - score) < SCORE, `${labels[i]?.score}, not ${score}`);
        }
        assert.equal([info.workers, info.whyNoWorker], [1, undefined]);
        assert.match(info.kernels, kernels);
        assert.match(info.whyNotSimd ?? '', why);
      } finally {
        await server.close();
      }
    });
  }
});
