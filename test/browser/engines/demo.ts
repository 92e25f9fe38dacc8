/** The demo in an engine: what a visitor types and sees, wide, on a phone, and in the dark. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Engine, type EngineOptions, waitFor } from './engine.js';
import { ISOLATED } from './headers.js';
import { type FileServer, serveFiles } from './serve.js';

const DEMO = fileURLToPath(new URL('../../../demo/dist', import.meta.url));
/** Pictures of the page, for changes to it; not kept by git. */
const SHOTS = fileURLToPath(new URL('../shots', import.meta.url));

const text = (selector: string) => `document.querySelector('${selector}')?.textContent`;

/** Defines the tests. `start` starts another browser of the kind. */
export function testDemo(test: Test, engine: () => Engine, start: (options: EngineOptions) => Promise<Engine>): void {
  let server: FileServer;
  test.before(async () => {
    assert.ok(existsSync(`${DEMO}/index.html`), 'npm run demo:build makes the page');
    server = await serveFiles(DEMO, ISOLATED);
  });
  test.after(() => server?.close());

  async function visit(by: Engine, width: number, height: number): Promise<void> {
    await by.resize(width, height);
    await by.open(server.url);
    await waitFor(by, "document.querySelector('#figures dd') !== null");
    await by.evaluate("document.querySelector('#text').value = ''");
    await by.type('#text', 'The story is a mess, but the acting is good.');
    await waitFor(by, `${text('#label')} === 'Positive' && document.querySelectorAll('[role=rowheader]').length > 12`);
    await by.click('#suggest');
    await waitFor(by, "document.querySelector('#suggestions button') !== null");
    assert.is(await by.evaluate("document.querySelector('#failure').hidden"), true);
    assert.is(await by.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'something runs over');
    await by.evaluate('scrollTo(0, 0)');
  }

  const shot = (by: Engine, view: string) => by.screenshot(`${SHOTS}/${by.name.toLowerCase()}-${view}.png`);

  test('the demo, wide: sentiment as one types, words for a mask, on two threads', async () => {
    await visit(engine(), 1000, 1480);
    const figures = await engine().evaluate<string>(text('#figures'));
    for (const figure of [/tokens per second/, /simd/, /Threads[2-9]/, /int8/, /Web Worker/])
      assert.match(figures, figure);
    await shot(engine(), 'wide');
  });

  test('the demo on a phone: nothing runs over', async () => {
    await visit(engine(), 360, 740);
    await shot(engine(), 'phone');
  });

  test('the demo in the dark', async () => {
    const dark = await start({ dark: true });
    try {
      await visit(dark, 1000, 1480);
      assert.is(await dark.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"), true);
      await shot(dark, 'dark');
    } finally {
      await dark.close();
    }
  });
}
