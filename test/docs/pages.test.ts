/** Every page of prose: links resolve, commands and files exist, tables are short, the index is whole, promises have their tests. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stateCases } from '../cases.js';

const test = suite('pages of prose');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');
/** A page without its blocks of code. */
const prose = (page: string) => read(page).replace(/^ *```[\s\S]*?^ *```$/gm, '');

const inFolder = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules') && !name.startsWith('api/'))
    .map((name) => `${folder}/${name}`);
const DOCS = inFolder('docs');
const HEAD = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'CHANGELOG.md'];
const PAGES = [...HEAD, ...DOCS, ...inFolder('models'), ...inFolder('packages'), 'examples/README.md'];

/** What a command writes, and no checkout has. */
const WRITTEN = 'docs/api';

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/ /g, '-'),
  );
}

test('every link leads to a file, and every anchor to a heading', () => {
  let links = 0;
  for (const page of [...PAGES, 'bench/results/README.md', 'scripts/train/README.md']) {
    for (const [, target = ''] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      assert.ok(existsSync(join(ROOT, file)), `${page}: ${target}`);
      if (anchor !== undefined) assert.ok(anchorsOf(file).includes(anchor), `${page}: ${target}`);
      links++;
    }
  }
  stateCases(links, 100);
});

test('README.md has at most 170 lines', () => {
  assert.ok(read('README.md').trimEnd().split('\n').length <= 170);
});

test('no cell of a table has more than 25 words', () => {
  let cells = 0;
  const long: string[] = [];
  // ARCHITECTURE.md has cells of its own measure until it is drawn anew.
  for (const page of PAGES.filter((name) => name !== 'ARCHITECTURE.md')) {
    for (const [line] of prose(page).matchAll(/^ *\|.*\|$/gm)) {
      for (const cell of line.split(/(?<!\\)\|/).slice(1, -1)) {
        cells++;
        if (cell.trim().split(/\s+/).length > 25) long.push(`${page}: ${cell.trim()}`);
      }
    }
  }
  assert.equal(long, []);
  stateCases(cells, 1000);
});

test('docs/README.md lists every page of docs, once', () => {
  const listed = [...read('docs/README.md').matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => `docs/${target}`);
  const pages = DOCS.filter((page) => page !== 'docs/README.md');
  const expected = pages.filter((page) => page.split('/').length === 2 || page.endsWith('/README.md'));
  assert.equal(listed.sort(), expected.sort());
  for (const folder of ['decisions', 'trust']) {
    const index = read(`docs/${folder}/README.md`);
    const rows = [...index.matchAll(/^\|.*?\]\(([\w.-]+\.md)\)/gm)].map(([, target]) => `docs/${folder}/${target}`);
    const inside = pages.filter((page) => page.startsWith(`docs/${folder}/`) && !page.endsWith('/README.md'));
    assert.equal(rows.sort(), inside.sort());
  }
});

test('every page of docs begins with a way to install it, and a program or a command', () => {
  for (const page of DOCS.filter((name) => name.split('/').length === 2 && name !== 'docs/README.md')) {
    const [install, first] = read(page).matchAll(/^```(\w+).*\n([\s\S]*?)^```$/gm);
    assert.match(install?.[2] ?? '', /^npm install albert-wasm/, page);
    assert.ok((install?.index ?? 0) < 900, `${page} begins with too much else`);
    if (page !== 'docs/performance.md') assert.match(first?.[1] ?? '', /^(js|sh)$/, page);
  }
});

test('every command, file and folder that a page names exists', () => {
  const { scripts } = JSON.parse(read('package.json'));
  let names = 0;
  for (const page of PAGES) {
    const text = read(page).replace(/https?:\/\/[^\s)]+/g, '');
    for (const [, script = ''] of text.matchAll(/npm run (?:-s )?([\w:]+)/g)) {
      assert.ok(scripts[script], `${page}: npm run ${script}`);
      names++;
    }
    // A decision and the changelog keep the names of their day.
    if (page.includes('/decisions/') || page === 'ARCHITECTURE.md' || page === 'CHANGELOG.md') continue;
    for (const [path] of text.matchAll(/\b(?:test|scripts|bench|examples|docs|assembly|src)\/[\w./-]*\w/g)) {
      assert.ok(existsSync(join(ROOT, path)) || path === WRITTEN, `${page}: ${path}`);
      names++;
    }
  }
  stateCases(names, 150);
});

test('docs/errors.md lists every code', () => {
  const codes = read('src/errors.ts').match(/(?<=\| ')ERR_\w+/g) ?? [];
  const rows = [...read('docs/errors.md').matchAll(/^\| `(ERR_\w+)` \|/gm)].map(([, code]) => code);
  assert.equal(rows, codes);
});

test('each sentence that SECURITY.md promises has its tests in docs/trust/promises.md, and no other is listed', () => {
  const flat = (text: string) => text.replace(/\s+/g, ' ').trim();
  const [, promised = ''] = /([\s\S]*)^## What is not promised/m.exec(read('SECURITY.md')) ?? [];
  const sentences = [...promised.matchAll(/^- ((?:.+\n)(?: {2}.+\n)*)/gm)].map(([, item = '']) => flat(item));
  const rows = [...read('docs/trust/promises.md').matchAll(/^\| (.*) \| (.*) \|$/gm)].slice(1);
  const listed = rows.map(([, promise = '']) => promise).filter((promise) => !/^-+$/.test(promise));
  assert.equal(sentences, listed);
  for (const [, promise, tests = ''] of rows) assert.match(tests, /`test\/[\w./-]+`/, promise);
  stateCases(sentences.length, 30);
});

test('the body of a decision has at most 40 lines, and its date below the title', () => {
  const index = read('docs/decisions/README.md');
  for (const page of DOCS.filter((name) => /decisions\/\d/.test(name))) {
    const [, , date = '', , ...body] = read(page).trimEnd().split('\n');
    assert.match(date, /^\d{1,2} \w+ 20\d\d\. In force/, page);
    assert.ok(body.length <= 40, `${page}: ${body.length} lines`);
    const number = page.slice('docs/decisions/'.length, 'docs/decisions/'.length + 4);
    assert.match(index, new RegExp(`^\\| \\[${number}\\]\\(.*\\| \\d{4}-\\d{2}-\\d{2} \\|`, 'm'));
  }
});

test.run();
