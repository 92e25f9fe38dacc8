/** The published packages in frameworks and under test runners, with no setting of theirs that the documentation does not name. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename as move, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify, stripVTControlCharacters } from 'node:util';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { type LabelScore, type ModelInfo, pipeline } from '../../src/index.js';
import { answerOf, browserSuite, path } from '../browser/chromium.js';

interface Answer {
  readonly labels: readonly LabelScore[];
  readonly info: ModelInfo;
}

const HERE = path('../adopters');
const ROOT = path('../..');
const PROJECTS = `${HERE}/.projects`;
const QUERY = 'text=What+a+lovely+day';

const run = promisify(execFile);
const env: NodeJS.ProcessEnv = {
  ...process.env,
  NEXT_TELEMETRY_DISABLED: '1',
  NODE_ENV: 'production',
  FORCE_COLOR: '0',
};

/** Fails unless the scores are Node's to 1e-5. */
async function check({ labels, info }: Answer): Promise<void> {
  await using classify = await pipeline('sentiment-analysis');
  for (const [i, { label, score }] of (await classify('What a lovely day', { top_k: 2 })).entries()) {
    assert.is(labels[i]?.label, label);
    assert.ok(Math.abs((labels[i]?.score as number) - score) < 1e-5, `${labels[i]?.score}, ${score} in Node`);
  }
  assert.match(info.kernels, /simd/);
}

/** Runs a package's own program in a project, and gives what it printed. */
async function tool(project: string, program: string, ...args: string[]): Promise<string> {
  try {
    const options = { cwd: `${PROJECTS}/${project}`, env, timeout: 300_000, maxBuffer: 2 ** 26 };
    const { stdout, stderr } = await run(process.execPath, [`${HERE}/node_modules/${program}`, ...args], options);
    return stripVTControlCharacters(stdout + stderr);
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`, { cause: error });
  }
}

/** A port that nobody listens to. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a server and uses it as soon as it answers. */
async function serving(
  cwd: string,
  args: (port: string) => string[],
  use: (origin: string) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const settings = { ...env, PORT: String(port), HOST: '127.0.0.1', HOSTNAME: '127.0.0.1' };
  const child: ChildProcess = spawn(process.execPath, args(String(port)), { cwd, env: settings });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (said += data));
  const ended = new Promise((resolve) => child.on('close', resolve));
  const origin = `http://127.0.0.1:${port}`;
  try {
    const end = Date.now() + 60_000;
    while (!(await fetch(origin).catch(() => undefined))) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`the server does not answer: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await use(origin);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url);
  const text = await response.text();
  assert.is(response.status, 200, text);
  return JSON.parse(text) as T;
}

browserSuite('adopters', (test, surroundings) => {
  if (!existsSync(`${HERE}/node_modules/next`)) {
    console.log('skipped: npm run test:adopters installs what these need');
    test.skip('frameworks and test runners');
    return;
  }

  /** The packages as they are published, among those that are installed here. */
  test.before(async () => {
    await rm(PROJECTS, { recursive: true, force: true });
    await mkdir(PROJECTS, { recursive: true });
    const folders = [ROOT, ...['albert-mini-en', 'albert-mini-en-sst2'].map((name) => `${ROOT}/models/${name}`)];
    await run('npm', ['pack', '--silent', '--pack-destination', PROJECTS, ...folders]);
    for (const file of (await readdir(PROJECTS)).filter((name) => name.endsWith('.tgz'))) {
      const name = file.replace(/-\d.*/, '').replace(/^albert-wasm-/, '@albert-wasm/');
      const target = `${HERE}/node_modules/${name}`;
      await rm(target, { recursive: true, force: true });
      await mkdir(target, { recursive: true });
      await run('tar', ['xzf', `${PROJECTS}/${file}`, '-C', target, '--strip-components=1']);
    }
    for (const name of ['next', 'svelte', 'tests'])
      await cp(`${HERE}/programs/${name}`, `${PROJECTS}/${name}`, { recursive: true });
    await cp(path('../../examples/next'), `${PROJECTS}/next`, { recursive: true });
    await writeFile(`${PROJECTS}/next/package.json`, '{ "private": true }');
    // Where the projects are, not what they need: in a project of one's own there is no such file.
    const roots = JSON.stringify({ turbopack: { root: ROOT }, outputFileTracingRoot: ROOT });
    await writeFile(
      `${PROJECTS}/next/next.config.mjs`,
      `export default { ...${roots}, ...JSON.parse(process.env.NEXT_SETTINGS ?? '{}') };`,
    );
  });
  test.after(() => rm(PROJECTS, { recursive: true, force: true }));

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

  /** The same, and the example's page as a person uses it. */
  async function checkNext(origin: string): Promise<void> {
    await checkWays(origin);
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

  const NEXT = 'next/dist/bin/next';

  /** Builds the example. */
  async function buildNext(bundler: string, settings: object): Promise<string> {
    await rm(`${PROJECTS}/next/.next`, { recursive: true, force: true });
    env.NEXT_SETTINGS = JSON.stringify(settings);
    return tool('next', NEXT, 'build', `--${bundler}`);
  }

  const startNext = (use: (origin: string) => Promise<void>) =>
    serving(`${PROJECTS}/next`, (port) => [`${HERE}/node_modules/${NEXT}`, 'start', '-p', port], use);

  /** Renames the packages here, which a server elsewhere would find by the path of its build. */
  async function rename(from: string, to: string): Promise<void> {
    for (const name of ['albert-wasm', '@albert-wasm']) {
      await move(`${HERE}/node_modules/${from}${name}`, `${HERE}/node_modules/${to}${name}`);
    }
  }

  /** Starts what `output: 'standalone'` has made, away from here: nothing else is on that machine. */
  async function startMoved(use: (origin: string) => Promise<void>): Promise<void> {
    const moved = `${surroundings().directory}/moved`;
    await cp(`${PROJECTS}/next/.next/standalone`, moved, { recursive: true, verbatimSymlinks: true });
    await rename('', '.');
    try {
      await serving(`${moved}/${PROJECTS.slice(ROOT.length)}/next`, () => ['server.js'], use);
    } finally {
      await rename('.', '');
      await rm(moved, { recursive: true });
    }
  }

  test('Next.js with Turbopack: page, route, workers, and a standalone server elsewhere', async () => {
    await buildNext('turbopack', { output: 'standalone' });
    await startNext((origin) => checkNext(origin));
    await startMoved(async (origin) => check(await json<Answer>(`${origin}/classify?${QUERY}`)));
  });

  test('Next.js with webpack: page, route, workers', async () => {
    const said = await buildNext('webpack', {});
    assert.not.match(said, /Critical dependency|Compiled with warnings/);
    await startNext((origin) => checkNext(origin));
  });

  test('Next.js with webpack: a standalone server elsewhere, with the settings that the documentation names', async () => {
    const page = readFileSync(`${ROOT}/docs/bundlers.md`, 'utf8');
    const [, settings = ''] = /```js\n\/\/ next\.config\.mjs\nexport default (\{[\s\S]*?\n\});/.exec(page) ?? [];
    // The packages lie two folders above this project.
    await buildNext('webpack', new Function(`return ${settings.replaceAll("'node_modules", "'../../node_modules")}`)());
    await startMoved((origin) => checkWays(origin));
  });

  for (const kind of ['dependencies', 'devDependencies']) {
    const how = kind === 'dependencies' ? 'left external' : 'bundled, as development dependencies are';
    test(`SvelteKit: page and endpoint, the packages ${how}`, async () => {
      const project = `${PROJECTS}/svelte`;
      const packages = { 'albert-wasm': '*', '@albert-wasm/albert-mini-en-sst2': '*' };
      await writeFile(`${project}/package.json`, JSON.stringify({ type: 'module', private: true, [kind]: packages }));
      await tool('svelte', 'vite/bin/vite.js', 'build');
      await serving(
        project,
        () => ['build'],
        async (origin) => {
          const onServer = await json<Answer>(`${origin}/classify?${QUERY}`);
          await check(onServer);
          assert.is(onServer.info.workers, 1);
          const inPage = await answerOf<Answer>(surroundings().browser, `${origin}/`);
          await check(inPage);
          assert.is(inPage.info.workers, 1);
        },
      );
    });
  }

  test('Jest', async () => {
    await writeFile(`${PROJECTS}/tests/package.json`, '{ "type": "module", "jest": { "transform": {} } }');
    const args = ['--experimental-vm-modules', `${HERE}/node_modules/jest/bin/jest.js`, '--rootDir=.'];
    const options = { cwd: `${PROJECTS}/tests`, env, timeout: 300_000 };
    const { stderr } = await run(process.execPath, args, options).catch((error) => error);
    assert.match(stripVTControlCharacters(stderr), /Tests: +5 passed, 5 total/);
  });

  for (const pool of ['forks', 'vmThreads']) {
    test(`Vitest with its pool ${pool}`, async () => {
      const said = await tool('tests', 'vitest/vitest.mjs', 'run', '--root=.', '--globals', `--pool=${pool}`);
      assert.match(said, /Tests +5 passed \(5\)/);
    });
  }

  test('what is installed for these is what npm has: the versions that docs/bundlers.md names', () => {
    const page = readFileSync(`${ROOT}/docs/bundlers.md`, 'utf8');
    const { dependencies } = JSON.parse(readFileSync(`${HERE}/package.json`, 'utf8'));
    for (const name of ['next', 'svelte', '@sveltejs/kit', 'jest', 'vitest']) {
      const major = dependencies[name].split('.')[0];
      const title = { next: 'Next.js', svelte: 'Svelte', '@sveltejs/kit': 'SvelteKit', jest: 'Jest', vitest: 'Vitest' }[
        name
      ];
      assert.ok(page.includes(`${title} ${major}`), `${title} ${major}`);
    }
  });
});
