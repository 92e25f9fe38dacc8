/** Datasets: read from files, chunks and arrays; labels; and every fault with its file and line. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Dataset, loadDataset } from '../../../src/training/data/dataset.js';
import type { TrainingTask } from '../../../src/training/data/examples.js';
import { classNames, LabelIds, problemOf, tagNames } from '../../../src/training/data/labels.js';
import { expectError } from '../../support/expect-error.js';

const test = suite('training data');

const SHARED = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const folder = mkdtempSync(`${tmpdir()}/albert-wasm-data-`);
test.after(() => rmSync(folder, { recursive: true }));

/** A file's path. */
function file(name: string, text: string): string {
  writeFileSync(`${folder}/${name}`, text);
  return `${folder}/${name}`;
}

const lines = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

test('JSON lines, CSV, TSV, chunks, a Blob and an array give the same examples', async () => {
  const examples = [
    { text: 'one, "two"', label: 'b' },
    { text: 'line\nbreak', label: 'a' },
  ];
  const csv = 'text,label,id\n"one, ""two""",b,7\r\n"line\nbreak",a,8\n';
  const given = await loadDataset('text-classification', examples);
  async function* chunks() {
    for (const byte of new TextEncoder().encode(lines(...examples))) yield Uint8Array.of(byte);
  }
  const read = [
    await loadDataset('text-classification', file('a.jsonl', `\ufeff${lines(...examples)}\n`)),
    await loadDataset('text-classification', pathToFileURL(file('a.csv', csv))),
    await loadDataset('text-classification', file('a.tsv', 'label\ttext\nb\t"one, ""two"""\na\t"line\nbreak"\n')),
    await loadDataset('text-classification', chunks()),
    await loadDataset('text-classification', new Blob([lines(...examples)])),
    await loadDataset('text-classification', new File([csv], 'a.csv')),
  ];
  assert.equal(given.examples, examples);
  for (const dataset of read) {
    assert.equal(dataset.examples, examples);
    assert.equal(dataset.labels, ['a', 'b']);
    assert.is(dataset.problem_type, 'single_label_classification');
  }
  assert.is(read[1]?.where(1), 'a.csv line 3');
  assert.is(given.where(1), 'examples[1]');
});

test('other names of columns', async () => {
  const path = file('columns.csv', 'review,stars\nGood.,5\nBad.,1\n');
  const { examples, labels } = await loadDataset('text-classification', path, {
    columns: { text: 'review', label: 'stars' },
  });
  assert.equal(examples, [
    { text: 'Good.', label: '5' },
    { text: 'Bad.', label: '1' },
  ]);
  assert.equal(labels, ['1', '5']);
  // A column that is read already is not proposed.
  const half = () => loadDataset('text-classification', path, { columns: { text: 'review' } });
  await expectError(half, 'ERR_INPUT', 'columns.csv line 1: no column "label"', 'columns: { label: "stars" } reads it');
  const whole = () => loadDataset('text-classification', path, { columns: { label: 'review' } });
  await expectError(whole, 'ERR_INPUT', 'no column "text"', 'columns: { text: "stars" } reads it');
  const missing = () => loadDataset('text-classification', path, { columns: { text: 'body' } });
  await expectError(missing, 'ERR_INPUT', 'body', 'review, stars', 'columns.csv line 2');
});

test('spaces around the names of columns do not count', async () => {
  const path = file('spaces.csv', 'text , label\nGood.,yes\nBad.,no\n');
  const { examples } = await loadDataset('text-classification', path);
  assert.equal(examples[1], { text: 'Bad.', label: 'no' });
});

test('labels: classes, values, several classes; sorted', async () => {
  assert.is(problemOf(['a', 'b']), 'single_label_classification');
  assert.is(problemOf([0, 1, 2]), 'single_label_classification');
  assert.is(problemOf([0.5, 1, 2]), 'regression');
  assert.is(problemOf(['2.50', '1.0']), 'regression');
  assert.is(problemOf(['1.0.2', 'many']), 'single_label_classification');
  assert.is(problemOf(['2', 'many']), 'single_label_classification');
  assert.is(problemOf([['a'], []]), 'multi_label_classification');
  assert.equal(classNames([10, 9, 1]), ['1', '9', '10']);
  assert.equal(classNames(['b', 'a', 'B', 'a']), ['B', 'a', 'b']);
  assert.equal(tagNames(['I-PER', 'B-LOC', 'O', 'B-PER', 'I-LOC']), ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER']);
  const dataset = await loadDataset('text-classification', [
    { text: 'x', label: ['b', 'a'] },
    { text: 'y', label: [] },
  ]);
  assert.equal(dataset.labels, ['a', 'b']);
  assert.is(dataset.problem_type, 'multi_label_classification');
  const stars = [
    { text: 'x', label: 1 },
    { text: 'y', label: 5 },
  ];
  const values = await loadDataset('text-classification', stars, { problem_type: 'regression' });
  assert.is(values.labels, undefined);
  const mixed = [
    { text: 'x', label: ['a'] },
    { text: 'y', label: 'a' },
  ];
  await expectError(() => loadDataset('text-classification', mixed), 'ERR_INPUT', 'got "a" at examples[1]');
  const words = [{ text: 'x', label: 'good' }];
  await expectError(
    () => loadDataset('text-classification', words, { problem_type: 'regression' }),
    'ERR_INPUT',
    'examples[0]',
  );
});

test('classes may have the names of numbers with a fraction, if the options say so', async () => {
  const path = file('versions.csv', 'text,label\na,1.5\nb,n/a\n');
  const { labels } = await loadDataset('text-classification', path, { problem_type: 'single_label_classification' });
  assert.equal(labels, ['1.5', 'n/a']);
});

test('spaces around labels and tags do not count; those of texts do', async () => {
  const csv = 'text,label\n good,yes\nbad, no\nfine, yes \n';
  const words = await loadDataset('text-classification', file('labels.csv', csv));
  assert.equal(words.labels, ['no', 'yes']);
  assert.equal(words.examples[0], { text: ' good', label: 'yes' });
  const lists = await loadDataset('text-classification', file('lists.csv', 'text,label\na," [""x "", ""x""]"\n'));
  assert.equal([lists.labels, lists.problem_type], [['x'], 'multi_label_classification']);
  const tags = await loadDataset('token-classification', [{ tokens: [' a', 'b'], tags: ['O ', 'B-X'] }]);
  assert.equal(tags.examples, [{ tokens: [' a', 'b'], tags: ['O', 'B-X'] }]);
  // A model of another library may have them in its own names.
  assert.is(new LabelIds(['no', ' yes ']).of('yes'), 1);
  assert.is(new LabelIds(['a ', 'a']).of('a'), 1);
});

test('the label that is a cosine of 1: the largest without its sign, at least 1, or the one that is given', async () => {
  const pairs = (...labels: number[]) => labels.map((label) => ({ sentence1: 'a', sentence2: 'b', label }));
  const scaleOf = async (labels: number[], options = {}) =>
    (await loadDataset('sentence-similarity', pairs(...labels), options)).max_score;
  assert.equal([await scaleOf([-5, 3]), await scaleOf([0.2, 0.1]), await scaleOf([3], { max_score: 4 })], [5, 1, 4]);
  const beyond = () => scaleOf([1, -5], { max_score: 4 });
  await expectError(beyond, 'ERR_INPUT', 'examples[1]: "label" expected a number from -4 to 4, the max_score, got -5');
});

test('pairs without labels have nothing else; scores under another name are not left out', async () => {
  const scores = 'sentence1,sentence2,score\na,b,4\nc,d,0\n';
  const path = file('scores.csv', scores);
  const load = (source: string, options = {}) => loadDataset('sentence-similarity', source, options);
  await expectError(
    () => load(path),
    'ERR_INPUT',
    'scores.csv line 1: no column "label" (columns: sentence1, sentence2, score): columns: { label: "score" } reads it; pairs that all mean',
  );
  const { examples } = await load(path, { columns: { label: 'score' } });
  assert.equal(
    examples.map(({ label }) => label),
    [4, 0],
  );
  const stsb = file('stsb.tsv', 'genre\tscore\ts1\ts2\nnews\t4\ta\tb\n');
  const columns = { sentence1: 's1', sentence2: 's2' };
  await expectError(() => load(stsb, { columns }), 'ERR_INPUT', 'columns: { label: "score" } reads it');
  const json = [
    { sentence1: 'a', sentence2: 'b' },
    { sentence1: 'a', sentence2: 'b', stars: 1 },
  ] as never;
  await expectError(
    () => loadDataset('sentence-similarity', json),
    'ERR_INPUT',
    'examples[1]: no key "label" (keys: sentence1, sentence2, stars)',
  );
  const alike = file('alike.csv', 'a,b\nx,y\n');
  const pairs = await load(alike, { columns: { sentence1: 'a', sentence2: 'b' } });
  assert.equal(pairs.examples, [{ sentence1: 'x', sentence2: 'y' }]);
  await expectError(
    () => load(file('pairs2.csv', 'sentence1,sentence2\nx,y\n'), { max_score: 5 }),
    'ERR_INPUT',
    '"max_score" expected pairs with labels, got "pairs without any" at pairs2.csv',
  );
});

test('a scale or a kind of labels is checked before anything is read', async () => {
  const refused = (task: TrainingTask, options: object, ...words: string[]) =>
    expectError(() => loadDataset(task, `${folder}/none.csv`, options), 'ERR_INPUT', ...words);
  for (const max_score of [0, -1, Number.NaN, '5'])
    await refused('sentence-similarity', { max_score }, '"max_score" expected a number above 0');
  await refused(
    'text-classification',
    { max_score: 5 },
    '"max_score" expected the task sentence-similarity',
    'got "text-c',
  );
  await refused('text-classification', { problem_type: 'values' }, '"problem_type" expected regression, single_label');
  await refused(
    'fill-mask',
    { problem_type: 'regression' },
    '"problem_type" expected the task text-classification',
    'got "fill-mask"',
  );
});

test('ids of labels: by name, or a number that is no name', async () => {
  const ids = new LabelIds(['NEGATIVE', 'POSITIVE']);
  assert.is(ids.of('POSITIVE'), 1);
  assert.is(ids.of(0), 0);
  assert.is(ids.of('1'), 1);
  await expectError(() => ids.of(2), 'ERR_INPUT', 'NEGATIVE, POSITIVE', '2');
  await expectError(() => ids.of('neutral'), 'ERR_INPUT', '"neutral"');
  await expectError(() => ids.of('toString'), 'ERR_INPUT');
  // The names are numbers, in another order than the ids.
  assert.is(new LabelIds(['5', '1', '0']).of(1), 1);
});

test('each task reads its keys, in JSON and in CSV', async () => {
  const rows: { readonly [T in TrainingTask]: readonly [row: object, csv: string] } = {
    'text-classification': [{ text: 'a', text_pair: 'b', label: 'x' }, 'text,text_pair,label\na,b,x\n'],
    'token-classification': [{ tokens: ['a', 'b'], tags: ['O', 'B-X'] }, 'tokens,tags\na b,"[""O"",""B-X""]"\n'],
    'question-answering': [
      { question: 'q', context: 'so so', answers: [{ text: 'so', answer_start: 3 }] },
      'question,context,answers\nq,so so,"{""text"":[""so""],""answer_start"":[3]}"\n',
    ],
    'multiple-choice': [{ prompt: 'p', choices: ['a', 'b'], label: 1 }, 'prompt,choices,label\np,"[""a"",""b""]",1\n'],
    'sentence-similarity': [{ sentence1: 'a', sentence2: 'b', label: 0.5 }, 'sentence1,sentence2,label\na,b,0.5\n'],
    'fill-mask': [{ text: 'a' }, 'text\na\n'],
  };
  for (const [task, [row, csv]] of Object.entries(rows) as [TrainingTask, readonly [object, string]][]) {
    const read = [await loadDataset(task, [row] as never), await loadDataset(task, file(`${task}.csv`, csv))];
    for (const { examples } of read) assert.equal(examples, [row], task);
  }
  const { examples } = await loadDataset('sentence-similarity', file('pairs.csv', 'sentence1,sentence2,label\na,b,\n'));
  assert.equal(examples, [{ sentence1: 'a', sentence2: 'b' }]);
});

/** Faults: the task, the file's text, and words of the message. */
const FAULTS: [what: string, task: TrainingTask, name: string, text: string, ...words: string[]][] = [
  ['an array of examples', 'fill-mask', 'f.json', '[{"text": "a"}]\n', 'f.json line 1', 'JSON array', "jq -c '.[]'"],
  ['an array over lines', 'fill-mask', 'f.json', '\n [\n{"text": "a"}\n]\n', 'f.json line 2', 'JSON array'],
  ['a label that is true', 'text-classification', 'f.jsonl', '{"text": "a", "label": true}\n', '"true" or 1'],
  ['a label that is false in a list', 'text-classification', 'f.jsonl', '{"text": "a", "label": [false]}\n', 'or 0'],
  [
    'tags that are numbers',
    'token-classification',
    'f.jsonl',
    '{"tokens": ["a", "b"], "tags": ["O", 3]}\n',
    'f.jsonl line 1: "tags" expected names of tags, such as "O"',
    'got 3 at [1]',
  ],
  ['a malformed line', 'fill-mask', 'f.jsonl', '{"text": "a"}\n{"text": \n', 'f.jsonl line 2', 'JSON'],
  ['a line that is no object', 'fill-mask', 'f.jsonl', '"a"\n', 'f.jsonl line 1', 'an object'],
  ['an empty text', 'fill-mask', 'f.jsonl', '{"text": "a"}\n\n{"text": " "}\n', 'f.jsonl line 3', '"text"'],
  ['a text that is none', 'fill-mask', 'f.jsonl', '{"text": 7}\n', 'f.jsonl line 1', '"text"'],
  ['no label', 'text-classification', 'f.jsonl', '{"text": "a"}\n', 'f.jsonl line 1', '"label"'],
  ['an empty label', 'text-classification', 'f.csv', 'text,label\na,b\nc,\n', 'f.csv line 3', '"label"'],
  ['a label that is null', 'text-classification', 'f.jsonl', '{"text": "a", "label": null}\n', '"label"', 'null'],
  [
    'too few tags',
    'token-classification',
    'f.jsonl',
    '{"tokens": ["a", "b"], "tags": ["O"]}\n',
    'line 1',
    '1 tags',
    '2 tokens',
  ],
  [
    'an empty token',
    'token-classification',
    'f.jsonl',
    '{"tokens": ["a", ""], "tags": ["O", "O"]}\n',
    '"tokens"',
    '[1]',
  ],
  [
    'an answer elsewhere',
    'question-answering',
    'f.jsonl',
    lines({ question: 'q', context: 'abc', answers: [{ text: 'b', answer_start: 2 }] }),
    'f.jsonl line 1: "answers" expected "b" in the context at answer_start 2, got "c" at [0]',
  ],
  [
    'an answer without an offset',
    'question-answering',
    'f.jsonl',
    lines({ question: 'q', context: 'abc', answers: [{ text: 'b', answer_start: '1' }] }),
    'an integer from 0, got "1" at [0].answer_start',
  ],
  [
    'an answer that is no text',
    'question-answering',
    'f.jsonl',
    lines({ question: 'q', context: 'abc', answers: [{ answer_start: 1 }] }),
    'a text, got undefined at [0].text',
  ],
  ['no answers', 'question-answering', 'f.jsonl', lines({ question: 'q', context: 'abc' }), '"answers"'],
  [
    'no such choice',
    'multiple-choice',
    'f.jsonl',
    lines({ prompt: 'p', choices: ['a'], label: 1 }),
    '"label"',
    '1 choices',
  ],
  [
    'a label that is no number',
    'sentence-similarity',
    'f.csv',
    'sentence1,sentence2,label\na,b,high\n',
    'line 2',
    '"label"',
  ],
  [
    'a pair without a label among others',
    'sentence-similarity',
    'f.jsonl',
    lines({ sentence1: 'a', sentence2: 'b', label: 1 }, { sentence1: 'a', sentence2: 'b' }),
    'one in each pair or in none, got "none" at f.jsonl line 2',
  ],
  [
    'a pair with a label among others',
    'sentence-similarity',
    'f.csv',
    'sentence1,sentence2,label\na,b,\nc,d, \ne,f,3\n',
    'one in each pair or in none, got 3 at f.csv line 4',
  ],
  [
    'a list of labels among others',
    'text-classification',
    'f.jsonl',
    lines({ text: 'a', label: 'x' }, { text: 'b', label: 'y' }, { text: 'c', label: ['x'] }),
    'a list in each example or in none, got ["x"] at f.jsonl line 3',
  ],
  [
    'a label that is no number among values',
    'text-classification',
    'f.csv',
    'text,label\na,1.5\nb,2\nc,n/a\n',
    'f.csv line 4: "label" expected a number like the others, got "n/a"; problem_type single_label_classification makes',
  ],
  ['NaN among values', 'text-classification', 'f.csv', 'text,label\na,NaN\nb,1.5\n', 'f.csv line 2: "label"', '"NaN"'],
  [
    'a decimal comma',
    'text-classification',
    'f.csv',
    'text,label\na,"1,5"\nb,"2,0"\n',
    'f.csv line 2: "label" expected a number with a point, got "1,5"; problem_type',
  ],
  [
    'a value beyond float32',
    'text-classification',
    'f.jsonl',
    '{"text": "a", "label": 1.5}\n{"text": "a", "label": 1e39}\n',
    '"label" expected a number within float32, as regression takes, got 1e+39 at f.jsonl line 2',
  ],
  ['a record with a field more', 'fill-mask', 'f.csv', 'text,id\na,1\nb,2,3\n', 'f.csv line 3', '2 fields', 'got 3'],
  ['a quote without an end', 'fill-mask', 'f.csv', 'text,id\n"a,1\n', 'f.csv line 2', 'quote'],
  ['two columns of one name but for spaces', 'fill-mask', 'f.csv', 'text, text\na,b\n', 'f.csv line 1', '"text"'],
  ['two columns of one name', 'fill-mask', 'f.csv', 'text,text\na,b\n', 'f.csv line 1', '"text"'],
  [
    'a column of another name',
    'text-classification',
    'f.csv',
    'review,label\na,b\n',
    'f.csv line 1: no column "text" (columns: review, label): columns: { text: "review" } reads it',
  ],
  [
    'a key of another name',
    'text-classification',
    'f.jsonl',
    '{"text": "a", "label": "x"}\n{"text": "a", "id": 1, "stars": 5}\n',
    'f.jsonl line 2: no key "label" (keys: text, id, stars): columns: { label: "stars" } reads it',
  ],
  ['no such key', 'fill-mask', 'f.jsonl', '{}\n', 'f.jsonl line 1: no key "text" (keys: )'],
  [
    'a name that acts on a terminal',
    'fill-mask',
    'f.csv',
    'te\u001bxt\na\n',
    'no column "text" (columns: te\\u001bxt): columns: { text: "te\\u001bxt" } reads it',
  ],
  [
    'semicolons',
    'fill-mask',
    'f.csv',
    'text;id\na;1\n',
    'f.csv line 1: "header" expected a comma between',
    '"text;id"',
  ],
  ['commas in a TSV', 'fill-mask', 'f.tsv', 'text,id\na,1\n', 'f.tsv line 1: "header" expected a tab between'],
  ['a file without examples', 'fill-mask', 'f.csv', 'text\n', 'f.csv', 'at least one example'],
];

for (const [what, task, name, text, ...words] of FAULTS) {
  test(`a fault with its file and line: ${what}`, async () => {
    await expectError(() => loadDataset(task, file(name, text)), 'ERR_INPUT', ...words);
  });
}

test('invalid UTF-8, a missing file, unknown options', async () => {
  writeFileSync(`${folder}/bad.jsonl`, Buffer.from([0x22, 0xff, 0x22, 0x0a]));
  await expectError(() => loadDataset('fill-mask', `${folder}/bad.jsonl`), 'ERR_INPUT', 'bad.jsonl line 1', 'UTF-8');
  await expectError(() => loadDataset('fill-mask', `${folder}/none.jsonl`), 'ERR_SOURCE', 'none.jsonl');
  await expectError(() => loadDataset('fill' as 'fill-mask', []), 'ERR_INPUT', 'task');
  await expectError(() => loadDataset('fill-mask', [{ text: 'a' }], { formt: 'csv' } as object), 'ERR_INPUT', 'formt');
  for (const [source, shown] of [
    [7, '7'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{}, 'Object'],
  ]) {
    const expected = `"source" expected a path, a URL, a Blob, chunks of bytes or an array, got ${shown}`;
    await expectError(() => loadDataset('fill-mask', source as never), 'ERR_INPUT', expected);
  }
});

const FILES: [file: string, task: TrainingTask, examples: number, labels: number | undefined][] = [
  ['trec_train.jsonl', 'text-classification', 5452, 6],
  ['trec_test.jsonl', 'text-classification', 500, 6],
  ['sms_spam_train.jsonl', 'text-classification', 4143, 2],
  ['sst2_dev_first_half.jsonl', 'text-classification', 436, 2],
  ['stsb_train.jsonl', 'sentence-similarity', 5749, undefined],
  ['ner_train.jsonl', 'token-classification', 9832, 7],
  ['ner_dev.jsonl', 'token-classification', 1200, 7],
  ['ner_test_wikigold.jsonl', 'token-classification', 596, 7],
];

(existsSync(SHARED) ? test : test.skip)('the files of real data load as they are', async () => {
  for (const [name, task, count, labels] of FILES) {
    const dataset = await loadDataset(task, `${SHARED}/${name}`);
    assert.ok(dataset instanceof Dataset);
    assert.is(dataset.length, count, name);
    assert.is(dataset.labels?.length, labels, name);
  }
});

test('where an answer begins: in UTF-16 units, or in code points as Python counts', async () => {
  const context = '\u{1f431}\u{1f431} the cat';
  for (const answer_start of [context.indexOf('cat'), [...context].indexOf('c')]) {
    const rows = [{ question: 'q', context, answers: [{ text: 'cat', answer_start }] }];
    const { examples } = await loadDataset('question-answering', rows);
    assert.equal(examples[0]?.answers, [{ text: 'cat', answer_start: 9 }]);
  }
  const beyond = [{ question: 'q', context, answers: [{ text: 'cat', answer_start: 8 }] }];
  await expectError(() => loadDataset('question-answering', beyond), 'ERR_INPUT', 'answer_start');
});

test('a key that the task does not have is refused, not left out', async () => {
  const rows = [{ text: 'a', label: 'x', stars: 'y' }];
  await expectError(
    () => loadDataset('text-classification', rows, { columns: { lable: 'stars' } }),
    'ERR_INPUT',
    '"columns" expected keys among text, text_pair, label, got "lable"',
  );
});

test.run();
