/** V8's flag for 256-bit vectors, set by the user of Chromium: found without a word, and the same bits as without it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import * as assert from 'uvu/assert';
import { build, type PreviewServer, preview } from 'vite';
import { answerOf, browserSuite, CHROMIUM, launch, pagesConfig } from './chromium.js';
import { ISOLATED } from './engines/headers.js';

interface Run {
  /** A digest for each answer that differs from those before. */
  readonly bits: readonly string[];
  readonly vectorBits?: number;
  readonly whyNotWide?: string;
}
type Answer = Readonly<Record<'float32' | 'int8', Run>>;

const FLAG = '--wasm-revectorize';
const DTYPES = ['float32', 'int8'] as const;

/** The tuner decides by time, and neighbours on the machine may disturb it: each load of the page is a new contest. */
const TRIES = 6;

/** Why nothing can be wide here; `undefined` where V8 knows the flag and the processor has vectors of 256 bits. */
function whyNarrow(): string | undefined {
  if (!existsSync(CHROMIUM)) return `no Chromium at ${CHROMIUM}`;
  const cpu = '/proc/cpuinfo';
  if (process.arch !== 'x64' || !existsSync(cpu)) return 'needs Linux on x64';
  if (!/^flags.* avx2 /m.test(readFileSync(cpu, 'utf8'))) return 'the processor has no AVX2';
  const args = ['--headless', '--no-sandbox', '--disable-gpu', `--js-flags=${FLAG}`, '--dump-dom', 'about:blank'];
  const { stderr } = spawnSync(CHROMIUM, args, { encoding: 'utf8', timeout: 60_000 });
  return stderr.includes('unrecognized flag') ? `V8 does not know ${FLAG}` : undefined;
}

browserSuite('256-bit vectors', (test, surroundings) => {
  const why = whyNarrow();
  if (why !== undefined) console.log(`skipped: ${why}`);
  let server: PreviewServer;
  let flagged: Browser | undefined;
  const ask = (browser: Browser) => answerOf<Answer>(browser, `${server.resolvedUrls?.local[0]}wide.html`);

  test.before(async () => {
    const config = pagesConfig(surroundings().directory, ISOLATED);
    await build({ ...config, build: { ...config.build, rolldownOptions: { input: `${config.root}/wide.html` } } });
    server = await preview(config);
  });
  test.after(async () => {
    await flagged?.close();
    await server.close();
  });

  (why === undefined ? test : test.skip)(
    'found with the flag; every tile gives the same bits, with the flag and without',
    async () => {
      flagged = await launch(FLAG);
      const narrow = await ask(surroundings().browser);
      const found = { float32: [] as unknown[], int8: [] as unknown[] };
      for (let attempt = 0; attempt < TRIES && DTYPES.some((dtype) => !found[dtype].includes(256)); attempt++) {
        const wide = await ask(flagged);
        for (const dtype of DTYPES) {
          // Narrow and wide tiles took turns, and all gave one answer.
          assert.equal(wide[dtype].bits, narrow[dtype].bits, dtype);
          assert.is(wide[dtype].bits.length, 1, dtype);
          assert.is(wide[dtype].whyNotWide, undefined);
          found[dtype].push(wide[dtype].vectorBits);
        }
      }
      console.log(
        `\nbits of the vectors: ${JSON.stringify({ narrow: DTYPES.map((dtype) => narrow[dtype].vectorBits), ...found })}`,
      );
      for (const dtype of DTYPES) {
        assert.ok([128, 256].includes(narrow[dtype].vectorBits as number), 'the tuner has decided');
        assert.ok(found[dtype].includes(256), `${dtype}: ${found[dtype]}`);
      }
    },
  );
});
