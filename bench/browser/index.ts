/**
 * The kernels and forwards in headless Chromium, and the reports.
 *
 * `--only SUBSTRING` runs the rows whose name holds it, and with `--seconds N` for each kernel (default: 1; forwards take
 * eight times that) prints them, `--json FILE` writes the figures there, `--serve` only serves the page, for any browser.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { readArguments } from '../arguments.js';
import { parseSeconds } from '../choices.js';
import { forwardReport } from '../forwards.js';
import { kernelReport } from '../kernels/table.js';
import { machine } from '../machine.js';
import { writeReport } from '../report.js';
import type { Benched } from './page.js';
import { address, serve } from './serve.js';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const { only, seconds, json, serves, partial } = readArguments(
  {
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '1' },
    json: { type: 'string' },
    serve: { type: 'boolean', default: false },
  },
  ({ seconds, serve, ...others }) => ({ ...others, seconds: parseSeconds(seconds), serves: serve }),
);

if (serves) {
  const server = await serve(path('../results/tmp/vite'));
  console.log(`open ${address(server)} in a browser; Ctrl+C ends`);
} else if (existsSync(CHROMIUM)) {
  report(await drive());
} else {
  console.log(`skipped: no Chromium at ${CHROMIUM} (apt-get install chromium, or CHROMIUM=/path/to/it)`);
}

/** Runs the page to its end. */
async function drive(): Promise<Benched & { version: string }> {
  const directory = await mkdtemp(`${tmpdir()}/albert-wasm-bench-`);
  const server = await serve(directory);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
  try {
    const page = await browser.newPage();
    page.on('console', (message) => message.type() === 'log' && console.log(message.text()));
    page.on('pageerror', (error) => console.error(error.message));
    await page.goto(`${address(server)}?${new URLSearchParams({ only, seconds: String(seconds) })}`);
    await page.waitForFunction(() => window.benched !== undefined, undefined, { timeout: 0 });
    const benched = await page.evaluate(() => window.benched as Benched);
    if (benched.error !== undefined) throw new Error(benched.error);
    if (benched.kernels.length + benched.forwards.length === 0) throw new Error(`no row has "${only}" in its name`);
    return { ...benched, version: browser.version() };
  } finally {
    await browser.close();
    await server.close();
    await rm(directory, { recursive: true });
  }
}

function report({ build, kernels, forwards, version }: Benched & { version: string }): void {
  const on = machine({ engine: `Chromium ${version}`, tag: `chromium${version.split('.')[0]}` });
  const where = { partial, on };
  const command = 'npm run bench:browser';
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify({ machine: on, build, kernels, forwards }, null, 2)}\n`);
    return;
  }
  const [browserKernels, browserForwards] = [kernelReport(kernels), forwardReport(forwards)];
  writeReport(
    'browser-kernels',
    { title: `Kernels in Chromium, ${build} build`, command, raw: kernels, ...browserKernels },
    where,
  );
  writeReport(
    'browser-model',
    { title: `Forwards of ALBERT-base in Chromium, ${build} build`, command, raw: forwards, ...browserForwards },
    where,
  );
}
