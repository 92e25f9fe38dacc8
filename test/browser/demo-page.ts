/** The demo as it is built and served, and visits to it: of one that logs an error or asks another server the test fails. */
import { existsSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { type PreviewServer, preview } from 'vite';
import { path } from './chromium.js';

/** The repository. */
export const ROOT = path('../..');
/** Pictures of the page, for a developer who changes it; not kept by git. */
export const SHOTS = path('shots');

/** The demo on a server of its own. */
export class DemoPage {
  readonly url: string;
  readonly #server: PreviewServer;

  private constructor(server: PreviewServer) {
    this.#server = server;
    this.url = server.resolvedUrls?.local[0] as string;
  }

  static async serve(): Promise<DemoPage> {
    assert.ok(existsSync(`${ROOT}/demo/dist/index.html`), 'npm run demo:build makes the page');
    return new DemoPage(await preview({ root: `${ROOT}/demo`, logLevel: 'error', preview: { port: 0 } }));
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** Runs work on a page whose first model is loaded. */
  async visit(browser: Browser, options: BrowserContextOptions, work: (page: Page) => Promise<void>): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
    // What tsx puts around functions with a name.
    await context.addInitScript('globalThis.__name = (named) => named');
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) faults.push(message.text());
    });
    page.on('request', (request) => {
      const isOwn = request.url().startsWith(this.url) || /^(data|blob):/.test(request.url());
      if (!isOwn) faults.push(request.url());
    });
    try {
      await page.goto(this.url);
      await page.waitForSelector('#figures dd', { timeout: 120_000 });
      await work(page);
      assert.equal(faults, []);
    } finally {
      await context.close();
    }
  }
}
