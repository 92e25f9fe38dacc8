/** Every code of an AlbertError that the library throws is expected by some test. */
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stateCases } from '../support/cases.js';

const test = suite('codes');

function codesIn(folder: string, suffix: string, except: string): Set<string> {
  const url = new URL(folder, import.meta.url);
  const files = readdirSync(url, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith(suffix) && name !== except,
  );
  const texts = files.map((name) => readFileSync(new URL(name, url), 'utf8'));
  return new Set(texts.flatMap((text) => text.match(/(?<=')ERR_[A-Z_]+(?=')/g) ?? []));
}

const listed: readonly string[] =
  readFileSync(new URL('../../src/ground/errors.ts', import.meta.url), 'utf8').match(/(?<=\| ')ERR_\w+/g) ?? [];
const thrown = codesIn('../../src/', '.ts', 'ground/errors.ts');
const expected = codesIn('../', '.test.ts', 'ground/codes.test.ts');

test('each code that is thrown is expected by a test', () => {
  for (const code of listed) {
    assert.ok(expected.has(code), `no test expects ${code}`);
  }
  for (const code of thrown) assert.ok(listed.includes(code), `${code} is not listed`);
  stateCases(listed.length, 13);
});

test.run();
