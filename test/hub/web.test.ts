/** The Hub in a browser: its Cache, its redirects that cannot be seen, its hashes. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LoadProgress, SourceOptions } from '../../src/ground/source-options.js';
import { openRepository } from '../../src/hub/web/repository.js';
import { expectError } from '../support/expect-error.js';
import { fetchFrom, TestCaches } from './page.js';
import { COMMIT, gitSha1, sendFile, TestHub, times } from './server.js';

const test = suite('the Hub in a browser');
const WEIGHTS = 'model.safetensors';

async function withHub(run: (hub: TestHub, caches: TestCaches) => Promise<void>): Promise<void> {
  const hub = await TestHub.start();
  const caches = new TestCaches();
  Object.assign(globalThis, { caches });
  try {
    await run(hub, caches);
  } finally {
    Reflect.deleteProperty(globalThis, 'caches');
    hub.close();
  }
}

async function fetchAll(hub: TestHub, options: SourceOptions = {}): Promise<void> {
  const { readFile } = await openRepository('owner/name', { fetch: fetchFrom(hub), ...options });
  for (const [name, { bytes }] of hub.files) {
    // Not assert.equal: the difference of two large arrays takes it minutes to print.
    assert.ok(Buffer.compare((await readFile(name)) ?? new Uint8Array(), bytes) === 0, name);
  }
  assert.is(await readFile('absent.json'), undefined);
}

test('files are fetched once, verified, kept by the URL of their commit', () =>
  withHub(async (hub, caches) => {
    const reports: LoadProgress[] = [];
    const onProgress = (report: LoadProgress) => reports.push(report);
    await fetchAll(hub, { onProgress });
    assert.ok(hub.log().includes(`GET hub /owner/name/raw/${COMMIT}/${WEIGHTS}`), 'the pointer names the hash');
    const keys = [...(caches.stores.get('albert-wasm')?.keys() ?? [])];
    assert.ok(keys.includes(`https://huggingface.co/owner/name/resolve/${COMMIT}/${WEIGHTS}`));
    const { length } = hub.files.get(WEIGHTS)!.bytes;
    const last = reports.filter(({ file }) => file === WEIGHTS).at(-1);
    const parts = (report?: LoadProgress) => [report?.stage, report?.file, report?.loaded, report?.progress];
    assert.equal(parts(last), ['download', WEIGHTS, length, 100]);
    hub.requests.length = 0;
    await fetchAll(hub, { onProgress });
    assert.equal(parts(reports.at(-1)), ['read', WEIGHTS, length, 100]);
    const absent = `GET hub /owner/name/resolve/${COMMIT}/absent.json`;
    assert.equal(hub.log(), ['HEAD hub /owner/name/resolve/main/config.json', absent]);
    hub.requests.length = 0;
    await fetchAll(hub, { localFilesOnly: true });
    assert.equal(hub.log(), []);
    await fetchAll(hub, { cacheDir: 'other' });
    assert.ok(caches.stores.has('other'));
  }));

test('a wrong content is an error and not kept', () =>
  withHub(async (hub, caches) => {
    const matches = { 'config.json': 'GET /owner', [WEIGHTS]: `GET /${WEIGHTS}` };
    for (const [name, match] of Object.entries(matches)) {
      const wrong = times(1, match, (request, response, file) => {
        const bytes = file!.bytes.map((byte) => byte ^ 1);
        sendFile(request, response, { ...file!, bytes }, `"${gitSha1(file!.bytes)}"`);
      });
      hub.faults.push(wrong);
      await expectError(() => fetchAll(hub, { cacheDir: name }), 'ERR_SOURCE', name, 'hash');
      const kept = [...caches.stores.get(name)!.keys()].filter((key) => key.endsWith(`${COMMIT}/${name}`));
      assert.equal(kept, []);
      await fetchAll(hub, { cacheDir: name });
    }
  }));

test('without Web Crypto or a pointer the size is checked at least', () =>
  withHub(async (hub) => {
    const { subtle } = globalThis.crypto;
    const short = times(2, `GET /${WEIGHTS}`, (request, response, file) =>
      sendFile(request, response, { ...file!, bytes: file!.bytes.subarray(1) }),
    );
    Object.defineProperty(globalThis.crypto, 'subtle', { value: undefined, configurable: true });
    try {
      hub.faults.push(short);
      await expectError(() => fetchAll(hub), 'ERR_SOURCE', WEIGHTS, 'bytes');
      hub.faults.length = 0;
      await fetchAll(hub);
    } finally {
      Object.defineProperty(globalThis.crypto, 'subtle', { value: subtle, configurable: true });
    }
    hub.faults.push(times(1, 'raw', (_, response) => response.writeHead(404).end()));
    await fetchAll(hub, { cacheDir: 'other' });
  }));

test('a pointer that is too long to be one, or does not come, leaves the size to check', () =>
  withHub(async (hub) => {
    hub.faults.push(times(1, 'raw', (_, response) => response.end('x'.repeat(2000))));
    await fetchAll(hub);
    const controller = new AbortController();
    hub.faults.push(
      times(1, 'raw', (_, response) => {
        controller.abort();
        response.end('x'.repeat(2000));
      }),
    );
    const options = { fetch: fetchFrom(hub), cacheDir: 'other', signal: controller.signal };
    const { readFile } = await openRepository('owner/name', options);
    await expectError(() => readFile(WEIGHTS), 'ERR_ABORTED');
  }));

test('no Cache, or a full one, is no reason to fail', () =>
  withHub(async (hub, caches) => {
    caches.refuse = true;
    await fetchAll(hub);
    Object.assign(globalThis, { caches: undefined });
    await fetchAll(hub);
    const denied = { open: () => Promise.reject(new DOMException('insecure', 'SecurityError')) };
    Object.assign(globalThis, { caches: denied });
    await fetchAll(hub);
    await expectError(() => fetchAll(hub, { localFilesOnly: true }), 'ERR_SOURCE', 'cached');
  }));

test('a Hub that does not answer leaves what is kept', () =>
  withHub(async (hub) => {
    await fetchAll(hub);
    hub.faults.push((_, response) => {
      response.writeHead(503).end();
      return true;
    });
    const { commit, readFile } = await openRepository('owner/name', { fetch: fetchFrom(hub) });
    assert.is(commit, COMMIT);
    assert.equal(await readFile(WEIGHTS), hub.files.get(WEIGHTS)?.bytes);
  }));

test('a signal ends it', () =>
  withHub(async (hub) => {
    hub.faults.push(times(1, `GET /${WEIGHTS}`, (_, response) => response.writeHead(200).write('x')));
    const signal = AbortSignal.timeout(100);
    await expectError(() => fetchAll(hub, { signal }), 'ERR_ABORTED');
    await fetchAll(hub);
  }));

test.run();
