/** A repository whose weights are PyTorch's alone loads by its id; one without weights tells what it has. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertModel, type LoadProgress } from '../../src/entry/index.js';
import { openRepository } from '../../src/hub/web/repository.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { type TorchTensor, torchZip } from '../weights/pytorch-files.js';
import { rejects } from '../weights/samples.js';
import { fetchFrom, TestCaches } from './page.js';
import { COMMIT, type HubFile, TestHub, times } from './server.js';

const test = suite('PyTorch files of the Hub');

const BIN = 'pytorch_model.bin';
const config: HubFile = { bytes: new TextEncoder().encode(JSON.stringify(TINY)), lfs: false };

let hub: TestHub;
let home: string;
let bin: HubFile;
let expected: Float32Array;

test.before(async () => {
  await using model = await AlbertModel.from_config(TINY, { seed: 4 });
  const tensors = [...model.params].map(([name, { shape, data }], i): TorchTensor => {
    return { name, shape, storage: { key: String(i), dtype: 'F32', bytes: new Uint8Array(data.buffer) } };
  });
  expected = (await model.forward(TINY_INPUTS)).last_hidden_state.data;
  bin = { bytes: torchZip(tensors), lfs: true };
});

test.before.each(async () => {
  hub = await TestHub.start(
    new Map([
      ['config.json', config],
      [BIN, bin],
      ['training_args.bin', config],
    ]),
  );
  home = mkdtempSync(join(tmpdir(), 'albert-wasm-home-'));
  Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HOME: home });
});

test.after.each(() => {
  hub.close();
  rmSync(home, { recursive: true });
  for (const name of ['HF_ENDPOINT', 'HF_HOME']) delete process.env[name];
});

test('by its id alone, from the network and then from the cache', async () => {
  const reports: LoadProgress[] = [];
  for (const from of ['network', 'cache']) {
    await using model = await AlbertModel.from_pretrained('owner/name', {
      onProgress: (report) => reports.push(report),
    });
    assert.equal((await model.forward(TINY_INPUTS)).last_hidden_state.data, expected);
    assert.is(model.loadReport.checkpoint?.format, 'pytorch');
    if (from === 'network') {
      const log = hub.log().filter((line) => line.includes('pytorch_model') || line.includes('safetensors'));
      assert.equal(log, [
        ...['model.safetensors', 'model.safetensors.index.json', BIN].map(
          (name) => `HEAD hub /owner/name/resolve/${COMMIT}/${name}`,
        ),
        `GET hub /owner/name/resolve/${COMMIT}/${BIN}`,
        `GET cdn /${BIN}?signature=secret`,
      ]);
    }
    if (from === 'cache') assert.equal(hub.log(), ['HEAD hub /owner/name/resolve/main/config.json']);
    hub.requests.length = 0;
  }
  const last = reports.filter(({ file, stage }) => file === BIN && stage === 'download').at(-1);
  assert.equal([last?.loaded, last?.total], [bin.bytes.length, bin.bytes.length]);
});

test('a download that breaks off goes on, a wrong byte is refused and not kept', async () => {
  hub.faults.push(
    times(1, `GET /${BIN}`, (_request, response) => {
      response.writeHead(200, { etag: '"x"', 'content-length': bin.bytes.length });
      response.write(bin.bytes.subarray(0, 8192), () => setTimeout(() => response.socket?.destroy(), 20));
    }),
  );
  await using model = await AlbertModel.from_pretrained('owner/name');
  assert.equal((await model.forward(TINY_INPUTS)).last_hidden_state.data, expected);
  const ranges = hub.requests.filter(({ host }) => host === 'cdn').map(({ headers }) => headers.range);
  assert.equal(ranges, [undefined, 'bytes=8192-']);

  const wrong = bin.bytes.slice();
  wrong[5000]! ^= 1;
  const cacheDir = join(home, 'other');
  hub.faults.push((request, response) => {
    if (!request.url?.startsWith(`/${BIN}`)) return false;
    response.end(wrong);
    return true;
  });
  await rejects(AlbertModel.from_pretrained('owner/name', { cacheDir }), 'ERR_SOURCE', BIN, 'the hash');
  assert.equal(readdirSync(join(cacheDir, 'models--owner--name', 'snapshots', COMMIT)), ['config.json']);
});

test('no weights: the files of the repository and the bot’s pull requests, for a worker too', async () => {
  hub.files = new Map([
    ['config.json', config],
    ['tf_model.h5', bin],
    ['onnx/model.onnx', bin],
  ]);
  for (const worker of [false, true]) {
    await rejects(
      AlbertModel.from_pretrained('owner/name', { worker }),
      'ERR_SOURCE',
      'owner/name at 0123456',
      '["tf_model.h5", "onnx/model.onnx"]',
      'from_tf=True',
      'refs/pr/1',
    );
  }
  // If the list is not available, the message has the rest.
  for (const answer of ['', '{"siblings":3}', '[]']) {
    hub.faults.push(times(1, 'GET /api/models', (_request, response) => void response.writeHead(200).end(answer)));
    await rejects(AlbertModel.from_pretrained('owner/name'), 'ERR_SOURCE', 'none of them', 'refs/pr/1');
  }
  hub.faults.push(times(1, 'GET /api/models', (_request, response) => void response.writeHead(503).end()));
  await rejects(AlbertModel.from_pretrained('owner/name'), 'ERR_SOURCE', 'none of them', 'refs/pr/1');
  hub.requests.length = 0;
  await rejects(AlbertModel.from_pretrained('owner/name', { localFilesOnly: true }), 'ERR_SOURCE', 'none of them');
  assert.equal(hub.log(), []);
});

test('a pull request’s revision is one like any other', async () => {
  await using model = await AlbertModel.from_pretrained('owner/name', { revision: 'refs/pr/1' });
  assert.is(model.loadReport.checkpoint?.format, 'pytorch');
  assert.ok(hub.log().includes('HEAD hub /owner/name/resolve/refs%2Fpr%2F1/config.json'));
});

test('a page: fetched, verified and listed in the same way', async () => {
  const caches = new TestCaches();
  Object.assign(globalThis, { caches });
  try {
    const repository = await openRepository('owner/name', { fetch: fetchFrom(hub) });
    const bytes = await repository.readFile(BIN);
    assert.ok(Buffer.compare(bytes!, bin.bytes) === 0);
    assert.ok(hub.log().includes(`GET hub /owner/name/raw/${COMMIT}/${BIN}`), 'the pointer names the hash');
    assert.equal(await repository.listFiles(), ['config.json', BIN, 'training_args.bin']);
    const wrong = bin.bytes.slice();
    wrong[5000]! ^= 1;
    hub.faults.push(times(1, `GET /${BIN}`, (_request, response) => void response.end(wrong)));
    const other = await openRepository('owner/name', { fetch: fetchFrom(hub), cacheDir: 'other' });
    await rejects(other.readFile(BIN), 'ERR_SOURCE', BIN, 'the hash');
  } finally {
    Reflect.deleteProperty(globalThis, 'caches');
  }
});

test.run();
