/** Faults of the pipelines, each of one line that a careless hand might write; `tests` are the files that must fail. */
const SENTENCES = ['test/pipelines/sentence-transformers.test.ts'];
const LONG = ['test/pipelines/long-texts.test.ts'];
const FAILURES = ['test/pipelines/failures.test.ts'];
const WORDS = ['test/pipelines/words.test.ts'];
const FILL = ['test/pipelines/fill-mask.test.ts'];
const ZERO_SHOT = ['test/pipelines/zero-shot.test.ts'];

/** @type {import('../run-mutations.mjs').Mutation[]} */
export const PIPELINES = [
  {
    what: 'a path of modules.json climbs out of the source',
    file: 'src/hub/names.ts',
    search: " && !path.includes('..')",
    replace: '',
    tests: ['test/pipelines/sentence-transformers.test.ts', 'test/hub/names.test.ts'],
  },
  {
    what: 'a page in place of added_tokens.json is taken for it',
    file: 'src/http/fetch-file.ts',
    search: "  'added_tokens.json',\n",
    replace: '',
    tests: SENTENCES,
  },
  {
    what: 'a module of any author is taken for one of sentence-transformers',
    file: 'src/pipelines/sentence-transformers.ts',
    search: '/^sentence_transformers\\.',
    replace: '/^\\w+\\.',
    tests: SENTENCES,
  },
  {
    what: 'an unknown pooling is passed over',
    file: 'src/pipelines/sentence-transformers.ts',
    search: 'if (strange !== undefined)',
    replace: 'if (false)',
    tests: SENTENCES,
  },
  {
    what: 'a dense layer reads past a vector of another size',
    file: 'src/pipelines/embedder.ts',
    search: 'if (inputs !== numbers)',
    replace: 'if (inputs > numbers)',
    tests: SENTENCES,
  },
  {
    what: 'a dense layer’s weights are not checked',
    file: 'src/weights/read-tensors.ts',
    search: 'if (fault !== -1)',
    replace: 'if (fault > 1e9)',
    tests: SENTENCES,
  },
  {
    what: 'the prompt’s tokens are counted though they must not be',
    file: 'src/pipelines/pooling.ts',
    search: 'if (position >= skipped)',
    replace: 'if (position >= 0)',
    tests: SENTENCES,
  },
  {
    what: 'tokens that two windows share are pooled twice',
    file: 'src/pipelines/windows.ts',
    search: 'i === lengths.length - 1 ? length : length - half',
    replace: 'length',
    tests: LONG,
  },
  {
    what: 'a cut is said at every text',
    file: 'src/pipelines/texts.ts',
    search: 'this.#warned = true;',
    replace: '',
    tests: LONG,
  },
  {
    what: 'a cut is not said',
    file: 'src/pipelines/texts.ts',
    search: '#warned = false;',
    replace: '#warned = true;',
    tests: LONG,
  },
  {
    what: 'a model whose tokenizer fails lives on',
    file: 'src/pipelines/pipeline.ts',
    search: "if (loaded.status === 'fulfilled') await loaded.value.dispose();",
    replace: '',
    tests: FAILURES,
  },
  {
    what: 'NaN is an answer',
    file: 'src/pipelines/jobs.ts',
    search: 'if (Number.isFinite(value)) continue;',
    replace: 'continue;',
    tests: FAILURES,
  },
  {
    what: 'all choices are encoded before the first is answered',
    file: 'src/pipelines/jobs.ts',
    search: 'for (const job of several ? work.jobs() : [work]) {',
    replace: 'for (const job of several ? [...work.jobs()] : [work]) {',
    tests: FAILURES,
  },
  {
    what: 'long texts are segmented in one piece, in the square of their length',
    file: 'src/pipelines/words.ts',
    search: 'const sure = isLast || found.length < 4 ? found.length : found.length - 2;',
    replace: 'const sure = found.length;',
    tests: WORDS,
  },
  {
    what: 'S- does not begin an entity',
    file: 'src/pipelines/aggregation.ts',
    search: "'BSU'.includes(mark)",
    replace: "'B'.includes(mark)",
    tests: ['test/pipelines/aggregation.test.ts'],
  },
  {
    what: 'masks are filled with the likeliest words alone',
    file: 'src/pipelines/fill-together.ts',
    search: 'const width = Math.max(fillings, MIN_BEAMS);',
    replace: 'const width = fillings;',
    tests: FILL,
  },
  {
    what: 'pieces of a target are scored at one mask',
    file: 'src/pipelines/fill-mask.ts',
    search: 'const rows = Array.from({ length }, (_, k) => rowOf(output, k));',
    replace: 'const rows = Array.from({ length }, () => rowOf(output, 0));',
    tests: FILL,
  },
  {
    what: 'a label is a pattern',
    file: 'src/pipelines/zero-shot-classification.ts',
    search: "replaceAll('{}', () => label)",
    replace: "replaceAll('{}', label)",
    tests: ZERO_SHOT,
  },
  {
    what: 'the label is cut in place of the text',
    file: 'src/pipelines/zero-shot-classification.ts',
    search: "cut: 'only_first'",
    replace: "cut: 'longest_first'",
    tests: ZERO_SHOT,
  },
];
