/** Chromium over its own protocol and Firefox over WebDriver BiDi, both by puppeteer. */
import { existsSync } from 'node:fs';
import puppeteer from 'puppeteer-core';
import { COMMAND_MS, type Engine, EngineMissing, type EngineOptions } from './engine.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

/** The value of Firefox's preference for what pages see: 0 is dark, 1 light. */
const COLOUR_SCHEME = 'layout.css.prefers-color-scheme.content-override';

export async function startPuppeteer(name: 'Chromium' | 'Firefox', { dark = false }: EngineOptions): Promise<Engine> {
  const [executablePath, debian] = name === 'Chromium' ? [CHROMIUM, 'chromium'] : [FIREFOX, 'firefox-esr'];
  if (!existsSync(executablePath))
    throw new EngineMissing(`no ${name} at ${executablePath} (apt-get install ${debian})`);
  const browser = await puppeteer.launch({
    ...(name === 'Firefox'
      ? { browser: 'firefox', extraPrefsFirefox: { [COLOUR_SCHEME]: dark ? 0 : 1 } }
      : { args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'] }),
    executablePath,
    headless: true,
    protocolTimeout: COMMAND_MS,
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(COMMAND_MS);
  if (name === 'Chromium')
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
  return {
    name,
    version: /[\d.]+/.exec(await browser.version())?.[0] ?? '',
    async open(url) {
      await page.goto(url);
    },
    evaluate: (expression) => page.evaluate(expression) as Promise<never>,
    type: (selector, text) => page.type(selector, text),
    click: (selector) => page.click(selector),
    resize: (width, height) => page.setViewport({ width, height }),
    async screenshot(file) {
      await page.screenshot({ path: file as `${string}.png` });
    },
    close: () => browser.close(),
  };
}
