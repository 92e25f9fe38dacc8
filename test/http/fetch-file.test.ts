/** Files by URL into memory: what is asked again, continued, counted and refused. */
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxFileBytes } from '../../src/ground/file-limits.js';
import { fetchFile } from '../../src/http/fetch-file.js';
import { CHUNK, type HubFile, sendChunks, sendFile, sendGzip, someFiles } from '../hub/server.js';
import { expectError } from '../support/expect-error.js';

const test = suite('files by URL');

const file = someFiles().get('model.safetensors') as HubFile;
const QUICK = { backoffMs: 10, ifRange: true };

/** Runs `listener` for one test; `hits` are the requests' Range and If-Range. */
async function serve(
  listener: (hit: number) => RequestListener,
  run: (url: URL, hits: { range: string | undefined; ifRange: string | undefined }[]) => Promise<void>,
): Promise<void> {
  const hits: { range: string | undefined; ifRange: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const { range, 'if-range': ifRange } = request.headers;
    hits.push({ range, ifRange: ifRange as string | undefined });
    listener(hits.length)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(
      new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/folder/model.safetensors?key=secret`),
      hits,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const fetchBytes = async (url: URL, options = {}, request = {}) =>
  (await fetchFile(url, 'model.safetensors', { ...QUICK, ...options }, request))?.bytes;

test('a broken body is continued while its strong etag is the same', () =>
  serve(
    (hit) => (request, response) => sendFile(request, response, file, '"one"', hit < 3 ? 2 : undefined),
    async (url, hits) => {
      assert.equal(await fetchBytes(url), file.bytes);
      assert.equal(hits[1], { range: `bytes=${2 * CHUNK}-`, ifRange: '"one"' });
      assert.equal(hits[2], { range: `bytes=${4 * CHUNK}-`, ifRange: '"one"' });
    },
  ));

test('without a strong etag, or with another one, it starts over', async () => {
  await serve(
    (hit) => (request, response) => sendFile(request, response, file, 'W/"weak"', hit < 2 ? 2 : undefined),
    async (url, hits) => {
      assert.equal(await fetchBytes(url), file.bytes);
      assert.equal(hits[1], { range: undefined, ifRange: undefined });
    },
  );
  const other = { ...file, bytes: file.bytes.toReversed() };
  for (const ifRange of [true, false]) {
    await serve(
      (hit) => (request, response) => {
        if (hit === 1) sendFile(request, response, other, '"one"', 2);
        else sendFile(request, response, file, '"two"');
      },
      // Without If-Range the server answers 206, and its etag tells.
      async (url) => assert.equal(await fetchBytes(url, { ifRange }), file.bytes),
    );
  }
});

test('as many failures as one likes, if each brings a part', () =>
  serve(
    (hit) => (request, response) => sendFile(request, response, big, '"one"', hit < 8 ? 257 : undefined),
    async (url, hits) => {
      assert.ok(Buffer.compare((await fetchBytes(url)) as Uint8Array, big.bytes) === 0);
      assert.ok(hits.length > 5);
    },
  ));

test('a body that always breaks off at the same place ends, however much it brings', () =>
  serve(
    () => (request, response) => sendFile(request, response, big, 'W/"weak"', 512),
    async (url, hits) => {
      await expectError(() => fetchBytes(url), 'ERR_SOURCE', 'model.safetensors');
      assert.is(hits.length, 5);
    },
  ));

const big = { bytes: new Uint8Array(8 << 20).map((_, i) => i % 251), lfs: true };

test('failures that bring nothing end, with what was wrong', async () => {
  let closed = new URL('http://127.0.0.1');
  await serve(
    () => (request) => request.socket.destroy(),
    async (url, hits) => {
      const error = await expectError(() => fetchBytes(url), 'ERR_SOURCE', '/folder/model.safetensors');
      assert.is(hits.length, 5);
      assert.not.match(error.message, 'secret');
      closed = url;
    },
  );
  await expectError(() => fetchBytes(closed), 'ERR_SOURCE', 'ECONNREFUSED');
});

test('a thread that is busy for longer than a stall goes on reading', () =>
  serve(
    () => (_, response) => {
      response.writeHead(200, { 'content-length': file.bytes.length, etag: '"one"' });
      response.write(file.bytes.subarray(0, CHUNK));
      setTimeout(() => {
        response.end(file.bytes.subarray(CHUNK));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
      }, 20);
    },
    async (url, hits) => {
      assert.equal(await fetchBytes(url, { stallMs: 400 }), file.bytes);
      assert.is(hits.length, 1);
    },
  ));

test('silence is a failure too', () =>
  serve(
    (hit) => (request, response) => {
      if (hit === 1) return;
      if (hit === 2)
        response
          .writeHead(200, { etag: '"one"', 'content-length': file.bytes.length })
          .write(file.bytes.subarray(0, 9));
      else sendFile(request, response, file, '"one"');
    },
    async (url, hits) => {
      assert.equal(await fetchBytes(url, { stallMs: 100 }), file.bytes);
      assert.is(hits[2]?.range, 'bytes=9-');
    },
  ));

test('more than the limit is not read, said beforehand or not', async () => {
  const limit = { maxBytes: file.bytes.length - 1 };
  const exact = { maxBytes: file.bytes.length };
  for (const announced of [true, false]) {
    const listener: RequestListener = (request, response) =>
      announced ? sendFile(request, response, file) : void sendChunks(response, file.bytes);
    await serve(
      () => listener,
      async (url, hits) => {
        const expected = announced ? `got ${file.bytes.length}` : 'at most';
        await expectError(() => fetchBytes(url, {}, limit), 'ERR_SOURCE', expected, String(limit.maxBytes));
        assert.is(hits.length, 1);
        assert.equal(await fetchBytes(url, {}, exact), file.bytes);
      },
    );
  }
  assert.is(maxFileBytes('model-00001-of-00002.safetensors'), 2 ** 32);
  assert.is(maxFileBytes('flax_model.msgpack'), 2 ** 32);
  assert.is(maxFileBytes('pytorch_model.bin'), 2 ** 32);
  assert.is(maxFileBytes('tokenizer.json'), 2 ** 25);
  assert.is(maxFileBytes('spiece.model'), 2 ** 24);
  assert.is(maxFileBytes('tokenizer_config.json'), 2 ** 23);
  assert.is(maxFileBytes('config.json'), 2 ** 20);
  assert.is(maxFileBytes('model.safetensors.index.json'), 2 ** 27);
});

test('compressed bodies are counted as they unfold, and never continued', () =>
  serve(
    () => (request, response) => sendGzip(request, response, file, '"one"'),
    async (url) => {
      const seen: number[] = [];
      const onProgress = ({ loaded }: { loaded: number }) => seen.push(loaded);
      assert.equal(await fetchBytes(url, { onProgress }), file.bytes);
      assert.is(seen.at(-1), file.bytes.length);
    },
  ));

test('404 is no file; redirects lead to it; circles are an error', async () => {
  await serve(
    () => (_, response) => response.writeHead(404).end(),
    async (url, hits) => {
      assert.is(await fetchBytes(url), undefined);
      assert.is(hits.length, 1);
    },
  );
  await serve(
    (hit) => (request, response) =>
      hit === 1 ? response.writeHead(302, { location: '/elsewhere' }).end() : sendFile(request, response, file),
    async (url) => assert.equal(await fetchBytes(url), file.bytes),
  );
  await serve(
    () => (request, response) => response.writeHead(302, { location: request.url }).end(),
    async (url) => void (await expectError(() => fetchBytes(url), 'ERR_SOURCE', 'redirect')),
  );
});

test('an empty file is a file', () =>
  serve(
    () => (_, response) => response.end(),
    async (url) => assert.equal(await fetchBytes(url), new Uint8Array()),
  ));

test('a fetch of the caller is used, and what it throws is explained', async () => {
  const asked: string[] = [];
  const fetch = async (input: URL | RequestInfo) => {
    asked.push(String(input));
    return new Response('hello');
  };
  assert.equal(await fetchBytes(new URL('http://x.example/a'), { fetch }), new TextEncoder().encode('hello'));
  assert.equal(asked, ['http://x.example/a']);
  const failing = async () => {
    throw new TypeError('no proxy');
  };
  await expectError(() => fetchBytes(new URL('http://x.example/a'), { fetch: failing }), 'ERR_SOURCE', 'no proxy');
});

test('a cancelled download ends, though its body or its fetch never does', async () => {
  const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  const answers: (() => Promise<Response>)[] = [async () => new Response(silent), () => new Promise(() => {})];
  for (const fetch of answers) {
    const controller = new AbortController();
    const options = { fetch, signal: controller.signal };
    setImmediate(() => controller.abort());
    await expectError(() => fetchBytes(new URL('http://localhost/model.safetensors'), options), 'ERR_ABORTED');
  }
});

test('a silent body is asked for again', async () => {
  let hits = 0;
  const fetch = async () => {
    hits++;
    return hits === 1 ? new Response(new ReadableStream({ pull: () => new Promise(() => {}) })) : new Response('abc');
  };
  const bytes = await fetchBytes(new URL('http://localhost/model.safetensors'), { fetch, stallMs: 20 });
  assert.equal([hits, new TextDecoder().decode(bytes)], [2, 'abc']);
});

test.run();
