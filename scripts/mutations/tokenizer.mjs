/** Faults in tokenizers: each changes ids, offsets or text, or lifts a limit. */
const OFFSETS = ['test/tokenizer/offsets.test.ts'];
const FILES = ['test/tokenizer/files.test.ts'];
const SPIECE = ['test/fuzz/tokenizer.test.ts'];
const RUST = ['test/tokenizer/rust.test.ts'];
const WORDPIECE = ['test/tokenizer/wordpiece.test.ts'];
const SETTINGS = ['test/tokenizer/settings.test.ts'];

/** @type {import('../run-mutations.mjs').Mutation[]} */
export const TOKENIZER = [
  {
    what: 'an accent’s source is lost',
    file: 'src/tokenizer/offsets.ts',
    search: "if (units === '') result.extendLast(ends[to - 1]!);\n    else ",
    replace: '',
    tests: OFFSETS,
  },
  {
    what: 'offsets are relative to the part between special tokens',
    file: 'src/tokenizer/offsets.ts',
    search: 'starts[i] = origin + i;\n    ends[i] = origin + i + 1;',
    replace: 'starts[i] = i;\n    ends[i] = i + 1;',
    tests: OFFSETS,
  },
  {
    what: 'the arrays of a text are the next one’s while a step still shares them',
    file: 'src/tokenizer/normalizer.ts',
    search: 'if (after.starts !== before.starts) release(before);',
    replace: 'release(before);',
    tests: OFFSETS,
  },
  {
    what: 'arrays that are used again lift the limit of a text',
    file: 'src/tokenizer/offsets.ts',
    search: 'this.#room = Math.min(this.#units.length, limit);',
    replace: 'this.#room = this.#units.length;',
    tests: ['test/tokenizer/encode.test.ts', ...SETTINGS],
  },
  {
    what: 'marks without a combining class are dropped with the accents of spiece.model',
    file: 'src/tokenizer/albert-steps.ts',
    search: 'return afterHighest.normalize',
    replace: 'return true || afterHighest.normalize',
    tests: SPIECE,
  },
  {
    what: 'scores of spiece.model are summed in float64',
    file: 'src/tokenizer/unigram.ts',
    search: 'best[end] = rounds ? Math.fround(sum) : sum;\n          startOf',
    replace: 'best[end] = sum;\n          startOf',
    tests: SPIECE,
  },
  {
    what: 'lowered scores make unknown characters dearer',
    file: 'src/tokenizer/sentencepiece.ts',
    search: 'worstScore = Math.min(worstScore, score);',
    replace: 'worstScore = Math.min(worstScore, endsInDigitAndComma(piece) ? score - 100 : score);',
    tests: SPIECE,
  },
  {
    what: 'a path of pieces crosses words of tokenizer.json',
    file: 'src/tokenizer/metaspace.ts',
    search: 'else if (splits) words.push(length);',
    replace: '',
    tests: SETTINGS,
  },
  {
    what: 'StripAccents drops marks that the library does not know',
    file: 'src/tokenizer/unicode-tables.ts',
    search: '(?![${laterMarks}])\\\\p{M}',
    replace: '\\\\p{M}',
    tests: RUST,
  },
  {
    what: 'clusters of any length are replaced as a whole',
    file: 'src/tokenizer/charsmap.ts',
    search: 'const WHOLE_CLUSTER_BYTES = 6;',
    replace: 'const WHOLE_CLUSTER_BYTES = 7;',
    tests: RUST,
  },
  {
    what: 'a final sigma is one in tokenizer.json',
    file: 'src/tokenizer/normalizer.ts',
    search: ".replaceAll('\\u03a3', '\\u03c3')",
    replace: '',
    tests: RUST,
  },
  {
    what: 'punctuation of later versions of Unicode ends a word of BERT',
    file: 'src/tokenizer/bert.ts',
    search: '|(?![${decodeRanges(LATER_PUNCTUATION)}])',
    replace: '|',
    tests: RUST,
  },
  {
    what: 'a word of which a part is unknown keeps the pieces before it',
    file: 'src/tokenizer/wordpiece.ts',
    search: 'for (const values of [pieces.ids, pieces.tokens, pieces.starts, pieces.ends]) values.length = before;',
    replace: '',
    tests: WORDPIECE,
  },
  {
    what: 'of equal lines of vocab.txt the first counts',
    file: 'src/tokenizer/wordpiece-json.ts',
    search: 'ids.set(piece, id);',
    replace: 'if (!ids.has(piece)) ids.set(piece, id);',
    tests: WORDPIECE,
  },
  {
    what: 'the limit on normalised text counts between special tokens',
    file: 'src/tokenizer/segmenter.ts',
    search: 'start, pieces, MAX_NORMALIZED_LENGTH - length)',
    replace: 'start, pieces, MAX_NORMALIZED_LENGTH)',
    tests: ['test/tokenizer/encode.test.ts'],
  },
  {
    what: 'a normalised spelling of an added token has no limit',
    file: 'src/tokenizer/segmenter.ts',
    search: 'steps, Math.min(MAX_PIECE_BYTES, room));',
    replace: 'steps, room);',
    tests: SETTINGS,
  },
  {
    what: 'a trie with a cycle is taken',
    file: 'src/tokenizer/charsmap.ts',
    search: '    checkDepth(this.#units);\n',
    replace: '',
    tests: FILES,
  },
  {
    what: 'keys of a trie have no end',
    file: 'src/tokenizer/double-array.ts',
    search: 'export const MAX_KEY_BYTES = 256;',
    replace: 'export const MAX_KEY_BYTES = 257;',
    tests: FILES,
  },
  {
    what: 'an added word takes the id of another piece',
    file: 'src/tokenizer/added-vocabulary.ts',
    search: "if (there !== undefined && there !== '' && there !== word.content)",
    replace: 'if (there === null)',
    tests: SETTINGS,
  },
  {
    what: 'added_tokens.json is ignored',
    file: 'src/tokenizer/files.ts',
    search: "read('special_tokens_map.json'), read('added_tokens.json')",
    replace: "read('special_tokens_map.json')",
    tests: SETTINGS,
  },
  {
    what: 'the caller’s case is ignored',
    file: 'src/tokenizer/steps-json.ts',
    search: "...(do_lower_case === false ? ['Lowercase'] : []),",
    replace: '',
    tests: SETTINGS,
  },
  {
    what: 'an added token is found inside a word though it may not be',
    file: 'src/tokenizer/added-tokens.ts',
    search: 'if (token.single_word && (',
    replace: 'if (token.single_word && false && (',
    tests: SETTINGS,
  },
];
