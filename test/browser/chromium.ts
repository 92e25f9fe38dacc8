/** What the tests in headless Chromium share: the browser, pages of their own, and the package as Vite serves it. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { suite, type Test } from 'uvu';
import type { InlineConfig } from 'vite';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Starts the browser. @param jsFlags V8's flags, as a user gives them */
export function launch(jsFlags?: string): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'];
  if (jsFlags !== undefined) args.push(`--js-flags=${jsFlags}`);
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/** A suite's browser, and a directory that goes with it. */
export interface Surroundings {
  readonly browser: Browser;
  readonly directory: string;
}

/** Defines and runs a suite; without Chromium it has one test, which is skipped. */
export function browserSuite(name: string, define: (test: Test, surroundings: () => Surroundings) => void): void {
  const test = suite(name);
  if (existsSync(CHROMIUM)) {
    let surroundings: Surroundings | undefined;
    test.before(async () => {
      const directory = await mkdtemp(`${tmpdir()}/albert-wasm-page-`);
      surroundings = { directory, browser: await launch() };
    });
    test.after(async () => {
      await surroundings?.browser.close();
      if (surroundings !== undefined) await rm(surroundings.directory, { recursive: true });
    });
    define(test, () => surroundings as Surroundings);
  } else {
    test.skip('needs Chromium');
    console.log(`skipped: no Chromium at ${CHROMIUM} (apt-get install chromium)`);
  }
  test.run();
}

/** The configuration of the pages: the package as it is published, the model as the bundler copies it. */
export function pagesConfig(directory: string, headers: Record<string, string> = {}): InlineConfig {
  return {
    root: path('page'),
    configFile: false,
    logLevel: 'error',
    cacheDir: `${directory}/cache`,
    resolve: { alias: { 'albert-wasm': path('../../dist/entry/index.js') } },
    build: { outDir: `${directory}/dist`, target: 'esnext' },
    server: { port: 0, headers, fs: { allow: [path('../..')] } },
    preview: { port: 0, headers },
  };
}

/** Opens a page and waits until it has an answer, which is JSON in `#answer`. */
export async function answerOf<T>(browser: Browser, url: string, look?: (page: Page) => Promise<void>): Promise<T> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  try {
    await page.goto(url);
    await page.waitForFunction(() => document.querySelector('#answer')?.textContent !== '', undefined, {
      timeout: 60_000,
    });
    await look?.(page);
    const answer = JSON.parse((await page.textContent('#answer')) ?? '');
    if (answer.error !== undefined) errors.push(answer.error);
    if (errors.length > 0) throw new Error(errors.join('; '));
    return answer as T;
  } finally {
    await page.close();
  }
}
