/** The examples of README and docs run as they are written, in a project that has the package installed. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Project, snippetsOf } from './docs/snippets.js';
import { ACT2FN, add, dense, dot, layerNorm, type Row, type Rows, softmax, transpose } from './reference/operations.js';

const readme = suite('README');
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const text = readFileSync(`${ROOT}/README.md`, 'utf8');

/** Runs the first or last example of a text. Returns what it prints. */
function runExample(text: string, which: 0 | -1): string {
  const project = new Project();
  try {
    return project.run(snippetsOf(text).at(which) as string);
  } finally {
    project.remove();
  }
}

readme('the example for Node', () => {
  const output = runExample(text.slice(text.indexOf('## In Node')), 0);
  assert.match(output, /label: 'POSITIVE', score: 0\.998/);
  assert.match(output, /\[ 1, 8, \d+, \d+ \]/);
  // One text alone, then two at once: the logits of negative and positive.
  const logits = [...output.matchAll(/\[ \[ (-?[\d.]+), (-?[\d.]+) \] \]/g)];
  assert.equal(
    logits.map(([, negative, positive]) => Number(positive) > Number(negative)),
    [true, true, false],
  );
});

readme('the example of kernels: shares that sum to 1, a product of its size', () => {
  const output = runExample(text.slice(text.indexOf('## Kernels on their own')), 0);
  const [, shares, length] = /Float32Array\(10\) \[([^\]]+)\] (\d+)/.exec(output) ?? [];
  const sum = shares?.split(',').reduce((total, share) => total + Number(share), 0) ?? 0;
  assert.ok(Math.abs(sum - 1) < 1e-5, output);
  assert.is(Number(length), 128 * 3072);
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

readme('every file it names is there', () => {
  for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) assert.ok(existsSync(`${ROOT}/${link}`), link);
  const { scripts } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));
  for (const [, script] of text.matchAll(/npm run ([\w:]+)/g)) assert.ok(scripts[script as string], script);
});

readme.run();
