/** The Hub in Node: what is asked, what is kept, and that no fault on the way leaves anything wrong behind. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LoadProgress, SourceOptions } from '../../src/ground/source-options.js';
import { cacheDirectory } from '../../src/hub/node/cache.js';
import { openRepository } from '../../src/hub/node/repository.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import {
  CHUNK,
  COMMIT,
  type Fault,
  gitSha1,
  type HubFile,
  hashOfFile,
  sendChunks,
  sendFile,
  sendGzip,
  sha256,
  someFiles,
  TestHub,
  times,
} from './server.js';

const test = suite('the Hub in Node');

const ROOT = mkdtempSync(join(tmpdir(), 'albert-wasm-hub-'));
const WEIGHTS = 'model.safetensors';
let directories = 0;
const fresh = () => join(ROOT, String(directories++));

/** Fetches files into a cache; returns what was found, byte for byte. */
async function fetchAll(hub: TestHub, cacheDir: string, options: SourceOptions = {}, env: Record<string, string> = {}) {
  const repository = await openRepository(
    'owner/name',
    { cacheDir, backoffMs: 40, ...options },
    // The user who runs this may be logged in.
    { HF_ENDPOINT: hub.endpoint, HF_HOME: ROOT, ...env },
  );
  const found = new Map<string, Uint8Array | undefined>();
  for (const file of [...hub.files.keys(), 'absent.json']) {
    const path = await repository.locate(file);
    found.set(file, path === undefined ? undefined : new Uint8Array(readFileSync(path)));
  }
  return found;
}

function assertSame(found: Map<string, Uint8Array | undefined>, files: Map<string, HubFile>): void {
  for (const [name, { bytes }] of files)
    assert.ok(Buffer.compare(found.get(name) ?? new Uint8Array(), bytes) === 0, name);
  assert.is(found.get('absent.json'), undefined);
}

const repositoryOf = (cacheDir: string) => join(cacheDir, 'models--owner--name');
const blobsOf = (cacheDir: string) => {
  const folder = join(repositoryOf(cacheDir), 'blobs');
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
};

/** Whatever has the name of a content is that content; what is left of a failure calls itself incomplete. */
function assertClean(cacheDir: string, files: Map<string, HubFile>): void {
  const whole = new Set([...files.values()].map(hashOfFile));
  for (const path of blobsOf(cacheDir)) {
    if (path.endsWith('.incomplete')) continue;
    assert.ok(whole.has(basename(path)), path);
    const bytes = new Uint8Array(readFileSync(path));
    assert.is(basename(path).length === 64 ? sha256(bytes) : gitSha1(bytes), basename(path));
  }
}

/** Checks each file's reports: they never fall, and end with all of the bytes. */
function assertProgress(reports: readonly LoadProgress[], files: Map<string, HubFile>): void {
  for (const [name, { bytes }] of files) {
    const mine = reports.filter(({ file, stage }) => file === name && stage === 'download');
    const loads = mine.map(({ loaded }) => loaded);
    assert.equal(
      loads,
      loads.toSorted((a, b) => a - b),
      `${name} never falls`,
    );
    const { loaded, total, progress } = mine.at(-1) as LoadProgress;
    assert.equal([loaded, total, progress], [bytes.length, bytes.length, 100]);
  }
}

async function withHub(run: (hub: TestHub) => Promise<void>, files?: Map<string, HubFile>): Promise<void> {
  const hub = await TestHub.start(files);
  try {
    await run(hub);
  } finally {
    hub.close();
  }
}

test('the layout of huggingface_hub, found again without a request for files', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    const reports: LoadProgress[] = [];
    assertSame(await fetchAll(hub, cacheDir, { onProgress: (report) => reports.push(report) }), hub.files);
    assertProgress(reports, hub.files);
    const folder = repositoryOf(cacheDir);
    assert.is(readFileSync(join(folder, 'refs/main'), 'utf8'), COMMIT);
    assert.equal(readdirSync(join(folder, 'blobs')).sort(), [...hub.files.values()].map(hashOfFile).sort());
    assert.equal(readdirSync(join(folder, 'snapshots', COMMIT)).sort(), [...hub.files.keys()].sort());
    for (const [name, file] of hub.files) {
      const path = join(folder, 'snapshots', COMMIT, name);
      assert.is(readlinkSync(path), `../../blobs/${hashOfFile(file)}`);
    }
    assert.ok(existsSync(join(folder, '.no_exist', COMMIT, 'absent.json')));
    hub.requests.length = 0;
    assertSame(await fetchAll(hub, cacheDir), hub.files);
    assert.equal(hub.log(), ['HEAD hub /owner/name/resolve/main/config.json']);
    hub.requests.length = 0;
    assertSame(await fetchAll(hub, cacheDir, { revision: COMMIT }), hub.files);
    assertSame(await fetchAll(hub, cacheDir, { localFilesOnly: true }), hub.files);
    assertSame(await fetchAll(hub, cacheDir, {}, { HF_HUB_OFFLINE: '1' }), hub.files);
    assert.equal(hub.log(), []);
  }));

test('a snapshot that Python left is read without a server', async () => {
  const cacheDir = fresh();
  const folder = repositoryOf(cacheDir);
  const files = someFiles();
  for (const sub of ['blobs', 'refs', `snapshots/${COMMIT}`]) mkdirSync(join(folder, sub), { recursive: true });
  writeFileSync(join(folder, 'refs/main'), COMMIT);
  for (const [name, file] of files) {
    writeFileSync(join(folder, 'blobs', hashOfFile(file)), file.bytes);
    symlinkSync(`../../blobs/${hashOfFile(file)}`, join(folder, 'snapshots', COMMIT, name));
  }
  const nowhere = { endpoint: 'http://127.0.0.1:1', files } as TestHub;
  assertSame(await fetchAll(nowhere, cacheDir, { localFilesOnly: true }), files);
  // A server that does not answer leaves what is known, after one attempt.
  const start = performance.now();
  const repository = await openRepository('owner/name', { cacheDir }, { HF_ENDPOINT: nowhere.endpoint });
  assert.is(repository.commit, COMMIT);
  assert.ok(performance.now() - start < 20_000);
});

test('offline, what is not cached is named', async () => {
  const offline = { cacheDir: fresh(), localFilesOnly: true };
  await expectError(() => openRepository('owner/name', offline, {}), 'ERR_SOURCE', 'owner/name at main', 'local files');
  const { locate } = await openRepository('owner/name', { ...offline, revision: COMMIT }, {});
  assert.is(await locate('config.json'), undefined);
});

test('all files of a load are of one commit, though a push comes between', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    const { commit, locate } = await openRepository('owner/name', { cacheDir }, { HF_ENDPOINT: hub.endpoint });
    hub.commit = 'f'.repeat(40);
    await locate('config.json');
    assert.is(commit, COMMIT);
    for (const { url } of hub.requests.slice(1)) assert.match(url, `/resolve/${COMMIT}/`);
    const later = await openRepository('owner/name', { cacheDir }, { HF_ENDPOINT: hub.endpoint });
    assert.is(later.commit, hub.commit);
    assert.is(readFileSync(join(repositoryOf(cacheDir), 'refs/main'), 'utf8'), hub.commit);
    // The same content at another commit is not fetched again.
    hub.requests.length = 0;
    await later.locate('config.json');
    assert.equal(hub.log(), [`HEAD hub /owner/name/resolve/${hub.commit}/config.json`]);
  }));

test('revisions with a slash are one part of the URL and folders under refs', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    assertSame(await fetchAll(hub, cacheDir, { revision: 'refs/pr/1' }), hub.files);
    assert.is(hub.requests[0]?.url, '/owner/name/resolve/refs%2Fpr%2F1/config.json');
    assert.is(readFileSync(join(repositoryOf(cacheDir), 'refs/refs/pr/1'), 'utf8'), COMMIT);
  }));

test('the token goes to the Hub and never further', () =>
  withHub(async (hub) => {
    hub.token = 'hf_secret';
    assertSame(await fetchAll(hub, fresh(), { token: 'hf_secret' }), hub.files);
    assertSame(await fetchAll(hub, fresh(), {}, { HF_TOKEN: ' hf_secret\n' }), hub.files);
    writeFileSync(join(ROOT, 'token'), 'hf_secret\n');
    assertSame(await fetchAll(hub, fresh()), hub.files);
    writeFileSync(join(ROOT, 'token'), 'hf_other');
    writeFileSync(join(ROOT, 'other'), 'hf_secret');
    assertSame(await fetchAll(hub, fresh(), {}, { HF_TOKEN_PATH: join(ROOT, 'other') }), hub.files);
    assertSame(await fetchAll(hub, fresh(), {}, { HF_TOKEN: 'hf_secret' }), hub.files);
    rmSync(join(ROOT, 'token'));
    const [onHub, onCdn] = ['hub', 'cdn'].map((name) => hub.requests.filter(({ host }) => host === name));
    assert.ok(onCdn!.length >= 2);
    for (const { headers } of onHub!) assert.is(headers.authorization, 'Bearer hf_secret');
    for (const { headers } of onCdn!) assert.is(headers.authorization, undefined);
    const without = await expectError(() => fetchAll(hub, fresh()), 'ERR_SOURCE', '401', 'owner/name', 'HF_TOKEN');
    const wrong = await expectError(
      () => fetchAll(hub, fresh(), { token: 'hf_other' }),
      'ERR_SOURCE',
      '401',
      'does not open',
    );
    for (const error of [without, wrong]) assert.not.match(error.message, 'hf_');
    const bad = await expectError(
      () => fetchAll(hub, fresh(), {}, { HF_TOKEN: 'hf_a b' }),
      'ERR_ENVIRONMENT',
      'HF_TOKEN',
    );
    assert.not.match(bad.message, 'hf_a');
    writeFileSync(join(ROOT, 'token'), 'hf_secret');
    const forbidden = { HF_TOKEN: 'hf_secret', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' };
    await expectError(() => fetchAll(hub, fresh(), {}, forbidden), 'ERR_SOURCE', '401', 'hf auth login');
    writeFileSync(join(ROOT, 'token'), 'hf_a b');
    const stored = await expectError(() => fetchAll(hub, fresh()), 'ERR_ENVIRONMENT', join(ROOT, 'token'));
    assert.not.match(stored.message, 'hf_a');
    writeFileSync(join(ROOT, 'token'), ' \n');
    await expectError(() => fetchAll(hub, fresh()), 'ERR_SOURCE', '401');
    const folder = await expectError(() => fetchAll(hub, fresh(), {}, { HF_TOKEN_PATH: ROOT }), 'ERR_ENVIRONMENT');
    assert.match(folder.message, 'EISDIR');
    rmSync(join(ROOT, 'token'));
  }));

/** A fault at every chunk of the weights' body, and how often it strikes. */
const RECOVERED: Record<string, (chunk: number) => Fault> = {
  'a reset': (n) =>
    times(1, `GET /${WEIGHTS}`, (request, response, file) => sendFile(request, response, file!, undefined, n)),
  'two resets': (n) =>
    times(2, `GET /${WEIGHTS}`, (request, response, file) => sendFile(request, response, file!, undefined, n)),
  'a short body without a length': (n) =>
    times(1, `GET /${WEIGHTS}`, (_, response, file) => void sendChunks(response, file!.bytes.subarray(0, n * CHUNK))),
  'a reset, then the range ignored': (n) => {
    let count = 0;
    return times(2, `GET /${WEIGHTS}`, (request, response, file) => {
      if (count++ > 0) delete request.headers.range;
      sendFile(request, response, file!, undefined, count === 1 ? n : Infinity);
    });
  },
  'a web page without a length': () =>
    times(1, `GET /${WEIGHTS}`, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    }),
  'a wrong byte': (n) =>
    times(1, `GET /${WEIGHTS}`, (request, response, file) => {
      const bytes = file!.bytes.map((byte, i) => (i === n * CHUNK ? byte ^ 1 : byte));
      sendFile(request, response, { bytes, lfs: true });
    }),
  'a reset, then another range': (n) => {
    let count = 0;
    return times(2, `GET /${WEIGHTS}`, (request, response, file) => {
      if (count++ > 0 && request.headers.range) request.headers.range = 'bytes=7-';
      sendFile(request, response, file!, undefined, count === 1 ? n : Infinity);
    });
  },
  'a reset, then another etag': (n) =>
    times(1, `GET /${WEIGHTS}`, (request, response, { bytes } = { bytes: new Uint8Array(), lfs: true }) =>
      // The bytes before the reset are of another file.
      sendFile(request, response, { bytes: bytes.map((byte) => byte ^ 1), lfs: true }, '"another"', n),
    ),
  'a break after the last byte': () =>
    times(Infinity, `GET /${WEIGHTS}`, (_, response, file) => {
      response.flushHeaders();
      response.write(file!.bytes, () => setTimeout(() => response.socket?.destroy(), 20));
    }),
  'a reset, then 416': (n) => {
    let count = 0;
    return times(2, `GET /${WEIGHTS}`, (request, response, file) => {
      if (count++ > 0) response.writeHead(416).end();
      else sendFile(request, response, file!, undefined, n);
    });
  },
};

for (const [name, fault] of Object.entries(RECOVERED)) {
  test(`${name}, at each chunk: the load goes on`, async () => {
    const chunks = [0, 1, 2, 5, 9, 10];
    await Promise.all(
      chunks.map((n) =>
        withHub(async (hub) => {
          const cacheDir = fresh();
          hub.faults.push(fault(n));
          const reports: LoadProgress[] = [];
          assertSame(await fetchAll(hub, cacheDir, { onProgress: (report) => reports.push(report) }), hub.files);
          assertProgress(reports, hub.files);
          assertClean(cacheDir, hub.files);
          assert.is(blobsOf(cacheDir).length, hub.files.size, 'nothing incomplete is left');
        }),
      ),
    );
    stateCases(chunks.length, 6);
  });
}

test('a reset is continued where it was, with Range and If-Range', () =>
  withHub(async (hub) => {
    hub.faults.push(RECOVERED['a reset']!(3));
    await fetchAll(hub, fresh());
    const [first, second, ...more] = hub.requests.filter(({ host }) => host === 'cdn');
    assert.is(first?.headers.range, undefined);
    assert.is(second?.headers.range, `bytes=${3 * CHUNK}-`);
    assert.match(String(second?.headers['if-range']), /^"[0-9a-f]{64}"$/);
    assert.is(more.length, 0);
  }));

/** Faults that no patience mends: what the error says. */
const FINAL: Record<string, { fault: (chunk: number) => Fault; words: string[] }> = {
  'resets without end': {
    fault: (n) => {
      let left = n;
      return times(Infinity, `GET /${WEIGHTS}`, (request, response, file) => {
        sendFile(request, response, file!, undefined, left);
        left = 0;
      });
    },
    words: [WEIGHTS],
  },
  'a wrong byte': {
    fault: (n) =>
      times(2, `GET /${WEIGHTS}`, (request, response, file) => {
        const bytes = file!.bytes.map((byte, i) => (i === n * CHUNK ? byte ^ 1 : byte));
        sendFile(request, response, { bytes, lfs: true });
      }),
    words: [WEIGHTS, 'hash'],
  },
  'a length that is too short': {
    fault: (n) =>
      times(1, `GET /${WEIGHTS}`, (request, response, file) =>
        sendFile(request, response, { bytes: file!.bytes.subarray(0, n * CHUNK + 1), lfs: true }),
      ),
    words: ['bytes'],
  },
  'more bytes than announced': {
    fault: (n) =>
      times(1, `GET /${WEIGHTS}`, (_, response, file) => {
        void sendChunks(response, Buffer.concat([file!.bytes, Buffer.alloc(1 + n * CHUNK)]));
      }),
    words: ['at most'],
  },
  'a web page': {
    fault: () =>
      times(1, `GET /${WEIGHTS}`, (_, response) => {
        response.writeHead(200, { 'content-type': 'text/html', 'content-length': 15 }).end('<!doctype html>');
      }),
    words: ['got 15'],
  },
  'a refusal': {
    fault: () => times(1, `GET /${WEIGHTS}`, (_, response) => void response.writeHead(403).end()),
    words: ['403', 'restricted'],
  },
  'a file that is gone': {
    fault: () => times(1, `GET /${WEIGHTS}`, (_, response) => void response.writeHead(404).end()),
    words: ['404'],
  },
};

for (const [name, { fault, words }] of Object.entries(FINAL)) {
  test(`${name}: ERR_SOURCE, nothing wrong is kept, the next load works`, async () => {
    const chunks = [0, 1, 4, 9];
    await Promise.all(
      chunks.map((n) =>
        withHub(async (hub) => {
          const cacheDir = fresh();
          hub.faults.push(fault(n));
          await expectError(() => fetchAll(hub, cacheDir), 'ERR_SOURCE', ...words);
          assertClean(cacheDir, hub.files);
          assert.not.ok(existsSync(join(repositoryOf(cacheDir), 'snapshots', COMMIT, WEIGHTS)));
          hub.faults.length = 0;
          assertSame(await fetchAll(hub, cacheDir), hub.files);
          assertClean(cacheDir, hub.files);
          assert.is(blobsOf(cacheDir).length, hub.files.size, 'nothing incomplete is left');
        }),
      ),
    );
    stateCases(chunks.length, 4);
  });
}

test('what a failed load left is continued by the next one, in any process', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    hub.faults.push(FINAL['resets without end']!.fault(2));
    await expectError(() => fetchAll(hub, cacheDir), 'ERR_SOURCE');
    hub.faults.length = hub.requests.length = 0;
    const { bytes } = hub.files.get(WEIGHTS) as HubFile;
    const [left] = blobsOf(cacheDir).filter((path) => path.endsWith('.incomplete'));
    const { length } = readFileSync(left as string);
    assert.ok(length >= 2 * CHUNK && length < bytes.length);
    assertSame(await fetchAll(hub, cacheDir), hub.files);
    assert.is(hub.requests.find(({ host }) => host === 'cdn')?.headers.range, `bytes=${length}-`);
    // Old files of killed processes count as left, fresh ones as another's; their bytes are checked with the rest.
    for (const [content, age, range] of [
      [bytes.slice(0, 100), 600, 'bytes=100-'],
      [bytes.slice(0, 100), 10, undefined],
      [new Uint8Array(100), 600, 'bytes=100-'],
      [new Uint8Array(bytes.length + 1), 600, undefined],
      [bytes, 600, 'none'],
    ] as const) {
      rmSync(repositoryOf(cacheDir), { recursive: true });
      mkdirSync(join(repositoryOf(cacheDir), 'blobs'), { recursive: true });
      const path = join(repositoryOf(cacheDir), 'blobs', `${sha256(bytes)}.incomplete`);
      writeFileSync(path, content);
      utimesSync(path, Date.now() / 1000 - age, Date.now() / 1000 - age);
      hub.requests.length = 0;
      assertSame(await fetchAll(hub, cacheDir), hub.files);
      const asked = hub.requests.filter(({ host }) => host === 'cdn');
      assert.is(asked.length === 0 ? 'none' : asked[0]!.headers.range, range);
      assert.is(existsSync(path), age === 10);
    }
  }));

test('statuses: those that pass are asked again, in their time', () =>
  withHub(async (hub) => {
    const answer = (status: number, headers = {}) =>
      times(1, 'HEAD', (_, response) => void response.writeHead(status, headers).end());
    for (const status of [408, 429, 500, 502, 503, 504]) {
      hub.faults.push(answer(status));
      assertSame(await fetchAll(hub, fresh()), hub.files);
    }
    hub.faults.push(answer(429, { 'retry-after': '1' }));
    let start = performance.now();
    assertSame(await fetchAll(hub, fresh()), hub.files);
    assert.ok(performance.now() - start > 990);
    hub.faults.push(answer(503, { 'retry-after': new Date(Date.now() + 2000).toUTCString() }));
    start = performance.now();
    assertSame(await fetchAll(hub, fresh()), hub.files);
    assert.ok(performance.now() - start > 900);
    hub.requests.length = 0;
    hub.faults.push(answer(429, { 'retry-after': '3600' }));
    await expectError(() => fetchAll(hub, fresh()), 'ERR_SOURCE', '429', '3600 s');
    assert.is(hub.requests.length, 1);
    for (const status of [400, 401, 403, 410]) {
      hub.requests.length = 0;
      hub.faults.push(answer(status));
      await expectError(() => fetchAll(hub, fresh()), 'ERR_SOURCE', String(status), '/owner/name/');
      assert.is(hub.requests.length, 1, 'asked once');
    }
    await expectError(
      () => openRepository('no/such', { cacheDir: fresh() }, { HF_ENDPOINT: hub.endpoint }),
      'ERR_SOURCE',
      '404',
      'there is no no/such at revision main',
    );
  }));

test('redirects within the Hub are followed, circles are not', () =>
  withHub(async (hub) => {
    hub.token = 'hf_secret';
    const old = (request: { url?: string }) => request.url!.replace('/owner/name/', '/owner/old/');
    hub.faults.push((request, response) => {
      if (!request.url?.startsWith('/owner/old/')) return false;
      response.writeHead(307, { location: request.url.replace('/owner/old/', '/owner/name/') }).end();
      return true;
    });
    const options = { cacheDir: fresh(), token: 'hf_secret' };
    const { locate } = await openRepository('owner/old', options, { HF_ENDPOINT: hub.endpoint });
    assert.equal(new Uint8Array(readFileSync((await locate(WEIGHTS)) as string)), hub.files.get(WEIGHTS)?.bytes);
    hub.faults.push((request, response) => {
      response.writeHead(307, { location: old(request) }).end();
      return true;
    });
    await expectError(
      () => openRepository('owner/name', { cacheDir: fresh() }, { HF_ENDPOINT: hub.endpoint }),
      'ERR_SOURCE',
      'redirects',
    );
  }));

test('a mirror may lead to the Hub itself, which does not get its token', () =>
  withHub(async (mirror) =>
    withHub(async (hub) => {
      mirror.faults.push((request, response) => {
        response.writeHead(308, { location: `https://huggingface.co${request.url}` }).end();
        return true;
      });
      // Plays huggingface.co, and follows for a GET, as any fetch would.
      const own: typeof fetch = async (input, init) => {
        const response = await fetch(String(input).replace('https://huggingface.co', hub.endpoint), {
          ...init,
          redirect: 'manual',
        });
        const location = response.headers.get('location');
        if (init?.redirect === 'manual' || location === null) return response;
        return own(location, { ...init, headers: { 'accept-encoding': 'identity' } });
      };
      hub.files = mirror.files;
      assertSame(await fetchAll(mirror, fresh(), { token: 'hf_secret', fetch: own }), hub.files);
      assert.ok(mirror.requests.every(({ headers }) => headers.authorization === 'Bearer hf_secret'));
      assert.ok(hub.requests.length > 4 && hub.requests.every(({ headers }) => headers.authorization === undefined));
    }),
  ));

test('small files that come compressed are as whole', () =>
  withHub(async (hub) => {
    hub.faults.push(times(1, 'GET /owner', (request, response, file) => sendGzip(request, response, file!, '"x"')));
    assertSame(await fetchAll(hub, fresh()), hub.files);
    for (const { headers } of hub.requests) assert.is(headers['accept-encoding'], 'identity');
  }));

test('a server that is no Hub, or lies about names and sizes, is refused', () =>
  withHub(async (hub) => {
    const head = (headers: Record<string, string | number>) =>
      times(
        1,
        `HEAD /owner/name/resolve/${COMMIT}/${WEIGHTS}`,
        (_, response) => void response.writeHead(200, headers).end(),
      );
    const hash = sha256(hub.files.get(WEIGHTS)!.bytes);
    for (const [headers, ...words] of [
      [{ etag: '"../../../../etc/passwd"', 'content-length': 1 }, 'ETag'],
      [{ 'content-length': 1 }, 'ETag'],
      [{ etag: `"${hash}"`, 'x-linked-size': 2 ** 32 + 1 }, 'at most 4294967296 bytes'],
      [{ etag: `"${hash}"`, 'x-linked-size': 'many' }, '"size"'],
    ] as [Record<string, string | number>, ...string[]][]) {
      hub.faults.push(head(headers));
      await expectError(() => fetchAll(hub, fresh()), 'ERR_SOURCE', ...words);
    }
    for (const commit of ['', '../..', 'main', 'F'.repeat(40)]) {
      hub.commit = commit;
      await expectError(() => fetchAll(hub, fresh()), 'ERR_SOURCE', 'X-Repo-Commit');
    }
    for (const endpoint of ['huggingface.co', 'file:///etc', 'http://', 'https://x?y']) {
      await expectError(
        () => openRepository('owner/name', {}, { HF_ENDPOINT: endpoint }),
        'ERR_ENVIRONMENT',
        'HF_ENDPOINT',
      );
    }
    const { locate } = await openRepository(
      'owner/name',
      { cacheDir: fresh(), revision: COMMIT },
      { HF_ENDPOINT: hub.endpoint },
    );
    await expectError(() => locate('../config.json'), 'ERR_SOURCE', 'a plain file name');
  }));

test('many at once, on one cache', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    hub.faults.push(RECOVERED['a reset']!(4));
    for (const found of await Promise.all(Array.from({ length: 8 }, () => fetchAll(hub, cacheDir)))) {
      assertSame(found, hub.files);
    }
    assertClean(cacheDir, hub.files);
    assert.is(blobsOf(cacheDir).length, hub.files.size);
  }));

test('a signal ends a slow download at once; what came is kept', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    hub.faults.push(
      times(1, `GET /${WEIGHTS}`, (_, response, file) => {
        response.writeHead(200, { 'content-length': file!.bytes.length }).write(file!.bytes.subarray(0, 1000));
      }),
    );
    const controller = new AbortController();
    const onProgress = ({ file, loaded }: LoadProgress) => file === WEIGHTS && loaded === 1000 && controller.abort();
    let stopped = 0;
    controller.signal.addEventListener('abort', () => (stopped = performance.now()));
    await expectError(() => fetchAll(hub, cacheDir, { signal: controller.signal, onProgress }), 'ERR_ABORTED');
    assert.ok(performance.now() - stopped < 20_000);
    assertClean(cacheDir, hub.files);
    hub.requests.length = 0;
    assertSame(await fetchAll(hub, cacheDir), hub.files);
    assert.is(hub.requests.find(({ host }) => host === 'cdn')?.headers.range, 'bytes=1000-');
    // While it waits to ask again.
    hub.faults.push(times(1, 'HEAD', (_, response) => void response.writeHead(503, { 'retry-after': '30' }).end()));
    const timeout = AbortSignal.timeout(100);
    const start = performance.now();
    await expectError(() => fetchAll(hub, fresh(), { signal: timeout }), 'ERR_ABORTED');
    assert.ok(performance.now() - start < 20_000);
  }));

test('what a listener throws ends the load as it is', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    const enough = new Error('enough');
    const onProgress = ({ loaded }: LoadProgress) => {
      if (loaded > CHUNK) throw enough;
    };
    const error = await fetchAll(hub, cacheDir, { onProgress }).catch((thrown) => thrown);
    assert.is(error, enough);
    assertClean(cacheDir, hub.files);
    assertSame(await fetchAll(hub, cacheDir), hub.files);
  }));

test('without symbolic links a snapshot holds the files themselves', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    const env = { HF_HUB_DISABLE_SYMLINKS: '1' };
    assertSame(await fetchAll(hub, cacheDir, {}, env), hub.files);
    const snapshot = (commit: string) => join(repositoryOf(cacheDir), 'snapshots', commit, WEIGHTS);
    assert.ok(lstatSync(snapshot(COMMIT)).isFile());
    assert.is(blobsOf(cacheDir).length, 0);
    // A blob that a snapshot may point to stays.
    const hash = sha256(hub.files.get(WEIGHTS)!.bytes);
    writeFileSync(join(repositoryOf(cacheDir), 'blobs', hash), hub.files.get(WEIGHTS)!.bytes);
    hub.commit = 'e'.repeat(40);
    assertSame(await fetchAll(hub, cacheDir, {}, env), hub.files);
    assert.ok(lstatSync(snapshot(hub.commit)).isFile());
    assert.is(blobsOf(cacheDir).length, 1);
  }));

test('a name in the cache that something else has: what can be served is, and nothing half-made is left', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    const refs = join(cacheDir, 'models--owner--name', 'refs');
    mkdirSync(join(refs, 'main', 'taken'), { recursive: true });
    const found = await fetchAll(hub, cacheDir);
    for (const [file, { bytes }] of hub.files) assert.ok(Buffer.compare(found.get(file)!, bytes) === 0, file);
    assert.equal(readdirSync(refs), ['main']);
  }));

test('a link whose blob is gone is made again', () =>
  withHub(async (hub) => {
    const cacheDir = fresh();
    await fetchAll(hub, cacheDir);
    for (const path of blobsOf(cacheDir)) rmSync(path);
    assertSame(await fetchAll(hub, cacheDir), hub.files);
  }));

test('a cache that cannot be made is named', () =>
  withHub(async (hub) => {
    const file = fresh();
    writeFileSync(file, '');
    await expectError(() => fetchAll(hub, file), 'ERR_SOURCE', 'cannot write to the cache', file, 'cacheDir');
    if (process.platform !== 'linux') return;
    const refuses = '/proc/albert-wasm';
    await expectError(() => fetchAll(hub, refuses), 'ERR_SOURCE', 'cannot write to the cache', refuses, 'cacheDir');
  }));

test('the cache is where huggingface_hub has it', () => {
  const home = process.env.HOME as string;
  assert.is(cacheDirectory({}), join(home, '.cache/huggingface/hub'));
  assert.is(cacheDirectory({ XDG_CACHE_HOME: '/x' }), '/x/huggingface/hub');
  assert.is(cacheDirectory({ XDG_CACHE_HOME: '/x', HF_HOME: '/h' }), '/h/hub');
  assert.is(cacheDirectory({ HF_HOME: '~/h' }), join(home, 'h/hub'));
  assert.is(cacheDirectory({ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/l' }), '/l');
  assert.is(cacheDirectory({ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/l', HF_HUB_CACHE: '/c' }), '/c');
});

test.after(() => rmSync(ROOT, { recursive: true }));

test.run();
