/** The examples in pages, built by Vite and used in headless Chromium. */
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { build, preview } from 'vite';
import { browserSuite, path } from './chromium.js';

browserSuite('examples in pages', (test, surroundings) => {
  /** Builds and serves an example, and opens it; it must throw nothing. */
  async function visit(name: string, work: (page: Page) => Promise<void>): Promise<void> {
    const outDir = `${surroundings().directory}/${name}`;
    const root = path(`../../examples/${name}`);
    const config = {
      root,
      configFile: false,
      logLevel: 'error',
      build: { outDir, emptyOutDir: true, target: 'esnext' },
    } as const;
    await build(config);
    const server = await preview({ ...config, preview: { port: 0 } });
    const page = await surroundings().browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    try {
      await page.goto(server.resolvedUrls?.local[0] as string);
      await work(page);
      assert.equal(errors, []);
    } finally {
      await page.close();
      await server.close();
    }
  }

  test('a page that searches by meaning', () =>
    visit('page', async (page) => {
      const best = (text: string) =>
        page.waitForFunction((text) => document.querySelector('#found li')?.textContent?.startsWith(text), text, {
          timeout: 60_000,
        });
      await best('It rained');
      await page.fill('#query', 'The cost of living');
      await best('Prices rose');
      assert.is(await page.textContent('#state'), '5 sentences');
    }));

  test('a worker of its own: the last question is the one that is answered', () =>
    visit('worker', async (page) => {
      const answered = (label: RegExp) =>
        page.waitForFunction(
          (label) => new RegExp(label).test(document.querySelector('#answer')?.textContent ?? ''),
          label.source,
          {
            timeout: 60_000,
          },
        );
      await answered(/^POSITIVE \d+\.\d %$/);
      await page.fill('#text', '');
      await page.locator('#text').pressSequentially('What a dreadful day');
      await answered(/^NEGATIVE 9\d\.\d %$/);
    }));
});
