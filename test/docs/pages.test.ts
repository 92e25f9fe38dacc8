/** Every page of prose: links resolve, commands and files exist, tables are short, the index is whole, promises have their tests. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { claims } from '../../bench/claims.js';
import { stateCases } from '../support/cases.js';

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

test('the figures of README.md, comparison.md and performance.md are those of bench/results', () => {
  type Row = Readonly<Record<string, string | number>>;
  const rows = (report: string): Row[] => JSON.parse(read(`bench/results/${report}.json`)).rows;
  const find = (report: string, keys: Row) => {
    const found = rows(report).find((row) => Object.entries(keys).every(([key, value]) => row[key] === value));
    assert.ok(found, `${report}: ${JSON.stringify(keys)}`);
    return found as Row;
  };
  let figures = 0;
  for (const { pages, table, days } of claims()) {
    assert.not.match(table, /NaN|undefined/);
    for (const page of pages) {
      assert.ok(read(page).includes(`\n\n${table}\n`), `${page}: npm run bench:claims writes\n${table}`);
      for (const day of days) assert.ok(prose(page).includes(day), `${page}: ${day}`);
      figures += table.match(/\d+\.\d+/g)?.length ?? 0;
    }
  }
  for (const [, runtime = '', dtype = '', ...stated] of read('docs/comparison.md').matchAll(
    /^\| ([\w-]+), (float32|int8) \| ([\d.]+ ms, [\d.]+ MB) \| ([\d.]+ ms, [\d.]+ MB) \|$/gm,
  )) {
    const name = runtime === 'albert-wasm' && dtype === 'int8' ? 'albert-wasm, int8 file' : runtime;
    for (const [i, node] of ['node20', 'node24'].entries()) {
      const row = find(`cold-${node}`, { dtype, runtime: name });
      assert.is(`${row['first output, ms']} ms, ${row['peak, MB']} MB`, stated[i], `${name}, ${dtype}, ${node}`);
      figures++;
    }
  }
  for (const page of ['README.md', 'docs/exactness.md']) {
    // Plain SIMD, and relaxed SIMD with 7 and with 8 bits.
    const costs = (measure: string) =>
      [
        ['node24-avx-vnni', 13],
        ['node24-no-avx-vnni', 7],
        ['node24-avx-vnni', 8],
      ].map(([report, activationBits]) =>
        rows(`accuracy-${report}`).find(
          (row) => String(row.measure).startsWith(`${measure}:`) && row.activationBits === activationBits,
        ),
      ) as Row[];
    const energy = (model: string) =>
      costs(`nmse of ${model}`).map(({ cost }) => `${(Number(cost) * 100).toFixed(3)} %`);
    const right = costs('sst2').map((row) =>
      [row.float32, row.int8].map((cell) => parseInt(String(cell), 10)).join(', '),
    );
    const words = costs('fill-mask').map(({ cost }) => cost);
    const trained = page === 'README.md' ? [] : [energy('albert-mini-en-sst2')];
    for (const cells of [words, energy('base_v2'), right, ...trained]) {
      assert.ok(read(page).includes(` | ${cells.join(' | ')} |\n`), `${page}: ${cells}`);
      figures += cells.length;
    }
  }
  for (const [engine, float32, int8] of [
    ...read('docs/performance.md').matchAll(/^\| (\w+).* \| ([\d.]+) \| ([\d.]+) \|$/gm),
  ]
    .filter(([line]) => /Chromium|Firefox|WebKit/.test(line))
    .map(([line, , float32, int8]) => [/Chromium|Firefox|WebKit/.exec(line)?.[0], float32, int8] as const)) {
    for (const [dtype, stated] of [
      ['float32', float32],
      ['int8', int8],
    ] as const) {
      const row = rows('engines-debian').find(
        (row) => String(row.engine).startsWith(engine as string) && row.dtype === dtype,
      );
      assert.is(
        Number(stated),
        Math.round(Number(row?.['times as long as Chromium']) * 10) / 10,
        `${engine}, ${dtype}`,
      );
      figures++;
    }
  }
  stateCases(figures, 66);
});

test('docs/errors.md lists every code', () => {
  const codes = read('src/ground/errors.ts').match(/(?<=\| ')ERR_\w+/g) ?? [];
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
