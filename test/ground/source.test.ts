/** Sources: a directory, a file: or http: URL, files in memory or by their URLs; and what goes wrong on the way. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSource } from '../../src/ground/source.js';
import type { LoadProgress } from '../../src/ground/source-options.js';
import { AlbertModel } from '../../src/model/models.js';
import * as web from '../../src/platform/web/platform.js';
import { expectError } from '../support/expect-error.js';

const source = suite('source');

const FIXTURE = new URL('../fixtures/flax/tiny/model/', import.meta.url);
const config = readFileSync(new URL('config.json', FIXTURE), 'utf8');

let lastUrl = '';
let page = '<!doctype html><p>Log in';
let contentType: string | undefined;
const server = createServer((request, response) => {
  lastUrl = request.url as string;
  const file = lastUrl.split('?')[0]?.split('/').at(-1) as string;
  if (request.url?.startsWith('/broken/')) {
    response.writeHead(503).end();
  } else if (request.url?.startsWith('/reset/')) {
    response.writeHead(200, { 'content-length': 1000 }).write('half');
    setTimeout(() => request.socket.destroy(), 10);
  } else if (request.url?.startsWith('/none')) {
    response.writeHead(404).end();
  } else if (request.url?.startsWith('/page')) {
    response.writeHead(200, contentType === undefined ? {} : { 'content-type': contentType }).end(page);
  } else if (request.url?.startsWith('/silent/')) {
    // No answer at all: only a signal ends this.
  } else {
    try {
      response.end(readFileSync(new URL(file, FIXTURE)));
    } catch {
      response.writeHead(404).end();
    }
  }
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

source('a directory, its URL, a server and memory hold the same model', async () => {
  const forms = [
    fileURLToPath(FIXTURE),
    fileURLToPath(FIXTURE).replace(/\/$/, ''),
    FIXTURE,
    FIXTURE.href.replace(/\/$/, ''),
    `${origin}/tiny`,
    new URL(`${origin}/tiny/`),
    {
      'config.json': new TextEncoder().encode(config),
      'model.safetensors': readFileSync(new URL('model.safetensors', FIXTURE)),
    },
    {
      'config.json': new URL(`data:application/json;base64,${btoa(config)}`),
      'model.safetensors': new URL('model.safetensors', FIXTURE),
    },
    { 'config.json': config, 'model.safetensors': new URL(`${origin}/tiny/model.safetensors`) },
  ];
  const outputs: Float32Array[] = [];
  for (const form of forms) {
    await using model = await AlbertModel.from_pretrained(form);
    outputs.push((await model.forward({ input_ids: [[2, 7, 3]] })).last_hidden_state.data);
  }
  for (const output of outputs) assert.equal(output, outputs[0]);
});

source('a missing file is told from a failing server', async () => {
  const opened = await openSource(`${origin}/tiny`);
  assert.is(await opened.readFile('none.json'), undefined);
  await expectError(() => AlbertModel.from_pretrained(`${origin}/broken`), 'ERR_SOURCE', '503', '/broken/config.json');
  await expectError(() => AlbertModel.from_pretrained(`${origin}/reset`), 'ERR_SOURCE', '/reset/config.json');
  await expectError(() => AlbertModel.from_pretrained('http://127.0.0.1:1/'), 'ERR_SOURCE', '127.0.0.1:1');
  const directory = await openSource(fileURLToPath(FIXTURE));
  assert.is(await directory.readFile('none.json'), undefined);
  await expectError(
    () => openSource(new URL('.', FIXTURE)).then((parent) => parent.readFile('../model/')),
    'ERR_SOURCE',
  );
  await expectError(() => directory.readFile('n'.repeat(300)), 'ERR_SOURCE', 'cannot read');
});

source('no message shows what a URL carries beside its path', async () => {
  const secret = 'key=secret';
  for (const [path, words] of [
    ['broken', '503'],
    ['none', 'there is no config.json'],
    ['page', 'a web page'],
  ] as const) {
    const error = await expectError(
      () => AlbertModel.from_pretrained(`${origin}/${path}?${secret}`),
      'ERR_SOURCE',
      words,
    );
    assert.match(error.message, `${origin}/${path}`);
    assert.not.match(error.message, 'secret');
    assert.match(lastUrl, secret);
  }
  for (const [url, words] of [
    [origin.replace('//', '//user:secret@'), 'without user and password'],
    [`http://[?${secret}`, 'an existing directory'],
  ] as const) {
    const error = await expectError(() => AlbertModel.from_pretrained(url), 'ERR_SOURCE', words);
    assert.not.match(error.message, 'secret');
  }
});

source('a web page in place of a file is named with its type and beginning', async () => {
  for (const platform of ['node', 'web']) {
    const read =
      platform === 'web'
        ? web.readFile
        : async (url: URL) => (await openSource(new URL('.', url))).readFile('model.safetensors');
    for (const [i, start] of ['<!DOCTYPE html>', '\n<html lang="en">', '<?xml version="1.0"?>'].entries()) {
      page = start;
      const url = new URL(`${origin}/page/model.safetensors`);
      const type = i === 0 ? 'text/html; charset=utf-8' : 'no content type';
      contentType = i === 0 ? type : undefined;
      const shown = JSON.stringify(start).slice(1, -1);
      await expectError(
        () => read(url),
        'ERR_SOURCE',
        'model.safetensors',
        'a web page',
        type,
        shown,
        `${origin}/page/`,
      );
    }
  }
  // Servers of pages have one for every name: a file that most models lack is not there.
  page = '<!doctype html>';
  for (const name of ['tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json', 'modules.json']) {
    assert.is(await web.readFile(new URL(`${origin}/page/${name}`)), undefined, name);
  }
  // The lengths of safetensors headers that begin with the same letters.
  page = '<!\0\0\0\0\0\0{';
  assert.is((await web.readFile(new URL(`${origin}/page/model.safetensors`)))?.length, 9);
});

source('unknown forms are refused by name', async () => {
  for (const form of [
    'http://',
    'http://[',
    '',
    'bert-base-uncased',
    'albert-base-v3',
    'no/such/model',
    './no/such',
    'no/such/',
    7,
    null,
  ]) {
    await expectError(() => openSource(form as never), 'ERR_SOURCE', '"source"', 'directory');
  }
  const buffer = new Uint8Array(readFileSync(new URL('model.safetensors', FIXTURE))).buffer;
  await using model = await AlbertModel.from_pretrained({ 'config.json': config, 'model.safetensors': buffer });
  assert.is(model.info().threads, 1);
  for (const content of [7, null, [1], { a: 1 }]) {
    const files = { 'config.json': content as never };
    await expectError(() => AlbertModel.from_pretrained(files), 'ERR_SOURCE', '"config.json"', 'a string');
  }
});

source('ALBERT’s own models need no owner, where there is no directory of their name', async () => {
  const asked: string[] = [];
  const fetch = async (url: URL | RequestInfo) => {
    asked.push(new URL(String(url)).pathname);
    return new Response('', { status: 404 });
  };
  const [here, cacheDir] = [process.cwd(), mkdtempSync(`${tmpdir()}/albert-wasm-`)];
  const open = () => openSource('albert-large-v1', { fetch: fetch as typeof globalThis.fetch, cacheDir });
  process.chdir(cacheDir);
  try {
    await expectError(open, 'ERR_SOURCE', '"albert/albert-large-v1"');
    assert.ok(asked.length > 0 && asked.every((path) => path.startsWith('/albert/albert-large-v1/')), asked.join());
    mkdirSync('albert-large-v1');
    assert.is((await open()).name, pathToFileURL(`${process.cwd()}/albert-large-v1/`).href);
    await expectError(() => openSource('bert-base-uncased'), 'ERR_SOURCE', '"owner/name"', 'albert-base-v2');
  } finally {
    process.chdir(here);
    rmSync(cacheDir, { recursive: true });
  }
});

source('what is no regular file is refused, not waited for', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    const opened = await openSource(directory);
    execFileSync('mkfifo', [`${directory}/config.json`]);
    symlinkSync('/dev/zero', `${directory}/model.safetensors`);
    mkdirSync(`${directory}/tokenizer.json`);
    symlinkSync('/dev/null', `${directory}/spiece.model`);
    // Who waits for the pipe is let go, to fail and not to hang.
    const timer = setInterval(() => writeFileSync(`${directory}/config.json`, ''), 30_000);
    const start = performance.now();
    try {
      for (const [file, kind] of [
        ['config.json', 'a named pipe'],
        ['model.safetensors', 'a device'],
        ['tokenizer.json', 'a directory'],
        ['spiece.model', 'a device'],
      ] as const) {
        for (const read of [opened.readFile, opened.openFile]) {
          await expectError(() => read(file), 'ERR_SOURCE', `"${file}" expected a regular file`, kind, directory);
          assert.ok(performance.now() - start < 30_000, 'it waited');
        }
      }
      await expectError(() => AlbertModel.from_pretrained(directory), 'ERR_SOURCE', 'a named pipe');
    } finally {
      clearInterval(timer);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

source('a file on disk is measured before any of it is read', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    const opened = await openSource(directory);
    const MiB = 2 ** 20;
    for (const [file, most] of [
      ['config.json', MiB],
      ['special_tokens_map.json', MiB],
      ['constructor', 128 * MiB],
      ['tokenizer_config.json', 8 * MiB],
      ['tokenizer.json', 32 * MiB],
      ['spiece.model', 16 * MiB],
      ['model.safetensors.index.json', 128 * MiB],
      ['model.safetensors', 4096 * MiB],
      ['flax_model.msgpack', 4096 * MiB],
    ] as const) {
      // Holes: none of these bytes is on the disk.
      writeFileSync(`${directory}/${file}`, '');
      truncateSync(`${directory}/${file}`, most + 1);
      const before = process.memoryUsage.rss();
      for (const read of [opened.readFile, opened.openFile]) {
        await expectError(() => read(file), 'ERR_SOURCE', `"${file}" expected at most ${most}`, `${most + 1}`);
      }
      assert.ok(process.memoryUsage.rss() - before < 16 * MiB, `${file} was read`);
      truncateSync(`${directory}/${file}`, most);
      const file_ = await opened.openFile(file);
      assert.ok(file_ !== undefined && !(file_ instanceof Uint8Array));
      assert.is(file_.length, most);
      await file_.close();
    }
    assert.is((await opened.readFile('config.json'))?.length, MiB);
    const huge = { 'config.json': `{"a":"${'x'.repeat(MiB)}"}` };
    await expectError(() => AlbertModel.from_pretrained(huge), 'ERR_SOURCE', '"config.json"', `at most ${MiB} bytes`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

source('a file is read in pieces, into any memory, and never past its end', async () => {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    writeFileSync(`${directory}/file`, bytes);
    const opened = await openSource(directory);
    assert.is(await opened.openFile('none'), undefined);
    assert.is(await opened.openFile('file/none'), undefined);
    await expectError(() => opened.openFile('../'), 'ERR_SOURCE', tmpdir());
    await expectError(() => opened.openFile('file', AbortSignal.abort()), 'ERR_ABORTED');
    const file = await opened.openFile('file');
    assert.ok(file !== undefined && !(file instanceof Uint8Array));
    assert.is(file.length, 1000);
    for (const memory of [
      new ArrayBuffer(200),
      new WebAssembly.Memory({ initial: 1 }).buffer,
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer,
    ]) {
      await file.read(new Uint8Array(memory, 10, 100), 600);
      assert.equal([...new Uint8Array(memory, 9, 102)], [0, ...bytes.subarray(600, 700), 0]);
    }
    await expectError(() => file.read(new Uint8Array(100), 950), 'ERR_SOURCE', '/file', 'it ends at byte 1000');
    truncateSync(`${directory}/file`, 500);
    await expectError(() => file.read(new Uint8Array(100), 450), 'ERR_SOURCE', 'it ends at byte 500');
    await file.close();
    await expectError(() => file.read(new Uint8Array(1), 0), 'ERR_SOURCE', '/file');
    assert.instance(await (await openSource(origin)).openFile('config.json'), Uint8Array);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

source('files by URL: under their own names, in pieces where they are on disk, and none of them missing', async () => {
  const reports: string[] = [];
  const onProgress = ({ stage, file }: LoadProgress) => reports.push(`${stage} ${file}`);
  const files = {
    'config.json': new URL(`${origin}/assets/model.safetensors?v=8f3a`),
    'model.safetensors': new URL('config.json', FIXTURE),
    'tokenizer.json': new URL(`${origin}/assets/none.json`),
    'spiece.model': new URL('none', FIXTURE),
  };
  const opened = await openSource(files, { onProgress });
  assert.instance(await opened.openFile('config.json'), Uint8Array);
  assert.is(lastUrl, '/assets/model.safetensors?v=8f3a');
  const weights = await opened.openFile('model.safetensors');
  assert.ok(weights !== undefined && !(weights instanceof Uint8Array));
  await weights.close();
  assert.equal([...new Set(reports)], ['download config.json', 'read model.safetensors']);
  assert.is(await opened.readFile('tokenizer_config.json'), undefined);
  await expectError(
    () => opened.readFile('tokenizer.json'),
    'ERR_SOURCE',
    '"tokenizer.json" expected to exist',
    'none.json',
  );
  await expectError(() => opened.openFile('spiece.model'), 'ERR_SOURCE', '"spiece.model" expected to exist', '/none');
  await expectError(() => opened.readFile('config.json', AbortSignal.abort()), 'ERR_ABORTED');
});

source('a query goes with every file', async () => {
  const opened = await openSource(`${origin}/query?token=7`);
  await opened.readFile('config.json');
  assert.is(lastUrl, '/query/config.json?token=7');
});

source('a signal ends a silent download', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  await expectError(
    () => AlbertModel.from_pretrained(`${origin}/silent`, { signal: controller.signal }),
    'ERR_ABORTED',
  );
  const opened = await openSource(FIXTURE);
  await expectError(() => opened.readFile('config.json', AbortSignal.abort()), 'ERR_ABORTED');
});

source('in a browser paths are URLs and nothing is written', async () => {
  assert.is(
    (await web.readFile(new URL(`${origin}/tiny/config.json`)))?.length,
    new TextEncoder().encode(config).length,
  );
  await expectError(() => web.writeFiles('somewhere', new Map()), 'ERR_ENVIRONMENT', 'somewhere');
  Object.assign(globalThis, { location: { href: 'https://page.example/app/index.html' } });
  assert.is((await web.directoryUrl('models/mini/'))?.href, 'https://page.example/app/models/mini/');
  assert.is((await web.directoryUrl('./models/mini'))?.href, 'https://page.example/app/models/mini/');
  assert.is((await web.directoryUrl('mini'))?.href, 'https://page.example/app/mini/');
  assert.is(await web.directoryUrl('models/mini'), undefined, 'a Hub id');
  assert.is(await web.directoryUrl('albert-base-v2'), undefined, 'a Hub id without its owner');
  assert.is((await web.directoryUrl('albert-base-v2/'))?.href, 'https://page.example/app/albert-base-v2/');
  assert.is(web.packageDirectory('@albert-wasm/albert-mini-en'), undefined);
  assert.is((await web.directoryUrl('/models/mini/'))?.href, 'https://page.example/models/mini/');
  Reflect.deleteProperty(globalThis, 'location');
});

source.after(() => {
  server.closeAllConnections();
  server.close();
});

source('files in memory stay as they are, Buffers too, when a worker reads them', async () => {
  const weights = readFileSync(new URL('model.safetensors', FIXTURE));
  const [copy, files] = [Buffer.from(weights), { 'config.json': config, 'model.safetensors': weights }];
  for (const worker of [true, true, false]) {
    const model = await AlbertModel.from_pretrained(files, { worker });
    await model.dispose();
    assert.ok(copy.equals(weights));
  }
});

source('a view of a larger memory is a file of its own', async () => {
  const whole = Buffer.concat([Buffer.alloc(8), readFileSync(new URL('model.safetensors', FIXTURE))]);
  await using model = await AlbertModel.from_pretrained({
    'config.json': config,
    'model.safetensors': whole.subarray(8),
  });
  assert.equal(model.loadReport.initialized, []);
});

source.run();
