/** Faults of activations, configurations, ids and the limits of files; `tests` are the files that must fail. */
const ACTIVATION = ['test/assembly/activation.test.ts'];
const CONFIG = ['test/model/config.test.ts'];
const LOAD = ['test/model/load.test.ts'];
const SOURCE = ['test/ground/source.test.ts'];
const OPEN = ['test/weights/open.test.ts'];

/** @type {import('../run-mutations.mjs').Mutation[]} */
export const CONFIGURATION = [
  {
    what: 'laplace with sqrt(1/2) in five digits for its mean',
    file: 'assembly/activation.ts',
    search: 'f32x4.splat(0.707107)',
    replace: 'f32x4.splat(0.70711)',
    tests: ACTIVATION,
  },
  {
    what: 'gelu_10 has no limit',
    file: 'assembly/activation.ts',
    search: 'return f32x4.pmin(y, f32x4.splat(10));',
    replace: 'return y;',
    tests: ACTIVATION,
  },
  {
    what: 'mish by log(1 + e) without its tanh’s square',
    file: 'assembly/activation.ts',
    search: 'f32x4.mul(e, f32x4.add(e, two))',
    replace: 'f32x4.mul(e, two)',
    tests: ACTIVATION,
  },
  {
    what: 'hardswish multiplies before it divides, and overflows',
    file: 'assembly/activation.ts',
    search: 'f32x4.mul(x, f32x4.mul(clipped, f32x4.splat(1.0 / 6)))',
    replace: 'f32x4.mul(f32x4.mul(x, clipped), f32x4.splat(1.0 / 6))',
    tests: ACTIVATION,
  },
  {
    what: 'leaky_relu lets a tenth through',
    file: 'assembly/activation.ts',
    search: 'f32x4.mul(x, f32x4.splat(0.01))',
    replace: 'f32x4.mul(x, f32x4.splat(0.1))',
    tests: ACTIVATION,
  },
  {
    what: 'scalar relu2 is relu',
    file: 'assembly/scalar/activation.ts',
    search: 'positive * positive',
    replace: 'positive',
    tests: ACTIVATION,
  },
  {
    what: 'gelu_python is taken for the one by tanh',
    file: 'src/model/config.ts',
    search: "gelu_python: 'gelu',",
    replace: "gelu_python: 'gelu_new',",
    tests: ['test/kernel-library/library.test.ts'],
  },
  {
    what: 'a list of labels counts num_labels',
    file: 'src/model/labels.ts',
    search: 'if (names.length === 0) {',
    replace: 'if (names.length === 0 || Array.isArray(given)) {',
    tests: CONFIG,
  },
  {
    what: 'sparse labels are taken in their order',
    file: 'src/model/labels.ts',
    search: '(given as Record<number, unknown>)[id];',
    replace: 'Object.values(given)[id];',
    tests: CONFIG,
  },
  {
    what: 'label2id names what num_labels does not count',
    file: 'src/model/labels.ts',
    search: 'if (names.length !== num_labels) names',
    replace: 'if (names.length === 0) names',
    tests: CONFIG,
  },
  {
    what: 'a size that is null is the default',
    file: 'src/model/config.ts',
    search: '=> raw[key] === undefined)',
    replace: '=> (raw[key] ?? undefined) === undefined)',
    tests: CONFIG,
  },
  {
    what: 'weights that do not fit say nothing of the sizes that config.json lacks',
    file: 'src/model/parameters/match.ts',
    search: 'faultsOf([...doubts, ...faults])',
    replace: 'faultsOf(faults)',
    tests: LOAD,
  },
  {
    what: 'any ALBERT’s name without owner is ALBERT’s own',
    file: 'src/hub/names.ts',
    search: '/^albert-(base|large|xlarge|xxlarge)-v[12]$/',
    replace: '/^albert-[\\w-]+$/',
    tests: ['test/hub/names.test.ts'],
  },
  {
    what: 'ALBERT’s own models are asked for without their owner',
    file: 'src/hub/names.ts',
    search: 'return `albert/${text}`;',
    replace: 'return text;',
    tests: SOURCE,
  },
  {
    what: 'a named pipe is waited for',
    file: 'src/platform/node/platform.ts',
    search: 'constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)',
    replace: 'constants.O_RDONLY',
    tests: SOURCE,
  },
  {
    what: 'devices and pipes are read',
    file: 'src/platform/node/platform.ts',
    search: 'if (!found.isFile()) throw',
    replace: 'if (found.isDirectory()) throw',
    tests: SOURCE,
  },
  {
    what: 'a file on disk may have any size',
    file: 'src/platform/node/platform.ts',
    search: '    checkFileSize(file, found.size, url.href);\n',
    replace: '',
    tests: SOURCE,
  },
  {
    what: 'a config.json in memory may have any size',
    file: 'src/model/runners/local.ts',
    search: "  checkFileSize('config.json', bytes.length, source.name);\n",
    replace: '',
    tests: SOURCE,
  },
  {
    what: 'shards have no limit together',
    file: 'src/weights/open.ts',
    search: ' || total > MAX_SHARD_BYTES',
    replace: ' || bytes.length > MAX_SHARD_BYTES',
    tests: OPEN,
  },
  {
    what: 'one shard too many is opened',
    file: 'src/weights/open.ts',
    search: 'shards.size === MAX_SHARDS',
    replace: 'shards.size > MAX_SHARDS',
    tests: OPEN,
  },
  {
    what: 'a save that fails leaves its new weights',
    file: 'src/platform/node/platform.ts',
    search: '    for (const step of undo) await step().catch(() => {});\n',
    replace: '',
    tests: LOAD,
  },
  {
    what: 'a save leaves second names of the old files',
    file: 'src/platform/node/platform.ts',
    search: '  for (const { old } of moves) await rm(old, { force: true }).catch(() => {});\n',
    replace: '',
    tests: LOAD,
  },
];
