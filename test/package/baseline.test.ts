/** Every file that a browser loads runs in the oldest browsers that README.md states: no newer syntax, no newer global or method. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stateCases } from '../support/cases.js';
import { BASELINE, beyondBaseline, importsOf, ownMembers } from './baseline.js';

const test = suite('the baseline of browsers');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { exports, imports } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));

/** What Node and workerd load, and no browser. */
const NOT_FOR_BROWSERS =
  /^dist\/(node\/|entry\/cli\.|cli\/|shards\/|hub\/node\/|platform\/node|engine\/workerd-builds)/;

/** What is used only in engines that have it. */
const GUARDED: Readonly<Record<string, readonly string[]>> = {
  'dist/ground/disposable.js': ['Symbol.asyncDispose', 'Symbol.dispose'],
  'dist/inline.js': ['Symbol.asyncDispose'],
};

/** The file that a browser's bundler finds for an import. */
function resolve(specifier: string, from: string): string {
  if (specifier.startsWith('.')) return join(dirname(from), specifier);
  if (specifier.startsWith('#')) return join(ROOT, imports[specifier].default.default ?? imports[specifier].default);
  return fileURLToPath(import.meta.resolve(specifier));
}

/** A file of types alone leaves nothing behind. */
const ofTypesAlone = (file: string) => {
  const code = readFileSync(`${ROOT}/${file}`, 'utf8');
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, '').trim() === 'export {};';
};

/** Everything that is reached from what a page may import. */
function browserFiles(): string[] {
  const models = readdirSync(`${ROOT}/models`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const queue = [
    ...['.', './inline', './kernels', './training', './worker.js'].map((name) =>
      join(ROOT, exports[name].default ?? exports[name]),
    ),
    join(ROOT, imports['#engine-worker'].default),
    `${ROOT}/build/scalar.js`,
    ...models.map(({ name }) => `${ROOT}/models/${name}/index.js`),
  ];
  const found = new Set<string>();
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    for (const specifier of importsOf(readFileSync(file, 'utf8'))) {
      queue.push(resolve(specifier, file));
    }
  }
  return [...found].map((file) => relative(ROOT, file));
}

test('newer features are reported, by syntax, global, static member and method', () => {
  for (const [code, wanted] of [
    ['await using file = open();', /Unexpected token/],
    ['/[\\p{L}--a]/v', /Invalid regular expression flag/],
    ['export const f = () => Iterator.from([]);', 'Iterator.from'],
    ['globalThis.navigation.back()', 'globalThis.navigation'],
    ['URL.canParse("")', 'URL.canParse'],
    ['[][Symbol.asyncDispose]()', 'Symbol.asyncDispose'],
    ['AbortSignal.any([])', 'AbortSignal.any'],
    ['Promise.withResolvers()', 'Promise.withResolvers'],
    ['[].toSorted()', '.toSorted'],
    ['new Set().isSupersetOf(new Set())', '.isSupersetOf'],
  ] as const) {
    const found = beyondBaseline(code);
    assert.is(found.length, 1, `${code}: ${found}`);
    if (typeof wanted === 'string') assert.is(found[0], wanted);
    else assert.match(found[0] as string, wanted);
  }
  const fine =
    'class A { static #a = 1; static { A.b = structuredClone(/(?<=a)b/d) } } await fetch("").then((r) => r.text()); [].at(-1)';
  assert.equal(beyondBaseline(fine), []);
});

test('README.md states the baseline', () => {
  const { safari, firefox, chrome } = BASELINE;
  const stated = `Safari ${safari}, Firefox ${firefox}, Chromium ${chrome}`;
  assert.ok(readFileSync(`${ROOT}/README.md`, 'utf8').includes(stated), stated);
});

test('every published file is one of those, or is for Node', () => {
  const files = new Set(browserFiles());
  const published = readdirSync(`${ROOT}/dist`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => `dist/${name}`);
  const missed = published.filter((file) => !files.has(file) && !NOT_FOR_BROWSERS.test(file) && !ofTypesAlone(file));
  assert.equal(missed, []);
  assert.equal(
    [...files].filter((file) => NOT_FOR_BROWSERS.test(file)),
    [],
  );
});

test('nothing that a browser loads needs more than the baseline', () => {
  const codes = browserFiles().map((file) => [file, readFileSync(`${ROOT}/${file}`, 'utf8')] as const);
  const own = new Set(codes.flatMap(([, code]) => ownMembers(code)));
  const faults = codes.flatMap(([file, code]) =>
    beyondBaseline(code, own)
      .filter((name) => !GUARDED[file]?.includes(name))
      .map((name) => `${file}: ${name}`),
  );
  assert.equal(faults, []);
  stateCases(codes.length, 100);
});

test.run();
