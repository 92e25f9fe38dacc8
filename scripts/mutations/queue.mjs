/** Faults in the queue's rules: code or paths of strangers pass, rows are lost or counted twice, two runs share a directory. */
const [CHECK, WORK, ROOTS, OUTPUT, MODEL, ENQUEUE] = ['check', 'work', 'roots', 'output', 'model', 'enqueue'].map(
  (name) => `packages/queue/src/${name}.ts`,
);
// They run the package's sources, and need no Redis.
const tests = ['test/shards/queue.test.ts'];

/** @type {import('../run-mutations.mjs').Mutation[]} */
export const QUEUE = [
  {
    what: 'an unknown key of a job passes',
    file: CHECK,
    search: 'if (unknown !== undefined) throw',
    replace: 'if (unknown === null) throw',
    tests,
  },
  {
    what: 'a worker’s URL passes through the options of a load',
    file: CHECK,
    search: 'const LOAD: Shape = {',
    replace: "const LOAD: Shape = {\n  workerUrl: { expected: 'a URL', check: text, optional: true },",
    tests,
  },
  {
    what: 'a run may be called anything',
    file: CHECK,
    search: '/^[0-9a-f]{32}$/',
    replace: '/^[^]+$/',
    tests,
  },
  {
    what: 'a part may be the one after the last',
    file: CHECK,
    search: 'part.part >= part.parts',
    replace: 'part.part > part.parts',
    tests,
  },
  {
    what: 'a path may be relative',
    file: CHECK,
    search: 'text(value) && isAbsolute(value as string)',
    replace: 'text(value)',
    tests,
  },
  {
    what: 'lines are read outside of the roots',
    file: WORK,
    search: 'uri: await readable(part.uri, roots)',
    replace: 'uri: part.uri',
    tests,
  },
  {
    what: 'rows are written outside of the roots',
    file: WORK,
    search: 'const part = { ...given, output: await writable(given.output, roots) };',
    replace: 'const part = given;',
    tests,
  },
  {
    what: 'a run is closed outside of the roots',
    file: WORK,
    search: 'const run = { ...given, output: await writable(given.output, roots) };',
    replace: 'const run = given;',
    tests,
  },
  {
    what: 'links lead out of the roots',
    file: ROOTS,
    search: 'const real = await resolved(path);',
    replace: 'const real = path;',
    tests,
  },
  {
    what: 'a model is loaded from outside of the roots',
    file: ROOTS,
    search: 'if (isAbsolute(model)) return readable(model, roots);',
    replace: 'if (isAbsolute(model)) return model;',
    tests,
  },
  {
    what: 'a worker writes into the directory of another run',
    file: WORK,
    search: 'await checkClaim(part);',
    replace: '',
    tests,
  },
  {
    what: 'a claimed directory is taken by a second run',
    file: OUTPUT,
    search: 'if ((owner ?? run) !== run || foreign',
    replace: 'if (foreign',
    also: { search: 'if (owner === run) return;', replace: 'if (owner !== undefined) return;' },
    tests,
  },
  {
    what: 'the rows of a run that claimed nothing are no reason to refuse',
    file: OUTPUT,
    search: ' || foreign ||',
    replace: ' ||',
    tests,
  },
  {
    what: '_SUCCESS is written in its place, and a half-written one stays',
    file: OUTPUT,
    search: 'const temporary = `${path}.${randomUUID()}${INCOMPLETE}`;\n  try {\n    // Synced',
    replace: 'const temporary = path;\n  try {\n    // Synced',
    tests,
  },
  {
    what: 'half a _SUCCESS is an error',
    file: OUTPUT,
    search: '} catch {\n    return undefined;',
    replace: '} catch (error) {\n    throw error;',
    tests,
  },
  {
    what: 'rows are counted by what ends lines in a text',
    file: OUTPUT,
    search: 'const counts = { rows: 0, errors: 0 };\n  /** The',
    replace:
      "const counts = { rows: 0, errors: 0 };\n  for (const line of (await readFile(path, 'utf8')).split(/\\n|\\u2028|\\u2029/).slice(0, -1)) {\n    counts.rows++;\n    if (line.includes('\"error\"')) counts.errors++;\n  }\n  if (counts.rows > 0) return counts;\n  /** The",
    tests,
  },
  {
    what: 'half a part counts as a whole one',
    file: OUTPUT,
    search: 'return line.length === 0 ? counts : undefined;',
    replace: 'return counts;',
    tests,
  },
  {
    what: 'a model stays relative to the directory of who enqueues',
    file: MODEL,
    search: ': resolve(model);',
    replace: ': model;',
    tests,
  },
  {
    what: 'another content of a model is the same run',
    file: ENQUEUE,
    search: '...work, ...located });',
    replace: '...work });',
    tests,
  },
];
