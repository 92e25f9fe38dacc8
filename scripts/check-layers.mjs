/**
 * Holds the direction of imports: cli → index → pipelines → model → {engine, weights}, pipelines → tokenizer, everything
 * → the ground floor; kernels → engine; the three wings never import each other, and nothing imports in a circle.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The floors that each floor of src/ may import, besides itself. */
const MAY_IMPORT = {
  cli: ['index', 'shards', 'ground'],
  shards: ['index', 'ground'],
  index: ['pipelines', 'model', 'tokenizer', 'ground'],
  kernels: ['engine', 'ground'],
  pipelines: ['model', 'tokenizer', 'ground'],
  model: ['engine', 'weights', 'ground'],
  engine: ['ground'],
  weights: ['ground'],
  tokenizer: ['ground'],
  ground: [],
};

/** The one place of each package, a file or the beginning of some, that may be used at run time. */
const PACKAGE_OWNERS = {
  '@assemblyscript/loader': 'src/engine/kernels.ts',
  'wasm-feature-detect': 'src/engine/builds.ts',
  pbf: 'src/tokenizer/sentencepiece.ts',
  commander: 'src/cli',
};

/** Where Node's own modules may be used: what no browser loads. */
const ON_NODE = ['src/platform/node', 'src/hub/node/', 'src/cli', 'src/shards/'];

/** Where a program's bundler compiles kernels; elsewhere they are loaded by their URLs. */
const WITH_MODULES = 'src/engine/workerd-builds.ts';

/** What only one file may import: the rest of the source must not know on which platform it runs. */
const BEHIND_PLATFORM = { 'src/hub/node/': 'src/platform/node.ts', 'src/hub/web/': 'src/platform/web.ts' };

function floorOf(file) {
  const [, first, second] = file.split('/');
  if (second !== undefined) return ['platform', 'http', 'hub'].includes(first) ? 'ground' : first;
  if (first === 'cli.ts') return 'cli';
  if (first === 'kernels.ts') return 'kernels';
  return first === 'index.ts' ? 'index' : 'ground';
}

const files = ['src', 'assembly'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);
const faults = [];
const graph = new Map();

for (const file of files) {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'));
  const specifiers = importedFiles.map(({ fileName }) => fileName);
  const targets = [];
  for (const specifier of specifiers) {
    if (specifier.endsWith('.wasm')) {
      if (file !== WITH_MODULES) faults.push(`${file} imports ${specifier}`);
    } else if (specifier.startsWith('.')) {
      const path = normalize(join(dirname(file), specifier)).replace(/\.js$/, '');
      const target = files.find((candidate) => candidate === `${path}.ts`);
      if (target === undefined) faults.push(`${file} imports ${specifier}, which is no file of the project`);
      else targets.push(target);
    } else if (specifier === '#platform') {
      targets.push('src/platform/node.ts', 'src/platform/web.ts');
    } else if (specifier === '#builds') {
      targets.push('src/engine/builds.ts', 'src/engine/workerd-builds.ts');
    } else if (specifier === '#model-worker') {
      targets.push('src/platform/node-model-worker.ts', 'src/platform/web-model-worker.ts');
    } else if (specifier.startsWith('node:')) {
      if (!ON_NODE.some((place) => file.startsWith(place))) faults.push(`${file} imports ${specifier}`);
    } else {
      const owner = PACKAGE_OWNERS[specifier];
      if (owner === undefined || !file.startsWith(owner)) faults.push(`${file} imports the package ${specifier}`);
    }
  }
  for (const target of targets) {
    for (const [folder, owner] of Object.entries(BEHIND_PLATFORM)) {
      if (target.startsWith(folder) && !file.startsWith(folder) && file !== owner)
        faults.push(`${file} imports ${target}`);
    }
    if (file.startsWith('assembly/') !== target.startsWith('assembly/')) faults.push(`${file} imports ${target}`);
    else if (file.startsWith('src/')) {
      const [from, to] = [floorOf(file), floorOf(target)];
      if (from !== to && !MAY_IMPORT[from]?.includes(to)) faults.push(`${file} (${from}) imports ${target} (${to})`);
    }
  }
  graph.set(file, targets);
}

/** Depth-first: a file that is reached again while it is still open closes a circle. */
const state = new Map();
function visit(file, trail) {
  if (state.get(file) === 'done') return;
  if (state.get(file) === 'open') {
    faults.push(`a circle: ${[...trail.slice(trail.indexOf(file)), file].join(' → ')}`);
    return;
  }
  state.set(file, 'open');
  for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
  state.set(file, 'done');
}
for (const file of files) visit(file, []);

/** What starts a worker's file must not be in it: a bundler would follow it round and round. */
const started = new Set();
function reach(file) {
  if (started.has(file)) return;
  started.add(file);
  for (const target of graph.get(file) ?? []) reach(target);
}
reach('src/model/runners/worker/entry.ts');
if (started.has('src/platform/web-model-worker.ts')) faults.push('the worker of a model imports what starts it');

for (const fault of faults) console.error(fault);
console.log(`${files.length} files, ${[...graph.values()].flat().length} imports, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
