/**
 * Plants one fault after another in a copy of the project and expects the named tests to fail: tests of the tests.
 *
 * Usage: node scripts/run-mutations.mjs [WORDS]      only the faults whose sentence or file has these words
 *        node scripts/run-mutations.mjs --dry-run    checks that every fault can be planted and that its tests exist
 */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { relaxedSimd } from 'wasm-feature-detect';
import { wasmToScript } from './wasm-to-script.mjs';

/**
 * @typedef {object} Mutation
 * @property {string} what the fault, in a sentence
 * @property {string} file
 * @property {string} search occurs exactly once in the file
 * @property {string} replace
 * @property {{ search: string, replace: string }} [also] a second place in the same file
 * @property {'simd' | 'relaxed'} [build] the only build of the kernels that the fault changes
 * @property {string[]} tests
 */

const MIN_FAULTS = 280;
const MAX_SECONDS = 300;
const root = fileURLToPath(new URL('..', import.meta.url));

const folder = new URL('mutations/', import.meta.url);
const lists = readdirSync(folder).map(async (name) => Object.values(await import(new URL(name, folder).href)));
/** @type {Mutation[]} */
const all = (await Promise.all(lists)).flat(2);

/** The file with the fault in it. */
function planted(source, { file, search, replace, also }) {
  return [{ search, replace }, ...(also === undefined ? [] : [also])].reduce((text, edit) => {
    const parts = text.split(edit.search);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${edit.search}`);
    return parts.join(edit.replace);
  }, source);
}

for (const mutation of all) {
  planted(readFileSync(`${root}/${mutation.file}`, 'utf8'), mutation);
  const missing = mutation.tests.find((file) => !existsSync(`${root}/${file}`));
  if (missing !== undefined) throw new Error(`${mutation.what}: there is no ${missing}`);
}
if (all.length < MIN_FAULTS) throw new Error(`${all.length} faults, fewer than ${MIN_FAULTS}`);
if (process.argv[2] === '--dry-run') {
  console.log(`${all.length} faults can be planted`);
  process.exit();
}

const copy = mkdtempSync(`${tmpdir()}/albert-wasm-`);
const builds = (await relaxedSimd()) ? ['debug', 'simd', 'relaxed'] : ['debug', 'simd'];

for (const path of [
  'assembly',
  'bench',
  'src',
  'test',
  'scripts',
  'packages',
  'build',
  'dist',
  'package.json',
  'tsconfig.json',
  'asconfig.json',
]) {
  cpSync(`${root}/${path}`, `${copy}/${path}`, { recursive: true, filter: (from) => !from.endsWith('/node_modules') });
}
for (const path of ['models', 'node_modules']) symlinkSync(`${root}/${path}`, `${copy}/${path}`);

/** The configurations of the kernels, the nearest to a file first. */
const CONFIGS = ['assembly/scalar/training', 'assembly/training', 'assembly/scalar', ''].map((folder) => ({
  folder,
  config: `${folder && `${folder}/`}asconfig.json`,
}));

/** Compiles the kernels of the copy in this process: once warm, the compiler takes a fraction of a fresh one's time. */
async function compile(file) {
  const { folder, config } = CONFIGS.find(({ folder }) => file.startsWith(folder));
  for (const target of folder.startsWith('assembly/scalar') ? ['scalar'] : builds) {
    const { error, stderr } = await asc.main(['--config', config, '--target', target, '--baseDir', copy]);
    if (error) throw new Error(`${error.message}\n${stderr}`);
  }
  if (folder === 'assembly/scalar') {
    writeFileSync(`${copy}/build/scalar.js`, wasmToScript(readFileSync(`${copy}/build/scalar.wasm`)));
  }
}

function runTests(files) {
  return new Promise((resolve) => {
    // Some faults hang: that is a failure too.
    const args = ['scripts/run-tests.mjs', ...files];
    const child = spawn(process.execPath, args, { cwd: copy, timeout: MAX_SECONDS * 1000 });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** What became of one fault. */
async function outcomeOf(mutation) {
  const { file, build, tests } = mutation;
  if (build !== undefined && !builds.includes(build)) return 'skipped';
  const source = readFileSync(`${root}/${file}`, 'utf8');
  writeFileSync(`${copy}/${file}`, planted(source, mutation));
  const kernel = file.startsWith('assembly/');
  try {
    if (kernel) await compile(file);
    const { code, output } = await runTests(tests);
    if (code === 0) return 'SURVIVED';
    // A fault that does not even load says nothing of the tests.
    return /Transform failed|SyntaxError|ran no test/.test(output) ? `BROKEN\n${output}` : 'caught';
  } catch (error) {
    return `BROKEN\n${error.message}`;
  } finally {
    writeFileSync(`${copy}/${file}`, source);
    if (kernel) cpSync(`${root}/build`, `${copy}/build`, { recursive: true });
  }
}

const words = process.argv.slice(2).join(' ');
const chosen = all.filter(({ what, file }) => `${file} ${what}`.includes(words));
const counts = { caught: 0, skipped: 0, failed: 0 };
try {
  if (chosen.length === 0) throw new Error(`no fault has these words: ${words}`);
  // A test that fails anyway would catch everything.
  const { code, output } = await runTests([...new Set(chosen.flatMap(({ tests }) => tests))]);
  if (code !== 0) throw new Error(`the tests fail without a fault:\n${output}`);
  for (const mutation of chosen) {
    const start = performance.now();
    const outcome = await outcomeOf(mutation);
    counts[outcome in counts ? outcome : 'failed']++;
    const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6);
    console.log(`${outcome.padEnd(8)} ${seconds} s  ${mutation.file.padEnd(34)} ${mutation.what}`);
  }
} finally {
  rmSync(copy, { recursive: true });
}
console.log(`${counts.caught} caught, ${counts.failed} not caught, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
