/** Where Node finds the package's files: beside the code, by the package's name where a bundler has moved the code, or nowhere. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openSource } from '../../src/ground/source.js';
import { FILES_ADVICE, ownFile, resolveByName } from '../../src/platform/node/own-files.js';
import { readFile } from '../../src/platform/node/platform.js';
import { expectError } from '../support/expect-error.js';

const test = suite('own files');

const BUILD = new URL('../../build/simd.wasm', import.meta.url);
const ELSEWHERE = new URL('file:///nowhere/simd.wasm');

/** What webpack makes of `new URL('…', import.meta.url)` for a page that it renders on a server: no protocol, a path alone. */
function relative(path: string): URL {
  const url = Object.create(URL.prototype);
  for (const [name, value] of Object.entries({ href: path, pathname: path, protocol: '', origin: '' })) {
    Object.defineProperty(url, name, { value, enumerable: true });
  }
  return url;
}

test('beside the code, where it is there', () => {
  assert.is(
    ownFile('simd.wasm', () => BUILD),
    BUILD,
  );
});

test('by name, where it is not, or where there is no URL to start from', () => {
  const thrown = () => {
    throw new TypeError('Invalid URL');
  };
  for (const beside of [() => ELSEWHERE, () => relative('/_next/static/media/simd.wasm'), thrown]) {
    assert.is(ownFile('simd.wasm', beside).href, BUILD.href);
  }
  assert.is(resolveByName('albert-wasm/none.wasm'), undefined);
});

test('nowhere: ERR_SOURCE, which names the setting', async () => {
  await expectError(() => ownFile('none.wasm', () => ELSEWHERE), 'ERR_SOURCE', ELSEWHERE.href, FILES_ADVICE);
  assert.match(FILES_ADVICE, /serverExternalPackages: \['albert-wasm', '@albert-wasm\/…'\]/);
});

test("a model's files whose URLs lead nowhere on a server: the same", async () => {
  const config = relative('/_next/static/media/config.json');
  assert.is(await readFile(config), undefined);
  const opened = await openSource({ 'config.json': config });
  await expectError(() => opened.readFile('config.json'), 'ERR_SOURCE', 'config.json', '/_next/static', FILES_ADVICE);
});

test.run();
