/** What every engine must do: the same tests for Chromium, Firefox and WebKit. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type LabelScore, type ModelInfo, pipeline } from '../../../src/entry/index.js';
import { stateCases } from '../../support/cases.js';
import { testDemo } from './demo.js';
import { type Engine, EngineMissing, type EngineName, waitFor } from './engine.js';
import { ISOLATED, policy } from './headers.js';
import { checkRequests, startHub } from './hub.js';
import { buildPages, type Pages } from './pages.js';
import type { Caching } from './serve.js';
import { startEngine } from './start.js';

const SHOTS = fileURLToPath(new URL('../shots', import.meta.url));

/** How far a score may be from Node's: in int8 the builds of the kernels differ (docs/exactness.md). */
const BOUNDS = { float32: 1e-5, int8: 0.08 } as const;

export interface Answer {
  readonly isolated: boolean;
  readonly labels: readonly (readonly LabelScore[])[];
  readonly info: ModelInfo;
  readonly afterwards: string;
  /** Whether `await using` would dispose of a pipeline and a model. */
  readonly disposable: boolean;
  readonly loading: string;
  readonly calling: string;
  readonly turns: number;
  readonly error?: string;
}

/** A page to open, and what its model must say of itself. */
interface Case {
  readonly what: string;
  readonly page: 'engine.html' | 'engine-inline.html';
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly threads?: number;
  readonly workers?: number;
  readonly kernels?: RegExp;
  readonly why?: RegExp;
}

const SIMD = /^(relaxed-)?simd$/;
const NOT_ISOLATED = /not cross-origin isolated/;
const REFUSED = /refuses to run WebAssembly/;

const CASES: readonly Case[] = [
  { what: 'float32, in a worker', page: 'engine.html' },
  { what: 'int8, in a worker', page: 'engine.html', query: 'dtype=int8' },
  { what: 'on the page’s own thread', page: 'engine.html', query: 'worker=false', workers: 0 },
  { what: 'two threads, isolated', page: 'engine.html', query: 'threads=2', headers: ISOLATED, threads: 2 },
  { what: 'threads: auto, isolated', page: 'engine.html', query: 'threads=auto', headers: ISOLATED, threads: 2 },
  { what: 'int8 on two threads', page: 'engine.html', query: 'threads=2&dtype=int8', headers: ISOLATED, threads: 2 },
  { what: 'two threads, not isolated', page: 'engine.html', query: 'threads=2', workers: 2, why: NOT_ISOLATED },
  { what: 'inline', page: 'engine-inline.html' },
  {
    what: 'inline, two threads, isolated',
    page: 'engine-inline.html',
    query: 'threads=2',
    headers: ISOLATED,
    threads: 2,
  },
  {
    what: 'a policy with wasm-unsafe-eval',
    page: 'engine.html',
    headers: policy("script-src 'self' 'wasm-unsafe-eval'"),
  },
  {
    what: 'a policy without',
    page: 'engine.html',
    headers: policy("script-src 'self'"),
    kernels: /^scalar$/,
    why: REFUSED,
  },
  {
    what: 'a policy without, int8',
    page: 'engine.html',
    query: 'dtype=int8',
    headers: policy("script-src 'self'"),
    kernels: /^scalar$/,
    why: REFUSED,
  },
  {
    what: 'a policy with, inline',
    page: 'engine-inline.html',
    headers: policy("script-src 'self' 'wasm-unsafe-eval'; worker-src blob:"),
  },
  {
    what: 'a policy without, inline',
    page: 'engine-inline.html',
    headers: policy("script-src 'self'; worker-src blob:"),
    kernels: /^scalar$/,
    why: REFUSED,
  },
];

const dtypeOf = ({ query = '' }: Case) => (query.includes('int8') ? 'int8' : 'float32');

/** Defines and runs the suite; where the engine is missing, it has one test, which is skipped. */
export async function engineSuite(name: EngineName): Promise<void> {
  const test = suite(name);
  let engine: Engine;
  try {
    engine = await startEngine(name);
  } catch (error) {
    if (!(error instanceof EngineMissing)) throw error;
    console.log(`skipped: ${error.message}`);
    test.skip(`needs ${name}`);
    test.run();
    return;
  }
  console.log(`engine: ${name} ${engine.version}`);
  let pages: Pages;

  test.before(async () => {
    mkdirSync(SHOTS, { recursive: true });
    pages = await buildPages();
  });
  test.after(async () => {
    await engine.close();
    await pages.close();
  });

  const ask = async (page: string, headers?: Record<string, string>, caching?: Caching): Promise<Answer> => {
    await engine.open(await pages.url(page, headers, caching));
    const answer = JSON.parse(await waitFor<string>(engine, "document.querySelector('#answer').textContent")) as Answer;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  };

  /** Node's scores of the texts of `page/steps.js`. */
  const wanted = new Map<string, readonly (readonly LabelScore[])[]>();
  const compare = async (labels: Answer['labels'], dtype: 'float32' | 'int8' = 'float32') => {
    let scores = wanted.get(dtype);
    if (scores === undefined) {
      const classify = await pipeline('sentiment-analysis', undefined, { dtype });
      scores = await classify(['What a lovely day', 'The plot makes no sense and the jokes fall flat.'], { top_k: 2 });
      wanted.set(dtype, scores);
      await classify.dispose();
    }
    for (const [i, row] of labels.entries()) {
      for (const [j, { label, score }] of row.entries()) {
        const expected = scores[i]?.[j] as LabelScore;
        assert.is(label, expected.label);
        assert.ok(Math.abs(score - expected.score) <= BOUNDS[dtype], `${dtype}: ${score}, in Node ${expected.score}`);
      }
    }
    assert.ok(labels.length > 0);
  };

  for (const one of CASES) {
    const { what, page, query = '', headers, threads = 1, workers = 1, kernels = SIMD, why = /^$/ } = one;
    test(what, async () => {
      const { labels, info, isolated, afterwards, disposable } = await ask(`${page}?${query}`, headers);
      await compare(labels, dtypeOf(one));
      assert.is(labels.length, 2);
      assert.is(isolated, headers === ISOLATED);
      assert.equal([info.threads, info.workers], [threads, workers], info.whyNotThreaded ?? info.whyNoWorker);
      assert.match(info.kernels, kernels);
      assert.match(info.whyNotThreaded ?? info.whyNotSimd ?? '', why);
      assert.match(afterwards, /^ERR_DISPOSED/);
      assert.is(disposable, name !== 'WebKit');
    });
  }

  for (const [what, query, headers] of [
    ['in a worker', '', undefined],
    ['on two threads', '&threads=2', ISOLATED],
    ['on the page’s own thread', '&worker=false', undefined],
  ] as const) {
    test(`abort ${what}: a load and a call end with ERR_ABORTED, the next call answers`, async () => {
      const { loading, calling, labels } = await ask(`engine.html?step=abort${query}`, headers);
      assert.match(loading, /^ERR_ABORTED/);
      assert.match(calling, /^ERR_ABORTED/);
      await compare(labels);
    });
  }

  test('the page has its turn while the model works', async () => {
    const { turns } = await ask('engine.html?step=turns');
    assert.ok(turns > 50, `${turns} turns`);
  });

  test('five models, one after another', async () => {
    const { labels } = await ask('engine.html?step=lifecycle&threads=2', ISOLATED);
    assert.is(labels.length, 5);
    for (const label of labels) await compare([label]);
  });

  test('a Hub id: fetched past redirects to another origin, verified, kept in the Cache', async () => {
    const hub = await startHub();
    try {
      const { labels } = await ask(`hub.html?endpoint=${hub.endpoint}`);
      await compare(labels);
      // WebKit drops bytes that arrive just before a connection breaks, so that it may have nothing to continue.
      checkRequests(hub, name !== 'WebKit');
    } finally {
      hub.close();
    }
  });

  test('a second visit to an isolated page, whose files the browser has: 304 with and without the headers', async () => {
    for (const caching of ['304 with headers', '304 without headers'] as const) {
      await ask('engine.html', ISOLATED, caching);
      const { labels, info } = await ask('engine.html', ISOLATED, caching);
      await compare(labels);
      const refused = name === 'WebKit' && caching === '304 without headers';
      assert.is(info.workers, refused ? 0 : 1, caching);
      assert.match(info.whyNoWorker ?? '', refused ? /a 304 too, needs Cross-Origin-Embedder-Policy/ : /^$/);
    }
  });

  testDemo(
    test,
    () => engine,
    (options) => startEngine(name, options),
  );

  if (name === 'WebKit') {
    test('without SharedArrayBuffer: workers, one thread each', async () => {
      await engine.close();
      engine = await startEngine(name, { sharedMemory: false });
      const { labels, info } = await ask('engine.html?threads=2', ISOLATED);
      await compare(labels);
      assert.equal([info.threads, info.workers], [1, 2]);
      assert.match(info.whyNotThreaded ?? '', /SharedArrayBuffer/);
    });
  }

  stateCases(CASES.length, 14);
  test.run();
}
