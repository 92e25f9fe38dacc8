/** The README's example for Node runs as it is written, in a project that has the package installed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const readme = suite('README');
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const text = readFileSync(`${ROOT}/README.md`, 'utf8');

readme('the example for Node', () => {
  const example = text.slice(text.indexOf('## In Node')).match(/```js\n([\s\S]*?)```/)?.[1] as string;
  const project = mkdtempSync(`${tmpdir()}/albert-wasm-readme-`);
  try {
    mkdirSync(`${project}/node_modules`);
    symlinkSync(ROOT, `${project}/node_modules/albert-wasm`);
    symlinkSync(`${ROOT}/node_modules/@albert-wasm`, `${project}/node_modules/@albert-wasm`);
    writeFileSync(`${project}/example.mjs`, example);
    const output = execFileSync(process.execPath, ['example.mjs'], { cwd: project, encoding: 'utf8' });
    assert.match(output, /label: 'POSITIVE', score: 0\.998/);
    assert.match(output, /\[ 1, 8, \d+, \d+ \]/);
  } finally {
    rmSync(project, { recursive: true });
  }
});

readme('every file it names is there', () => {
  for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) assert.ok(existsSync(`${ROOT}/${link}`), link);
  const { scripts } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));
  for (const [, script] of text.matchAll(/npm run ([\w:]+)/g)) assert.ok(scripts[script as string], script);
});

readme.run();
