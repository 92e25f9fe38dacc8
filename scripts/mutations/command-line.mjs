/** Faults of the command line and of lines in files, each of one line that a careless hand might write; `tests` are the files that must fail. */
const ROWS = ['test/shards/process-shard.test.ts'];
const CSV = ['test/cli/csv.test.ts'];
const INPUTS = ['test/cli/inputs.test.ts'];

/** @type {import('../run-mutations.mjs').Mutation[]} */
export const COMMAND_LINE = [
  {
    what: 'a blank line is a text, and is labelled',
    file: 'src/shards/answer-lines.ts',
    search: 'batch.filter((line) => !isBlank(line))',
    replace: '[...batch].filter((line) => isBlank(line) || true)',
    tests: ROWS,
  },
  {
    what: 'a key of the caller is lost behind one of ours',
    file: 'src/shards/formats.ts',
    search: "...renamed(others, [...writes, 'error']), ...row",
    replace: '...others, ...row',
    tests: ROWS,
  },
  {
    what: 'a row that is no error has the key of errors',
    file: 'src/shards/formats.ts',
    search: "...renamed(others, [...writes, 'error']), ...row",
    replace: '...renamed(others, writes), ...row',
    tests: ROWS,
  },
  {
    what: 'an id of 19 digits comes back as another',
    file: 'src/shards/formats.ts',
    search: ' || Math.abs(value) > Number.MAX_SAFE_INTEGER',
    replace: '',
    tests: ROWS,
  },
  {
    what: 'errors are counted by how a row begins, where the keys of a caller may stand',
    file: 'packages/queue/src/output.ts',
    search: "if ('error' in JSON.parse(Buffer.concat(line).toString('utf8')))",
    replace: "if (Buffer.concat(line).toString('utf8').startsWith('{\"error\":'))",
    tests: ROWS,
  },
  {
    what: 'a newline in quotes ends the record',
    file: 'src/ground/csv.ts',
    search: "if (state === 'quoted') {",
    replace: "if (state === 'quoted' && byte !== NEWLINE) {",
    tests: CSV,
  },
  {
    what: 'CRLF ends two records',
    file: 'src/ground/csv.ts',
    search: 'if (!second) {',
    replace: 'if (!second || held === 0) {',
    tests: CSV,
  },
  {
    what: 'a quote within a bare field opens quotes',
    file: 'src/ground/csv.ts',
    search: "byte === QUOTE && state !== 'bare'",
    replace: 'byte === QUOTE',
    tests: CSV,
  },
  {
    what: 'a record without an end is kept in memory however long it is',
    file: 'src/ground/csv.ts',
    search: 'Math.max(0, MAX_LINE_BYTES + 1 - held)',
    replace: 'part.length',
    tests: CSV,
  },
  {
    what: 'quotes are written as they are',
    file: 'src/ground/csv.ts',
    search: ".replaceAll('\"', '\"\"')",
    replace: '',
    tests: CSV,
  },
  {
    what: 'a record of another length is taken for the columns that it has',
    file: 'src/cli/csv-inputs.ts',
    search: 'values.length !== names.length',
    replace: 'values.length > names.length',
    tests: INPUTS,
  },
  {
    what: 'a CSV is cut at any newline for shards',
    file: 'src/cli/usage.ts',
    search: "if (shard !== undefined) throw usageError('--shard cuts",
    replace: "if (shard === undefined && given < 0) throw usageError('--shard cuts",
    tests: INPUTS,
  },
  {
    what: 'answers take the place of the file that they answer, where it has two names',
    file: 'src/cli/output.ts',
    search: "path.startsWith('file:') ? new URL(path) : path",
    replace: "path.startsWith('file:') ? '' : path",
    tests: INPUTS,
  },
  {
    what: 'a file of half of the answers gets the name',
    file: 'src/cli/writers.ts',
    search: 'if (!whole && !sink.lasting) return sink.discard();',
    replace: '',
    tests: INPUTS,
  },
  {
    what: 'a text steers the terminal from a table',
    file: 'src/cli/table.ts',
    search: 'rows.map((row) => row.map(printableText))',
    replace: 'rows.map((row) => [...row])',
    tests: INPUTS,
  },
  {
    what: 'an override of the direction is written to JSON as it is',
    file: 'src/cli/writers.ts',
    search: 'printableText(JSON.stringify(value))',
    replace: 'JSON.stringify(value)',
    tests: INPUTS,
  },
  {
    what: 'one word that is no command is labelled',
    file: 'src/cli/commands/tour.ts',
    search: 'if (more.length > 0 && near === undefined) return;',
    replace: 'if (near === undefined) return;',
    tests: ['test/cli/tour.test.ts'],
  },
];
