/** Planted faults in what users of transformers.js meet. */

/** @typedef {import('../run-mutations.mjs').Mutation} Mutation */

const OPTIONS = ['test/pipelines/options.test.ts'];
const LOADS = ['test/hub/load.test.ts'];

/** @type {Mutation[]} */
export const BRIDGES = [
  {
    what: 'the last token is the first',
    file: 'src/pipelines/embedder.ts',
    search: "last_token: 'lasttoken'",
    replace: "last_token: 'cls'",
    tests: OPTIONS,
  },
  {
    what: 'q8 is float32',
    file: 'src/model/options.ts',
    search: "q8: 'int8'",
    replace: "q8: 'float32'",
    tests: OPTIONS,
  },
  {
    what: 'top_k null is 1',
    file: 'src/pipelines/checks.ts',
    search: 'return top_k ?? Number.POSITIVE_INFINITY;',
    replace: 'return top_k ?? 1;',
    tests: OPTIONS,
  },
  {
    what: 'one answer is a list',
    file: 'src/pipelines/question-answering.ts',
    search: 'return top_k === 1 ? (answers[0] ?? NO_ANSWER) : answers;',
    replace: 'return answers;',
    tests: ['test/pipelines/question-answering.test.ts'],
  },
  {
    what: 'a file that is downloaded and read counts twice',
    file: 'src/ground/source-options.ts',
    search: 'Math.max(loaded, load.files.get(file)?.loaded ?? 0)',
    replace: 'loaded + (load.files.get(file)?.loaded ?? 0)',
    tests: LOADS,
  },
  {
    what: 'the small files of a load are all of it',
    file: 'src/ground/source-options.ts',
    search: '(!weights || ',
    replace: '(true || ',
    tests: LOADS,
  },
  {
    what: 'a function that receives the progress of two loads counts them as one',
    file: 'src/ground/source-options.ts',
    search: 'const report = (progress: LoadProgress) => onProgress(progress);',
    replace: 'const report = onProgress;',
    tests: LOADS,
  },
];
