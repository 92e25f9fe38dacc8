/** The examples of README and docs run as they are written, in a project that has the package installed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LOAD_OPTIONS } from '../../src/model/options.js';
import { CALL_OPTIONS } from '../../src/pipelines/jobs.js';
import { randomFiles } from '../pipelines/checkpoint.js';
import {
  ACT2FN,
  add,
  dense,
  dot,
  layerNorm,
  type Row,
  type Rows,
  softmax,
  transpose,
} from '../reference/operations.js';
import { Project, snippetsOf } from './snippets.js';

const readme = suite('README');
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const text = readFileSync(`${ROOT}/README.md`, 'utf8');
/** Its words, whatever the lines. */
const words = text.replaceAll(/\s+/g, ' ');

/** Runs the first or last example of a text, behind some lines. Returns what it prints. */
function runExample(text: string, which: 0 | -1, first = ''): string {
  const project = new Project();
  try {
    return project.run(`${first}\n${snippetsOf(text).at(which)}`);
  } finally {
    project.remove();
  }
}

const section = (title: string) => text.slice(text.indexOf(`\n## ${title}\n`));

readme('the quick start', () => {
  assert.match(runExample(section('Quick start'), 0), /label: 'POSITIVE', score: 0\.998/);
});

readme('the quick start on the command line', () => {
  const [, words = ''] = /`npx albert-wasm (classify "[^"]+")`/.exec(section('Quick start')) ?? [];
  const args = ['-c', `"${process.execPath}" "${ROOT}/dist/node/cli.js" ${words}`];
  assert.match(execFileSync('sh', args, { encoding: 'utf8' }), /"label":"POSITIVE"/);
});

readme('the example for a page', () => {
  const body = 'globalThis.document = { body: {} };';
  const [code = ''] = snippetsOf(section('Browser'));
  const printed = runExample(`\`\`\`js\n${code}console.log(document.body.textContent);\n\`\`\``, 0, body);
  assert.is(printed, 'POSITIVE 99.8 %\n');
});

readme('the example of a class', () => {
  const output = runExample(section('API'), 0);
  assert.match(output, /\[ 1, 8, \d+, \d+ \]/);
  const [, negative, positive] = /\[ \[ (-?[\d.]+), (-?[\d.]+) \] \]/.exec(output) ?? [];
  assert.ok(Number(positive) > Number(negative), output);
});

readme('the example of a Hub id, by a folder of that name', async () => {
  const project = new Project();
  try {
    const folder = `${project.folder}/albert/albert-base-v2`;
    mkdirSync(folder, { recursive: true });
    for (const [file, content] of Object.entries(await randomFiles('model')))
      writeFileSync(`${folder}/${file}`, content as string);
    const [code = ''] = snippetsOf(section('Models and the Hub'));
    assert.match(project.run(code), /^config\.json undefined\n[\s\S]*model\.safetensors 100\n/);
  } finally {
    project.remove();
  }
});

readme('the tasks and options of its tables are those of the library', () => {
  const tasks = new Set(section('API').match(/(?<=^\| `)[a-z-]+(?=`)/gm));
  const all = readFileSync(`${ROOT}/docs/tasks.md`, 'utf8').match(/(?<=^## )[a-z-]+$/gm) ?? [];
  for (const task of all) assert.ok(tasks.has(task), task);
  const options = [...section('API').matchAll(/^\| `(\w+)` \| (?:loads|calls)/gm)].map(([, name]) => name as string);
  assert.equal(options, ['dtype', 'threads', 'worker', 'signal', 'batch_size']);
  const names = { ...LOAD_OPTIONS, ...CALL_OPTIONS };
  for (const option of options) assert.ok(option in names, option);
});

readme('the sizes of the kernels and of the inline file', () => {
  const [, least, most] = /kernels are (\d+) to (\d+) KB of WebAssembly/.exec(words) ?? [];
  const sizes = ['simd', 'relaxed'].map((name) => statSync(`${ROOT}/build/${name}.wasm`).size / 1000);
  assert.equal(sizes.map(Math.round), [Number(least), Number(most)]);
  const comparison = readFileSync(`${ROOT}/docs/comparison.md`, 'utf8');
  assert.is(/kernels of at most (\d+) KB/.exec(comparison)?.[1], most);
  const [, inline] = /one file of (\d+) KB \(gzip\)/.exec(words) ?? [];
  const packed = gzipSync(readFileSync(`${ROOT}/dist/inline.js`), { level: 9 }).length / 1000;
  assert.ok(Math.abs(packed - Number(inline)) < 2, `${packed} KB`);
});

readme('the worked example of docs/kernels.md, beside the same layer in float64', () => {
  const output = runExample(readFileSync(`${ROOT}/docs/kernels.md`, 'utf8'), -1);
  const [seq, hidden, inner] = [4, 8, 32];
  const numbers = (rows: number, cols: number, seed: number): Rows =>
    Array.from({ length: rows }, (_, i) =>
      Array.from({ length: cols }, (_, j) => Math.sin(seed + (i * cols + j) * 1.7) / 2),
    );
  const times = (x: Rows, w: Rows) => dense(x, transpose(w), new Array(w[0]?.length).fill(0));
  const normed = (x: Rows) => layerNorm(x, new Array(hidden).fill(1), new Array(hidden).fill(0), 1e-12);
  const x = numbers(seq, hidden, 7);
  const [q, k, v] = [1, 2, 3].map((seed) => times(x, numbers(hidden, hidden, seed))) as [Rows, Rows, Rows];
  const context = q.map((query) =>
    [0, 4].flatMap((at) => {
      const head = (row: Row) => row.slice(at, at + 4);
      const weights = softmax(k.slice(0, 3).map((key) => dot(head(query), head(key)) / 2));
      return [0, 1, 2, 3].map((d) =>
        dot(
          weights,
          v.slice(0, 3).map((value) => value[at + d] as number),
        ),
      );
    }),
  );
  const attended = normed(add(times(context, numbers(hidden, hidden, 4)), x));
  const wide = times(attended, numbers(hidden, inner, 5)).map((row) => row.map(ACT2FN.gelu as (x: number) => number));
  const [first] = normed(add(times(wide, numbers(inner, hidden, 6)), attended)) as [Row];
  const [, got] = output.trim().split('\n') as [string, string];
  got.split(' ').forEach((y, i) => {
    assert.ok(Math.abs(Number(y) - (first[i] as number)) < 0.06, `${y} instead of ${first[i]}`);
  });
  assert.match(output, /^32 /);
});

readme.run();
