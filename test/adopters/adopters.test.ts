/** The published packages in frameworks and under test runners, with no setting of theirs that the documentation does not name. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { cp, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { promisify, stripVTControlCharacters } from 'node:util';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { type LabelScore, type ModelInfo, pipeline } from '../../src/entry/index.js';
import { answerOf, browserSuite, CHROMIUM, path } from '../browser/chromium.js';

interface Answer {
  readonly labels: readonly LabelScore[];
  readonly info: ModelInfo;
}

const ROOT = path('../..');
const QUERY = 'text=What+a+lovely+day';
const PAGE = readFileSync(`${ROOT}/docs/bundlers.md`, 'utf8');

const NEXT = 'next/dist/bin/next';

const run = promisify(execFile);
const env: NodeJS.ProcessEnv = {
  ...process.env,
  NEXT_TELEMETRY_DISABLED: '1',
  NODE_ENV: 'production',
  FORCE_COLOR: '0',
};

/** Where all is installed: away from the repository, whose own node_modules nothing may lean on. */
const place = await mkdtemp(`${tmpdir()}/albert-wasm-adopters-`);
const project = `${place}/project`;

/** The process groups of what runs: Next.js and the test runners start processes of their own. */
const groups = new Set<ChildProcess>();
function end(child: ChildProcess): void {
  try {
    process.kill(-(child.pid as number), 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
  groups.delete(child);
}
process.on('exit', () => {
  groups.forEach(end);
  rmSync(place, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** Starts Node in a group of its own, and collects what the group says. */
function start(cwd: string, args: string[], settings: NodeJS.ProcessEnv = env) {
  const child = spawn(process.execPath, args, { cwd, env: settings, detached: true });
  groups.add(child);
  const started = { child, said: '', ended: new Promise<number | null>((resolve) => child.on('close', resolve)) };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => (started.said += stripVTControlCharacters(String(data))));
  return started;
}

/** Installs the packages as they are published among what they are used with, or says why npm cannot. */
async function install(): Promise<string | undefined> {
  const models = ['albert-mini-en', 'albert-mini-en-sst2'].map((name) => `${ROOT}/models/${name}`);
  await run('npm', ['pack', '--silent', '--pack-destination', place, ROOT, ...models]);
  const tarballs = (await readdir(place)).filter((name) => name.endsWith('.tgz')).map((name) => `../${name}`);
  await cp(path('../../examples/next'), project, { recursive: true });
  await cp(path('../adopters/programs'), project, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) await cp(path(`../adopters/${name}`), `${project}/${name}`);
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=1'];
  try {
    await run('npm', ['install', ...flags, ...tarballs], { cwd: project, timeout: 300_000, env: process.env });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as { stderr: string; message: string };
    const reason = /EAI_AGAIN|ENOTFOUND|ENOTCACHED|ETIMEDOUT|ECONNREFUSED|ECONNRESET|E40[13]/.exec(stderr);
    if (reason === null) throw new Error(message, { cause: error });
    return reason[0];
  }
}

/** Fails unless the scores are Node's to 1e-5. */
async function check({ labels, info }: Answer): Promise<void> {
  await using classify = await pipeline('sentiment-analysis');
  for (const [i, { label, score }] of (await classify('What a lovely day', { top_k: 2 })).entries()) {
    assert.is(labels[i]?.label, label);
    assert.ok(Math.abs((labels[i]?.score as number) - score) < 1e-5, `${labels[i]?.score}, ${score} in Node`);
  }
  assert.match(info.kernels, /simd/);
}

/** Runs a package's own program in a folder of the project, and gives what it printed. */
async function tool(folder: string, program: string, ...args: string[]): Promise<string> {
  const started = start(`${project}/${folder}`, [`${project}/node_modules/${program}`, ...args]);
  const timer = setTimeout(() => end(started.child), 240_000);
  const code = await started.ended;
  clearTimeout(timer);
  end(started.child);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${started.said}`);
  return started.said;
}

/** A port without a listener. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a server and uses it as soon as it answers. */
async function serving(cwd: string, args: string[], use: (origin: string) => Promise<void>): Promise<void> {
  const port = String(await freePort());
  const started = start(cwd, args, { ...env, PORT: port, HOST: '127.0.0.1', HOSTNAME: '127.0.0.1' });
  const origin = `http://127.0.0.1:${port}`;
  try {
    const limit = Date.now() + 60_000;
    while (!(await fetch(origin).catch(() => undefined))) {
      if (started.child.exitCode !== null || Date.now() > limit) throw new Error('the server does not answer');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await use(origin);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${started.said}`, { cause: error });
  } finally {
    end(started.child);
    await started.ended;
  }
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url);
  const text = await response.text();
  assert.is(response.status, 200, text);
  return JSON.parse(text) as T;
}

const missing = existsSync(CHROMIUM) ? await install() : 'Chromium';

browserSuite('adopters', (test, surroundings) => {
  if (missing !== undefined) {
    console.log(`skipped: npm cannot install what these need (${missing})`);
    test.skip('frameworks and test runners');
    return;
  }

  /** The example's route, and every way to compute on a server. */
  async function checkWays(origin: string): Promise<void> {
    await check(await json<Answer>(`${origin}/classify?${QUERY}`));
    const infos = await json<ModelInfo[]>(`${origin}/ways`);
    assert.equal(
      infos.map(({ threads, workers }) => [threads, workers]),
      [
        [1, 0],
        [1, 1],
        [2, 0],
      ],
    );
  }

  /** The example's page as a person uses it. */
  async function checkPage(origin: string): Promise<void> {
    const page = await surroundings().browser.newPage();
    try {
      await page.goto(origin);
      await page.fill('input:enabled', 'What a lovely day', { timeout: 60_000 });
      await answered(page, /^POSITIVE 99\.8 %$/);
      assert.is(page.workers().length, 1);
    } finally {
      await page.close();
    }
  }

  const answered = (page: Page, answer: RegExp) =>
    page.waitForFunction(
      (answer) => new RegExp(answer).test(document.querySelector('output')?.textContent ?? ''),
      answer.source,
    );

  /** Builds the example, with what the page on bundlers names or with nothing. */
  async function buildNext(bundler: string, settings: string | undefined): Promise<string> {
    await rm(`${project}/.next`, { recursive: true, force: true });
    await rm(`${project}/next.config.mjs`, { force: true });
    if (settings !== undefined) await writeFile(`${project}/next.config.mjs`, settings);
    return tool('.', NEXT, 'build', `--${bundler}`);
  }

  for (const bundler of ['turbopack', 'webpack']) {
    test(`Next.js with ${bundler}, without settings: page, route, workers`, async () => {
      const said = await buildNext(bundler, undefined);
      assert.not.match(said, /Critical dependency|warning/i);
      await serving(project, [`node_modules/${NEXT}`, 'start'], async (origin) => {
        await checkWays(origin);
        await checkPage(origin);
      });
    });

    test(`Next.js with ${bundler}: a standalone server elsewhere, with the settings that the documentation names`, async () => {
      await buildNext(bundler, /```js next\.config\.mjs\n([\s\S]*?)```/.exec(PAGE)?.[1] as string);
      const elsewhere = `${place}/elsewhere`;
      await cp(`${project}/.next/standalone`, elsewhere, { recursive: true, verbatimSymlinks: true });
      // Nothing else is on that machine: neither what was installed here nor what was built.
      await rename(project, `${place}/gone`);
      try {
        await serving(elsewhere, ['server.js'], checkWays);
      } finally {
        await rename(`${place}/gone`, project);
        await rm(elsewhere, { recursive: true });
      }
    });
  }

  for (const kind of ['dependencies', 'devDependencies']) {
    const how = kind === 'dependencies' ? 'left external' : 'bundled, as development dependencies are';
    test(`SvelteKit: page and endpoint, the packages ${how}`, async () => {
      const packages = { 'albert-wasm': '*', '@albert-wasm/albert-mini-en-sst2': '*' };
      const manifest = JSON.stringify({ type: 'module', private: true, [kind]: packages });
      await writeFile(`${project}/svelte/package.json`, manifest);
      await tool('svelte', 'vite/bin/vite.js', 'build');
      await serving(`${project}/svelte`, ['build'], async (origin) => {
        const onServer = await json<Answer>(`${origin}/classify?${QUERY}`);
        await check(onServer);
        assert.is(onServer.info.workers, 1);
        const inPage = await answerOf<Answer>(surroundings().browser, `${origin}/`);
        await check(inPage);
        assert.is(inPage.info.workers, 1);
      });
    });
  }

  test('Jest, with the settings that the documentation names', async () => {
    await writeFile(`${project}/tests/package.json`, /```json\n(.*"jest".*)\n```/.exec(PAGE)?.[1] as string);
    env.NODE_OPTIONS = /NODE_OPTIONS=(\S+) npx jest/.exec(PAGE)?.[1];
    try {
      assert.match(await tool('tests', 'jest/bin/jest.js'), /Tests: +5 passed, 5 total/);
    } finally {
      delete env.NODE_OPTIONS;
    }
  });

  for (const pool of ['forks', 'threads', 'vmForks', 'vmThreads']) {
    test(`Vitest with its pool ${pool}`, async () => {
      const said = await tool('tests', 'vitest/vitest.mjs', 'run', '--root=.', '--globals', `--pool=${pool}`);
      assert.match(said, /Tests +5 passed \(5\)/);
    });
  }

  test('the versions are those that docs/bundlers.md names', () => {
    const { dependencies } = JSON.parse(readFileSync(path('../adopters/package.json'), 'utf8'));
    const titles = { next: 'Next.js', svelte: 'Svelte', '@sveltejs/kit': 'SvelteKit', jest: 'Jest', vitest: 'Vitest' };
    for (const [name, title] of Object.entries(titles)) {
      const named = `${title} ${dependencies[name].split('.')[0]}`;
      assert.ok(PAGE.includes(named), named);
    }
  });
});
