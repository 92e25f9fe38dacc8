/**
 * Holds the direction of imports: each room of src/ imports only what its row below allows, rooms and files import nothing in a
 * circle, and ARCHITECTURE.md draws the floors that follow from the imports.
 *
 * Usage: node scripts/check-layers.mjs [--floors]   (--floors prints the drawing)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * The rooms of src/: the files of each, of which the longest beginning of a path counts, the rooms that they may import, and
 * what they are.
 */
const ROOMS = {
  cli: {
    files: ['src/entry/cli.ts', 'src/cli/'],
    imports: ['index', 'shards', 'training', 'ground'],
    what: 'argv in, a table or JSON lines out; one file per command',
  },
  shards: {
    files: ['src/shards/'],
    imports: ['index', 'ground'],
    what: 'lines of large files, in slices, through pipelines; in Node only',
  },
  index: {
    files: ['src/entry/index.ts'],
    imports: ['convert', 'pipelines', 'model', 'model/terms', 'tokenizer', 'ground'],
    what: 'what the package exports',
  },
  training: {
    files: ['src/entry/training.ts', 'src/training/'],
    imports: [
      'training/network',
      'pipelines',
      'model',
      'model/runners',
      'model/network',
      'model/parameters',
      'model/terms',
      'weights',
      'tokenizer',
      'engine',
      'ground',
    ],
    what: 'fine-tuning: data, metrics, the trainer, its state and optimisers',
  },
  'training/network': {
    files: ['src/training/network/'],
    imports: ['model/network', 'model/parameters', 'model/terms', 'engine', 'ground'],
    what: 'forward and backward of each module, as training needs them; losses',
  },
  convert: {
    files: ['src/convert.ts'],
    imports: ['pipelines', 'model/runners', 'model/terms', 'tokenizer', 'weights', 'ground'],
    what: 'a checkpoint and the files beside it, in another dtype or format',
  },
  pipelines: {
    files: ['src/pipelines/'],
    imports: ['model', 'model/terms', 'weights', 'tokenizer', 'ground'],
    what: 'one file per task: text in, answers out',
  },
  model: {
    files: ['src/model/models.ts', 'src/model/albert.ts'],
    imports: ['model/runners', 'model/network', 'model/terms', 'weights', 'ground'],
    what: "FlaxAlbert's seven classes and their base",
  },
  'model/runners': {
    files: ['src/model/runners/'],
    imports: ['model/network', 'model/parameters', 'model/terms', 'engine', 'weights', 'ground'],
    what: 'where a model runs: the calling thread, a worker, several workers',
  },
  'model/network': {
    files: ['src/model/network/'],
    imports: ['model/parameters', 'model/terms', 'engine', 'ground'],
    what: 'what a model computes: one file per module, which declares, plans and runs; heads/',
  },
  'model/parameters': {
    files: ['src/model/parameters/'],
    imports: ['model/terms', 'engine', 'weights', 'ground'],
    what: 'what a model knows: the table of parameters, matched, packed, initialised, saved',
  },
  'model/terms': {
    files: ['src/model/'],
    imports: ['engine', 'weights', 'ground'],
    what: 'configuration, inputs, options, class names, random numbers: the other files of model/ itself',
  },
  'kernel-library': {
    files: ['src/entry/kernels.ts', 'src/kernel-library/'],
    imports: ['engine', 'ground'],
    what: 'the kernels without a model, on Float32Arrays (docs/kernels.md)',
  },
  engine: {
    files: ['src/engine/'],
    imports: ['ground'],
    what: 'the only room that knows WebAssembly: kernels, linear memory, threads',
  },
  weights: {
    files: ['src/weights/'],
    imports: ['ground'],
    what: "checkpoints: safetensors and Flax msgpack, read and written; PyTorch's files, read",
  },
  tokenizer: {
    files: ['src/tokenizer/'],
    imports: ['ground'],
    what: 'text to ids and back, with offsets',
  },
  ground: {
    files: ['src/ground/', 'src/http/', 'src/hub/', 'src/platform/'],
    imports: [],
    what: 'errors, tensors, sources, files; http/, hub/, platform/',
  },
};

/** A folder of src/model with more files than this has parts that want folders of their own. */
const MAX_FILES_IN_FOLDER = 14;

/** The one place of each package, a file or the beginning of some, that may be used at run time. */
const PACKAGE_OWNERS = {
  '@assemblyscript/loader': 'src/engine/kernels.ts',
  'wasm-feature-detect': 'src/engine/builds.ts',
  pbf: 'src/tokenizer/sentencepiece.ts',
  commander: ['src/cli/', 'src/entry/cli.ts'],
};

/** Where Node's own modules may be used: what no browser loads. */
const ON_NODE = ['src/platform/node/', 'src/hub/node/', 'src/cli/', 'src/entry/cli.ts', 'src/shards/'];

/** Where a program's bundler compiles kernels; elsewhere they are loaded by their URLs. */
const WITH_MODULES = 'src/engine/workerd-builds.ts';

/** What only one file may import: the rest of the source must not know on which platform it runs. */
const BEHIND_PLATFORM = {
  'src/hub/node/': 'src/platform/node/platform.ts',
  'src/hub/web/': 'src/platform/web/platform.ts',
};

/** The room whose `files` have the longest beginning of this path. */
function roomOf(file) {
  let [found, length] = [undefined, 0];
  for (const [room, { files }] of Object.entries(ROOMS)) {
    for (const path of files) {
      if (file.startsWith(path) && path.length > length) [found, length] = [room, path.length];
    }
  }
  return found;
}

const files = ['src', 'assembly'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);
const faults = [];
const graph = new Map();
/** The rooms that each room imports. */
const imported = Object.fromEntries(Object.keys(ROOMS).map((room) => [room, new Set()]));

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
      targets.push('src/platform/node/platform.ts', 'src/platform/web/platform.ts');
    } else if (specifier === '#builds') {
      targets.push('src/engine/builds.ts', 'src/engine/workerd-builds.ts');
    } else if (specifier === '#model-worker') {
      targets.push('src/platform/node/model-worker.ts', 'src/platform/web/model-worker.ts');
    } else if (specifier.startsWith('node:')) {
      if (!ON_NODE.some((place) => file.startsWith(place))) faults.push(`${file} imports ${specifier}`);
    } else {
      const owner = PACKAGE_OWNERS[specifier];
      if (owner === undefined || ![owner].flat().some((start) => file.startsWith(start)))
        faults.push(`${file} imports the package ${specifier}`);
    }
  }
  for (const target of targets) {
    for (const [folder, owner] of Object.entries(BEHIND_PLATFORM)) {
      if (target.startsWith(folder) && !file.startsWith(folder) && file !== owner)
        faults.push(`${file} imports ${target}`);
    }
    if (file.startsWith('assembly/') !== target.startsWith('assembly/')) faults.push(`${file} imports ${target}`);
    else if (file.startsWith('src/')) {
      const [from, to] = [roomOf(file), roomOf(target)];
      if (from === to) continue;
      imported[from].add(to);
      if (!ROOMS[from].imports.includes(to)) faults.push(`${file} (${from}) imports ${target} (${to})`);
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
if (started.has('src/platform/web/model-worker.ts')) faults.push('the worker of a model imports what starts it');

for (const [room, { imports }] of Object.entries(ROOMS)) {
  for (const other of imports) if (!imported[room].has(other)) faults.push(`${room} may import ${other} and does not`);
}

/** How many floors lie below a room: those of the highest room that it imports, and that one. */
function floorOf(room, trail = []) {
  if (trail.includes(room)) {
    if (trail[0] === room) faults.push(`rooms in a circle: ${[...trail, room].join(' → ')}`);
    return 0;
  }
  return Math.max(0, ...[...imported[room]].map((other) => 1 + floorOf(other, [...trail, room])));
}

/** The floors from the top, one room per line. */
function drawing() {
  const floors = Object.keys(ROOMS).map((room) => ({ room, floor: floorOf(room) }));
  const lines = floors
    .sort((a, b) => b.floor - a.floor)
    .map(({ room, floor }) => `${String(floor).padStart(2)}  ${room.padEnd(18)}${ROOMS[room].what}`);
  return lines.join('\n');
}

const floors = drawing();
if (!readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').includes(`\`\`\`\n${floors}\n\`\`\``))
  faults.push('ARCHITECTURE.md draws other floors than node scripts/check-layers.mjs --floors');

const counts = new Map();
for (const file of files.filter((path) => path.startsWith('src/model/'))) {
  counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
}
for (const [folder, count] of counts) {
  if (count > MAX_FILES_IN_FOLDER) faults.push(`${folder} has ${count} files, more than ${MAX_FILES_IN_FOLDER}`);
}

if (process.argv.includes('--floors')) console.log(floors);
for (const fault of faults) console.error(fault);
console.log(`${files.length} files, ${[...graph.values()].flat().length} imports, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
