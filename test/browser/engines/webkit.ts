/** WebKitGTK, the engine of Safari, in Debian's MiniBrowser: plain WebDriver over HTTP to WebKitWebDriver, on a virtual screen. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { COMMAND_MS, type Engine, EngineMissing, type EngineOptions } from './engine.js';

const [DRIVER, DISPLAY] = ['/usr/bin/WebKitWebDriver', '/usr/bin/xvfb-run'];

/** Debian keeps it in the directory of the processor's kind. */
function findBrowser(): string | undefined {
  const paths = readdirSync('/usr/lib').map((directory) => `/usr/lib/${directory}/webkit2gtk-4.1/MiniBrowser`);
  return paths.find((path) => existsSync(path));
}

/** How long a driver that is asked to end may take before it is killed, in milliseconds. */
const END_MS = 5_000;

export async function startWebKit({ dark = false, sharedMemory = true }: EngineOptions): Promise<Engine> {
  const binary = findBrowser();
  if (binary === undefined || !existsSync(DRIVER) || !existsSync(DISPLAY)) {
    throw new EngineMissing(`no ${DRIVER} or ${DISPLAY} (apt-get install webkit2gtk-driver xvfb xauth)`);
  }
  const port = await freePort();
  // Children outlive xvfb-run: they are one process group, which has none of our streams and is ended as a whole.
  const driver = spawn(DISPLAY, ['-a', '-s', '-screen 0 1400x1700x24', DRIVER, `--port=${port}`], {
    detached: true,
    stdio: 'ignore',
    env: {
      ...process.env,
      WEBKIT_DISABLE_COMPOSITING_MODE: '1',
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      LIBGL_ALWAYS_SOFTWARE: '1',
      ...(dark && { GTK_THEME: 'Adwaita:dark' }),
      ...(sharedMemory && { JSC_useSharedArrayBuffer: '1' }),
    },
  });
  const kill = () => signalGroup(driver, 'SIGKILL');
  process.once('exit', kill);
  const end = async () => {
    const ended = new Promise((resolve) => driver.once('exit', resolve));
    signalGroup(driver, 'SIGTERM');
    const late = setTimeout(kill, END_MS);
    if (driver.exitCode === null && driver.signalCode === null) await ended;
    clearTimeout(late);
    kill();
    process.off('exit', kill);
  };
  try {
    return await openSession(`http://127.0.0.1:${port}`, binary, end);
  } catch (error) {
    await end();
    throw error;
  }
}

interface Session {
  readonly sessionId: string;
  readonly capabilities: { readonly browserVersion: string };
}

async function openSession(driver: string, binary: string, end: () => Promise<void>): Promise<Engine> {
  await whenReady(driver);
  const capabilities = {
    alwaysMatch: {
      browserName: 'MiniBrowser',
      'webkitgtk:browserOptions': { binary, args: ['--automation'] },
      timeouts: { script: COMMAND_MS, pageLoad: COMMAND_MS },
    },
  };
  const session = await send<Session>('POST', `${driver}/session`, { capabilities });
  const at = `${driver}/session/${session.sessionId}`;
  const evaluate = <T>(expression: string) =>
    send<T>('POST', `${at}/execute/sync`, { script: `return ${expression}`, args: [] });
  const element = async (selector: string) => {
    const found = await send<Record<string, string>>('POST', `${at}/element`, {
      using: 'css selector',
      value: selector,
    });
    return `${at}/element/${Object.values(found)[0]}`;
  };
  return {
    name: 'WebKit',
    version: session.capabilities.browserVersion,
    async open(url) {
      await send('POST', `${at}/url`, { url });
    },
    evaluate,
    async type(selector, text) {
      await send('POST', `${await element(selector)}/value`, { text });
    },
    async click(selector) {
      await send('POST', `${await element(selector)}/click`, {});
    },
    async resize(width, height) {
      // The window is larger than the view by its bars, which are known once it has some size.
      await send('POST', `${at}/window/rect`, { x: 0, y: 0, width: 800, height: 800 });
      const [inner, outer] = await evaluate<[number, number]>('[innerHeight, outerHeight]');
      await send('POST', `${at}/window/rect`, { x: 0, y: 0, width, height: height + outer - inner });
    },
    async screenshot(file) {
      writeFileSync(file, Buffer.from(await send<string>('GET', `${at}/screenshot`), 'base64'));
    },
    async close() {
      // The driver has one session: it is ended first, so that the browser goes with it.
      await send('DELETE', at).catch(() => {});
      await end();
    },
  };
}

async function whenReady(driver: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await send('GET', `${driver}/status`);
      return;
    } catch (error) {
      if (attempt === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** One command of WebDriver. @throws what the driver says, or when it says nothing in time */
async function send<T>(method: string, url: string, body?: unknown): Promise<T> {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(2 * COMMAND_MS),
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
  if (value?.error !== undefined) throw new Error(`WebKitWebDriver: ${value.error}: ${value.message}`);
  return value;
}

/** Each driver has a port of its own: one that has had a session takes no other. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // Every process of the group has ended.
  }
}
