/** Models, tokenizers and pipelines by Hub id, as a caller has them: names, options, one commit, progress. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  AlbertModel,
  AlbertTokenizer,
  type LoadProgress,
  pipeline,
  type SourceOptions,
} from '../../src/entry/index.js';
import { openSource } from '../../src/ground/source.js';
import { expectError } from '../support/expect-error.js';
import { COMMIT, type HubFile, TestHub, times } from './server.js';

const test = suite('loading by Hub id');

const FOLDER = new URL('../../models/albert-mini-en-sst2/', import.meta.url);
const files = new Map<string, HubFile>(
  readdirSync(FOLDER).map((name) => [
    name,
    { bytes: new Uint8Array(readFileSync(new URL(name, FOLDER))), lfs: /safetensors|model$/.test(name) },
  ]),
);

let hub: TestHub;
let home: string;

test.before(async () => {
  hub = await TestHub.start(files);
  home = mkdtempSync(join(tmpdir(), 'albert-wasm-home-'));
  Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HOME: home });
});

test.before.each(() => {
  hub.requests.length = 0;
});

test.after(() => {
  hub.close();
  rmSync(home, { recursive: true });
  for (const name of ['HF_ENDPOINT', 'HF_HOME']) delete process.env[name];
});

test('a pipeline gives the answers of its directory, first from the network, then from the cache', async () => {
  const reports: LoadProgress[] = [];
  const options = { onProgress: (report: LoadProgress) => reports.push(report) };
  await using local = await pipeline('text-classification', fileURLToPath(FOLDER), options);
  const expected = await local('What a lovely day');
  const { length } = files.get('model.safetensors')!.bytes;
  assert.equal(
    reports.filter(({ file }) => file === 'model.safetensors').map(({ overall, ...report }) => report),
    [{ stage: 'read', file: 'model.safetensors', loaded: length, total: length, progress: 100 }],
  );
  reports.length = 0;
  await using remote = await pipeline('text-classification', 'owner/name', options);
  assert.equal(await remote('What a lovely day'), expected);
  const downloads = reports.filter(({ file, stage }) => stage === 'download' && file === 'model.safetensors');
  assert.ok(downloads.length > 10);
  assert.is(downloads.at(-1)?.loaded, length);
  assert.equal([...new Set(reports.map(({ file }) => file))].sort(), [
    'config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  // The commit is asked for once; then a head and the content of each file, and the heads of those that there are not.
  const asked = hub.log().filter((line) => !line.startsWith('GET cdn'));
  assert.equal([...new Set(asked)].sort(), [...asked].sort(), 'nothing is asked for twice');
  assert.is(asked.filter((line) => line.endsWith('/main/config.json')).length, 1);
  assert.is(asked.filter((line) => line.endsWith(`GET hub /owner/name/resolve/${COMMIT}/config.json`)).length, 1);
  hub.requests.length = 0;
  await using cached = await pipeline('text-classification', 'owner/name');
  assert.equal(await cached('What a lovely day'), expected);
  assert.equal(hub.log(), ['HEAD hub /owner/name/resolve/main/config.json']);
});

test('a load counts its files together, each once, and knows a total from its weights on', async () => {
  const load = async (run: (onProgress: (report: LoadProgress) => void) => Promise<unknown>) => {
    const reports: LoadProgress[] = [];
    await run((report) => reports.push(report));
    const sizes = new Map<string, number>();
    let before = 0;
    for (const { file, loaded, total, progress, overall } of reports) {
      assert.is(progress, total === undefined ? undefined : (100 * loaded) / total);
      sizes.set(file, Math.max(loaded, sizes.get(file) ?? 0));
      assert.is(
        overall.loaded,
        [...sizes.values()].reduce((sum, size) => sum + size, 0),
      );
      assert.ok(overall.loaded >= before);
      before = overall.loaded;
      const { total: all } = overall;
      assert.is(overall.progress, all === undefined ? undefined : (100 * overall.loaded) / all);
      if (all !== undefined) assert.ok(all >= overall.loaded);
    }
    return { reports, sizes };
  };
  const sizeOf = (names: Iterable<string>) => [...names].reduce((sum, name) => sum + files.get(name)!.bytes.length, 0);
  const cacheDir = join(home, 'overall');
  for (const source of ['owner/name', fileURLToPath(FOLDER)]) {
    const { reports, sizes } = await load(async (onProgress) => {
      await using _ = await pipeline('text-classification', source, { cacheDir, onProgress });
    });
    assert.is(sizes.size, 4);
    const first = reports.findIndex(({ file }) => file === 'model.safetensors');
    assert.ok(reports.slice(0, first).every(({ overall }) => overall.total === undefined));
    const end = reports.at(-1)?.overall;
    assert.equal(end, { loaded: sizeOf(sizes.keys()), total: sizeOf(sizes.keys()), progress: 100 });
  }
  // The same function, used again, begins anew.
  const hear = await load(async (onProgress) => {
    await AlbertTokenizer.from_pretrained(FOLDER, { onProgress });
  });
  assert.equal(hear.reports.at(-1)?.overall.total, sizeOf(['tokenizer.json', 'tokenizer_config.json']));
  assert.ok(hear.reports.every(({ overall }) => overall.total !== undefined));
  const seen: LoadProgress[] = [];
  const onProgress = (report: LoadProgress) => seen.push(report);
  for (let load = 0; load < 2; load++) await AlbertTokenizer.from_pretrained(FOLDER, { onProgress });
  assert.equal(seen.slice(seen.length / 2), seen.slice(0, seen.length / 2));
});

test('model and tokenizer of a pipeline are of one commit, though a push comes between', async () => {
  hub.faults.push((request) => {
    if (request.method === 'GET') hub.commit = 'd'.repeat(40);
    return false;
  });
  const cacheDir = join(home, 'push');
  await using _ = await pipeline('text-classification', 'owner/name', { cacheDir });
  assert.equal(readdirSync(join(cacheDir, 'models--owner--name', 'snapshots')), [COMMIT]);
  hub.faults.length = 0;
  hub.commit = COMMIT;
});

test('an existing directory comes before the Hub, anything else says what was tried', async () => {
  const cwd = process.cwd();
  mkdirSync(join(home, 'owner/name'), { recursive: true });
  process.chdir(home);
  try {
    await expectError(() => AlbertModel.from_pretrained('owner/name'), 'ERR_SOURCE', 'config.json', 'file://');
    assert.equal(hub.log(), []);
  } finally {
    process.chdir(cwd);
  }
  await expectError(
    () => openSource('no/such'),
    'ERR_SOURCE',
    '"no/such" is no directory',
    hub.endpoint,
    '404',
    'main',
  );
  await expectError(() => openSource('no-such'), 'ERR_SOURCE', 'directory', 'Hub id such as "owner/name"');
});

test('what a repository lacks is said with its commit', async () => {
  hub.files = new Map([['config.json', files.get('config.json')!]]);
  const cacheDir = join(home, 'lacking');
  await expectError(
    () => AlbertModel.from_pretrained('owner/name', { cacheDir }),
    'ERR_SOURCE',
    'owner/name at 0123456',
  );
  const offline = { cacheDir, localFilesOnly: true };
  await expectError(() => AlbertTokenizer.from_pretrained('owner/name', offline), 'ERR_SOURCE', 'cached files only');
  hub.files = files;
});

test('unknown options are refused before anything is asked', async () => {
  const wrong: [SourceOptions, string][] = [
    [{ revision: '' }, '"revision"'],
    [{ revision: '../main' }, '"revision"'],
    [{ revision: 7 as never }, '"revision"'],
    [{ cacheDir: 7 as never }, '"cacheDir"'],
    [{ token: 'hf_a\r\nx: y' }, '"token"'],
    [{ token: 7 as never }, '"token"'],
    [{ localFilesOnly: 'yes' as never }, '"localFilesOnly"'],
    [{ fetch: 'fetch' as never }, '"fetch"'],
    [{ onProgress: {} as never }, '"onProgress"'],
    [{ signal: {} as never }, '"signal"'],
  ];
  for (const [options, words] of wrong) {
    for (const load of [AlbertModel.from_pretrained.bind(AlbertModel), AlbertTokenizer.from_pretrained]) {
      const error = await expectError(() => load('owner/name', options), 'ERR_INPUT', words);
      assert.not.match(error.message, 'hf_a');
    }
    await expectError(() => pipeline('fill-mask', 'owner/name', options), 'ERR_INPUT', words);
  }
  await expectError(() => AlbertTokenizer.from_pretrained('owner/name', 7 as never), 'ERR_INPUT', 'options');
  assert.equal(hub.log(), []);
});

test('a fetch of the caller serves the whole load', async () => {
  const asked: string[] = [];
  const own: typeof fetch = (input, init) => {
    asked.push(String(input));
    return fetch(input, init);
  };
  await using model = await AlbertModel.from_pretrained('owner/name', {
    cacheDir: join(home, 'own'),
    fetch: own,
    onWarning: () => {},
  });
  assert.is(model.config.hidden_size, 512);
  assert.is(asked.length, hub.requests.filter(({ host }) => host === 'hub').length);
});

test('a load that was cancelled can be had again', async () => {
  const cacheDir = join(home, 'cancelled');
  const controller = new AbortController();
  const onProgress = ({ loaded }: LoadProgress) => loaded > 1e6 && controller.abort();
  const options = { cacheDir, onProgress, signal: controller.signal };
  await expectError(() => pipeline('text-classification', 'owner/name', options), 'ERR_ABORTED');
  hub.faults.push(times(1, 'GET /model.safetensors', (_, response) => response.writeHead(500).end()));
  await using classify = await pipeline('text-classification', 'owner/name', { cacheDir });
  assert.is((await classify('What a lovely day'))[0]?.label, 'POSITIVE');
  assert.match(hub.requests.filter(({ host }) => host === 'cdn').at(-1)?.headers.range ?? '', /^bytes=\d{6,}-$/);
});

test.run();
