/** What is published is what the source says: kernels that rebuild byte for byte, dependencies that run nothing on install. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stateCases } from '../support/cases.js';

const test = suite('supply chain');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const readJson = (path: string) => JSON.parse(readFileSync(`${ROOT}/${path}`, 'utf8'));
/** Where a package without an address of its own comes from. */
const REGISTRY = 'https://registry.npmjs.org/';
const RELEASES = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads', 'scalar'] as const;

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
}

const locked = readJson('package-lock.json').packages as Record<string, Locked>;

/** Every package that `npm install albert-wasm` brings, at its path in the tree; this repository's own are in their folders. */
const runtime = Object.entries(locked).filter(([path]) => needed(readJson('package.json').dependencies).has(path));

/** The paths of packages, and of what they need in turn. */
function needed(names: Readonly<Record<string, string>> = {}, found = new Set<string>()): Set<string> {
  for (const name of Object.keys(names)) {
    const path = `node_modules/${name}`;
    if (found.has(path) || locked[path] === undefined) continue;
    found.add(path);
    needed({ ...locked[path]?.dependencies, ...locked[path]?.optionalDependencies }, found);
  }
  return found;
}

test('the kernels rebuild byte for byte', async () => {
  const folder = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    const builds = RELEASES.flatMap((target) => [
      { target, name: `${target}.wasm`, config: target === 'scalar' ? 'assembly/scalar/' : '' },
      {
        target,
        name: `training-${target}.wasm`,
        config: target === 'scalar' ? 'assembly/scalar/training/' : 'assembly/training/',
      },
    ]);
    const rebuilt = builds.map(async ({ target, name, config }) => {
      const file = `${folder}/${name}`;
      const asc = `${ROOT}/node_modules/assemblyscript/bin/asc.js`;
      const args = [asc, '--config', `${config}asconfig.json`, '--target', target, '--outFile', file];
      await promisify(execFile)(process.execPath, args, { cwd: ROOT });
      const same = Buffer.compare(readFileSync(file), readFileSync(`${ROOT}/build/${name}`)) === 0;
      assert.ok(same, `${name} is not what the source gives`);
    });
    // All of them have ended before their folder goes.
    await Promise.allSettled(rebuilt);
    stateCases((await Promise.all(rebuilt)).length, 2 * RELEASES.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the scalar kernels as JavaScript are made of their module, and reach nothing but numbers and their memory', async () => {
  // @ts-expect-error: plain JavaScript
  const { wasmToScript } = await import('../../scripts/wasm-to-script.mjs');
  const script = readFileSync(`${ROOT}/build/scalar.js`, 'utf8');
  assert.is(script, wasmToScript(readFileSync(`${ROOT}/build/scalar.wasm`)), 'scalar.js is not what scalar.wasm gives');
  // Everything that it names and does not make itself.
  const code = script.replace(/\/\*[\s\S]*?\*\/|"[^"]*"/g, '');
  const own = new Set(code.match(/(?<=\b(?:var|function) |, )[\w$]+/g));
  const names = new Set(code.match(/(?<![\w$.])[A-Za-z_$][\w$]*/g));
  const foreign = [...names].filter((name) => /^[A-Z]/.test(name) && !own.has(name)).sort();
  const arrays = ['Float32Array', 'Float64Array', 'Infinity', 'Int16Array', 'Int32Array', 'Int8Array'];
  const unsigned = ['Uint16Array', 'Uint32Array', 'Uint8Array'];
  assert.equal(foreign, ['ArrayBuffer', ...arrays, 'Math', 'Object', ...unsigned]);
  assert.not.match(code, /\b(eval|globalThis|window|self|process|require|import|fetch|constructor)\b/);
});

test('packages needed at run time: those of package.json, what they need, none that runs a script', () => {
  const { dependencies, scripts } = readJson('package.json');
  for (const model of readdirSync(`${ROOT}/models`).filter((name) => !name.endsWith('.md'))) {
    const { scripts: none, dependencies: nothing } = readJson(`models/${model}/package.json`);
    assert.equal([none, nothing], [undefined, undefined], model);
  }
  const names = runtime.map(([path]) => path.replace('node_modules/', ''));
  for (const name of Object.keys(dependencies)) assert.ok(names.includes(name), name);
  for (const [path, { hasInstallScript, resolved, integrity }] of runtime) {
    assert.not.ok(hasInstallScript, `${path} runs a script when it is installed`);
    assert.match(resolved ?? REGISTRY, /^https:\/\/registry\.npmjs\.org\//, path);
    assert.match(integrity ?? '', /^sha512-/, path);
  }
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
    assert.is(scripts[script], undefined, script);
  for (const [name, version] of Object.entries(dependencies)) assert.match(String(version), /^\d+\.\d+\.\d+$/, name);
  // One more is a decision: it belongs in ARCHITECTURE.md with its reason.
  assert.ok(runtime.length <= 6, names.join(', '));
  stateCases(runtime.length, Object.keys(dependencies).length);
});

/** Packages with a script, of what the queue brings: stated in SECURITY.md, optional, and nothing here needs them. */
const WITH_SCRIPT = ['node_modules/msgpackr-extract'];

test('every other package that is published: nothing runs a script but what is stated, and that is optional', () => {
  const folders = ['models', 'packages'].flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`)
      .filter((name) => !name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  );
  const all = new Set<string>();
  for (const folder of folders) {
    const { scripts = {}, dependencies } = readJson(`${folder}/package.json`);
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
      assert.is(scripts[script], undefined, folder);
    for (const path of needed(dependencies)) all.add(path);
  }
  const found = [...all].filter((path) => locked[path]?.hasInstallScript);
  assert.equal(found, WITH_SCRIPT);
  const text = readFileSync(`${ROOT}/SECURITY.md`, 'utf8') + readFileSync(`${ROOT}/packages/queue/README.md`, 'utf8');
  for (const path of found) {
    const name = path.replace('node_modules/', '');
    const users = Object.values(locked).filter(
      ({ dependencies, optionalDependencies }) => ({ ...dependencies, ...optionalDependencies })[name],
    );
    assert.ok(
      users.length > 0 && users.every(({ optionalDependencies }) => optionalDependencies?.[name] !== undefined),
      name,
    );
    assert.is(text.split(name).length, 3, `${name} is stated in SECURITY.md and in the package's README`);
  }
  for (const path of all) {
    const { resolved, integrity } = locked[path] as Locked;
    assert.match(resolved ?? REGISTRY, /^https:\/\/registry\.npmjs\.org\//, path);
    assert.match(integrity ?? '', /^sha512-/, path);
  }
  stateCases(all.size, 10);
});

test('nothing of the library evaluates text as code', () => {
  const files = readdirSync(`${ROOT}/src`, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  for (const file of files) {
    const source = readFileSync(`${ROOT}/src/${file}`, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    assert.not.match(source, /\beval\(|new Function\(|importScripts|node:(vm|child_process)/, file);
  }
  stateCases(files.length, 60);
});

/** What a pattern is made of: constants, templates of them, or a file's text with every character of meaning escaped. */
const PATTERN =
  /^(?:[A-Z_]+|`(?:[^`$\\]|\\.|\$(?!\{)|\$\{(?:[A-Z_]+|joined|decodeRanges\([A-Z_]+\))\})*`|content\.replace\(\/\[\\\\\^\$\.\*\+\?\(\)\[\\\]\{\}\|\/-\]\/g, '\\\\\$&'\)), '/;

test('no pattern is made of text from a file, unless it is escaped', () => {
  let patterns = 0;
  for (const file of readdirSync(`${ROOT}/src`, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    for (const [, made = ''] of readFileSync(`${ROOT}/src/${file}`, 'utf8').matchAll(/new RegExp\((.*)/g)) {
      assert.match(made, PATTERN, file);
      patterns++;
    }
  }
  stateCases(patterns, 10);
});

test.run();
